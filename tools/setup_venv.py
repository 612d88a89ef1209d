"""Builds ``.venv`` from the hash-locked requirements with nothing but Python's standard library.

    python3 tools/setup_venv.py runtime        what the service needs
    python3 tools/setup_venv.py test           that, the tests and the checks
    python3 tools/setup_venv.py uv ARGUMENTS   uv itself, reached the same way

A stamp in ``.venv`` remembers what was installed, so a second call does nothing. ``uv`` is taken from the PATH, or
brought by pip into ``.tools``. uv does not read pip's configuration; on a machine whose package index, certificate or
wheel folder is set there, those are handed over, so that no index is ever named here.
"""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, cast

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
OLDEST_UV = (0, 8)

Kind = Literal["runtime", "test"]


class SetupError(Exception):
    """Setting up cannot go on; the message says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Do what the module's docstring says; returns the exit code."""
    try:
        if arguments[:1] == ["uv"]:
            return run_uv(arguments[1:], check=False)
        if len(arguments) != 1 or arguments[0] not in {"runtime", "test"}:
            raise SetupError("Say what to set up: runtime, test or uv.")
        set_up(cast("Kind", arguments[0]))
    except SetupError as fault:
        print(f"\n{fault}", file=sys.stderr)
        return 1
    return 0


def set_up(kind: Kind) -> None:
    """Make ``.venv`` hold what ``kind`` asks for. One made for tests serves for running and stays."""
    stamp = VENV / ".minirag-setup"
    installed = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
    wanted: Kind = "test" if installed.startswith("test ") else kind
    state = f"{wanted} {fingerprint(wanted)}"
    python = VENV / "bin" / "python"
    if installed == state and os.access(python, os.X_OK):
        return
    print(f"Setting up .venv for {'running' if wanted == 'runtime' else 'running and testing'} …", file=sys.stderr)
    if not speaks_our_version(python):
        run_uv(["venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)])
    target = ["--quiet", "--python", str(python)]
    lock = ROOT / "requirements" / f"{wanted}.txt"
    run_uv(["pip", "sync", *target, "--require-hashes", "--compile-bytecode", str(lock)])
    run_uv(["pip", "install", *target, "--no-build-isolation", "--no-deps", "--editable", str(ROOT)])
    subprocess.run([python, "-m", "compileall", "-q", str(ROOT / "app")], check=False)
    stamp.write_text(state, encoding="utf-8")


def fingerprint(kind: Kind) -> str:
    """A digest of everything that decides what is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = (
        sys.version,
        str(ROOT),
        json.dumps([project["project"], project["build-system"]], sort_keys=True),
        (ROOT / "requirements" / f"{kind}.txt").read_text(encoding="utf-8"),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def speaks_our_version(python: Path) -> bool:
    """Whether the environment's Python works and is the one that runs this script, by version."""
    probe = [str(python), "-c", "import sys; print(sys.version)"]
    try:
        said = subprocess.run(probe, check=True, capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    return said.strip() == sys.version.strip()


def run_uv(arguments: Sequence[str], *, check: bool = True) -> int:
    """Run uv with the machine's own package sources. Raises SetupError when it fails, unless told not to ``check``."""
    uv = find_uv() or bring_uv()
    locking = list(arguments[:2]) == ["pip", "compile"]
    environment = {**os.environ, **uv_environment(pip_configuration(), os.environ, default_only=locking)}
    code = subprocess.run([uv, *arguments], check=False, cwd=ROOT, env=environment).returncode
    if code and check:
        raise SetupError(f"uv {' '.join(arguments[:2])} failed; its own words stand above. Then run the command again.")
    return code


def find_uv() -> str | None:
    """A uv that is new enough: the machine's, else the one brought earlier."""
    for candidate in (shutil.which("uv"), str(TOOLS / "bin" / "uv")):
        if candidate is None or not Path(candidate).exists():
            continue
        said = subprocess.run([candidate, "--version"], check=False, capture_output=True, text=True).stdout
        if tuple(int(part) for part in re.findall(r"\d+", said)[:2]) >= OLDEST_UV:
            return candidate
    return None


def bring_uv() -> str:
    """Install the locked uv into ``.tools``: by a private venv, or by the machine's pip where venv has none to give."""
    print("Bringing uv, which installs the rest …", file=sys.stderr)
    install = ["-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(ROOT / "requirements" / "uv.txt")]
    shutil.rmtree(TOOLS, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(TOOLS)], check=False, capture_output=True)
    if made.returncode == 0:
        done = subprocess.run([str(TOOLS / "bin" / "python"), *install], check=False)
    else:  # Debian cuts ensurepip out of Python; its own pip may be there all the same.
        shutil.rmtree(TOOLS, ignore_errors=True)
        done = subprocess.run([sys.executable, *install, "--target", str(TOOLS)], check=False, capture_output=True)
    if done.returncode == 0 and (uv := find_uv()):
        return uv
    shutil.rmtree(TOOLS, ignore_errors=True)
    if made.returncode:
        raise SetupError(
            "This Python can make no virtual environment and has no pip, as Debian and Ubuntu ship it.\n"
            "Install one of them (apt install python3-venv) or uv itself, and run the command again."
        )
    raise SetupError("pip could not install uv; its own words stand above. Is the package index reachable?")


def pip_configuration() -> dict[str, str]:
    """pip's settings by bare name, the environment's over the files'; empty where there is no pip."""
    private = TOOLS / "bin" / "python"
    python = str(private) if private.exists() else sys.executable
    listed = subprocess.run([python, "-m", "pip", "config", "list"], check=False, capture_output=True, text=True)
    return parse_pip_configuration(listed.stdout if listed.returncode == 0 else "")


def parse_pip_configuration(listed: str) -> dict[str, str]:
    """Read what ``pip config list`` prints: ``section.name='value'``, sections from the weakest to the strongest."""
    found: dict[str, str] = {}
    lines = [match.groups() for match in re.finditer(r"^(global|install|:env:)\.([a-z-]+)=(.+)$", listed, re.MULTILINE)]
    for section in ("global", "install", ":env:"):
        found |= {name: str(ast.literal_eval(value)) for of, name, value in lines if of == section}
    return found


def uv_environment(pip: Mapping[str, str], given: Mapping[str, str], *, default_only: bool = False) -> dict[str, str]:
    """pip's settings as uv's variables, without those already ``given``.

    With more than one index uv would look only in the first that knows a package's name. Every file is checked
    against the lock's hash, so looking in all of them is safe. ``default_only`` is for making the lock, which must
    not depend on what one machine happens to have beside the index.
    """
    translated = {"UV_DEFAULT_INDEX": pip.get("index-url"), "SSL_CERT_FILE": pip.get("cert")}
    translated["UV_INSECURE_HOST"] = pip.get("trusted-host")
    if not default_only:
        translated["UV_INDEX"] = pip.get("extra-index-url")
        translated["UV_FIND_LINKS"] = ",".join(pip.get("find-links", "").split())
        translated["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if {"UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_NO_INDEX"} & given.keys():
        for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_STRATEGY"):
            translated.pop(name, None)
    return {name: " ".join(value.split()) for name, value in translated.items() if value and name not in given}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
