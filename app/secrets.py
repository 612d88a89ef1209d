"""The installation's own four secrets: given by the environment, or made once and kept in ``<data>/secrets``.

What the environment gives is never written. What is made is written so that two processes starting together agree:
the file is created exclusively, and whoever comes second reads what the first one wrote.
"""

import os
import secrets
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from cryptography.fernet import Fernet
from pydantic import SecretStr

from app.kit.errors import AppError
from app.kit.sealing import Sealer
from app.settings import Settings

SHORTEST_KEY = 32
"""Characters a key that protects others must have; an eight-letter one could be guessed off-line."""
SETTLE_S = 5.0
"""How long an empty file may be one that another process is just writing."""

log = structlog.get_logger(__name__)


class SecretsBroken(AppError):
    """A secret that was given or found cannot be used; the detail says which one and what to do."""

    code = "secrets_broken"
    title = "A secret of this installation cannot be used"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only this installation knows. Hidden from ``repr``, so that no log line or traceback can show it."""

    admin_key: str = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    """Fernet keys, newest first."""
    token_pepper: str = field(repr=False)
    jwt_key: str = field(repr=False)


def load_secrets(settings: Settings, *, settle_s: float = SETTLE_S) -> Secrets:
    """Read or make the secrets. Blocks on the disk, at worst for ``settle_s`` seconds: call it in a thread.

    Raises SecretsBroken when one cannot be used and UnusableKey when an encryption key is not a Fernet key.
    """
    kept = _Folder(settings.data_dir / "secrets", settle_s)
    found = Secrets(
        admin_key=_given(settings.admin_key) or kept.secret("admin_key", _admin_key),
        encryption_keys=_split(_given(settings.encryption_keys) or kept.secret("encryption_keys", _fernet_key)),
        token_pepper=_given(settings.token_pepper) or kept.secret("token_pepper", _random_key),
        jwt_key=_given(settings.jwt_key) or kept.secret("jwt_key", _random_key),
    )
    _check(found)
    return found


@dataclass(frozen=True, slots=True)
class _Folder:
    """Where made secrets are kept, a file for each."""

    path: Path
    settle_s: float

    def secret(self, name: str, make: Callable[[], str]) -> str:
        """The secret in the file, which is made when there is none."""
        file = self.path / name
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _tighten(self.path, 0o700)
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            _tighten(file, 0o600)
            return self._read(file)
        value = make()
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(value + "\n")
        return value

    def _read(self, file: Path) -> str:
        """The file's text; waits a moment for a process that has created it and not yet written."""
        deadline = time.monotonic() + self.settle_s
        while not (value := file.read_text(encoding="utf-8").strip()):
            if time.monotonic() > deadline:
                raise SecretsBroken(f"{file} is empty. Restore it from a backup, or delete it to have a new one made.")
            time.sleep(0.02)
        return value


def _tighten(path: Path, mode: int) -> None:
    """Take from everybody else what they may do with ``path``; a read-only mount may keep its own mode."""
    if not stat.S_IMODE(path.stat().st_mode) & 0o077:
        return
    try:
        path.chmod(mode)
        log.warning("secrets.mode_tightened", path=str(path), mode=oct(mode))
    except OSError as fault:
        log.warning("secrets.mode_too_open", path=str(path), error=type(fault).__name__)


def _check(found: Secrets) -> None:
    Sealer(found.encryption_keys)
    if not (found.admin_key.isascii() and found.admin_key.isprintable() and " " not in found.admin_key):
        raise SecretsBroken("The admin key (MINIRAG_ADMIN_KEY) must be printable ASCII without spaces.")
    for name, value in (("token pepper", found.token_pepper), ("JWT key", found.jwt_key)):
        if len(value) < SHORTEST_KEY:
            variable = f"MINIRAG_{name.upper().replace(' ', '_')}"
            raise SecretsBroken(f"The {name} ({variable}) must have at least {SHORTEST_KEY} characters.")


def _split(keys: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in keys.split(",") if key.strip())


def _given(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value().strip()


def _admin_key() -> str:
    return f"mra_{secrets.token_urlsafe(32)}"


def _fernet_key() -> str:
    return Fernet.generate_key().decode("ascii")


def _random_key() -> str:
    return secrets.token_hex(32)
