"""Setting up an environment: what is read of the machine's configuration, and when nothing is to be done."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup_venv
from tools.setup_venv import parse_pip_configuration, uv_environment

ROOT = Path(__file__).resolve().parents[2]
MIRROR = "https://mirror.example/simple"


def test_pips_own_environment_wins_over_its_files() -> None:
    listed = ":env:.index-url='https://two.example/'\nglobal.index-url='https://one.example/'\nglobal.cert='/ca.pem'\n"
    assert parse_pip_configuration(listed) == {"index-url": "https://two.example/", "cert": "/ca.pem"}


def test_a_mirror_set_for_pip_is_used_by_uv() -> None:
    pip = {"index-url": MIRROR, "extra-index-url": "\nfile:///a\nfile:///b", "find-links": "/wheels /more"}
    assert uv_environment(pip, {}) == {
        "UV_DEFAULT_INDEX": MIRROR,
        "UV_INDEX": "file:///a file:///b",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_what_is_set_for_uv_is_not_touched() -> None:
    pip = {"index-url": MIRROR, "extra-index-url": "file:///a", "cert": "/pip.pem"}
    given = {"UV_INDEX_URL": "https://mine.example", "SSL_CERT_FILE": "/mine.pem"}
    assert uv_environment(pip, given) == {}


def test_a_lock_depends_on_the_index_alone() -> None:
    pip = {"index-url": MIRROR, "extra-index-url": "file:///a", "find-links": "/wheels"}
    assert uv_environment(pip, {}, default_only=True) == {"UV_DEFAULT_INDEX": MIRROR}


@pytest.mark.parametrize("arguments", [[], ["everything"], ["runtime", "test"]])
def test_a_wrong_word_ends_with_a_sentence(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert setup_venv.main(arguments) == 1
    assert "Say what to set up" in capsys.readouterr().err


def test_a_python_too_old_is_refused_with_a_sentence() -> None:
    done = subprocess.run(["make", "setup", "PYTHON="], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stdout


def test_every_requirement_is_locked_by_hash_and_names_no_index() -> None:
    for lock in ("runtime", "test", "uv"):
        text = (ROOT / "requirements" / f"{lock}.txt").read_text()
        names = re.findall(r"^[a-z0-9]\S*==", text, re.MULTILINE)
        assert names
        assert len(re.findall(r"^\S.*\\\n    --hash=sha256:", text, re.MULTILINE)) == len(names)
        assert "://" not in text


def test_a_test_environment_holds_the_runtimes_own_versions() -> None:
    def versions(lock: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / f"{lock}.txt").read_text(), re.MULTILINE))

    assert versions("runtime") <= versions("test")


def test_every_command_of_the_makefile_is_explained() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert {"serve", "test", "setup", "check", "bench", "lock"} <= set(re.findall(r"make (\S+)", said))


def test_the_fingerprint_changes_with_the_kind() -> None:
    assert setup_venv.fingerprint("runtime") != setup_venv.fingerprint("test")
    assert not setup_venv.speaks_our_version(Path("/nonexistent/python"))
    assert setup_venv.speaks_our_version(Path(sys.executable))
