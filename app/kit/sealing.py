"""Sealing secrets that must be read back: Fernet, with the place a secret belongs to sealed in beside it.

Fernet knows no associated data, so a ciphertext copied into another row would open there. The context (which tenant,
which credential) is therefore part of the plaintext and is compared on opening. A token does not say which key made
it either; its fingerprint is kept beside it, so "what is still under an old key" is a question SQL can answer.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from cryptography.fernet import Fernet, InvalidToken

from app.kit.errors import AppError

FINGERPRINT_LENGTH = 16


class UnusableKey(AppError):
    """A configured encryption key is not a Fernet key, or there is none."""

    code = "unusable_key"
    title = "The encryption keys cannot be used"


class SealBroken(AppError):
    """A sealed secret does not open here: its key is gone, or it was altered or moved."""

    code = "seal_broken"
    title = "A stored secret cannot be opened"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed secret, and the fingerprint of the key that sealed it."""

    token: str = field(repr=False)
    fingerprint: str


class Sealer:
    """Seals with the first key and opens with any. Its work is tens of microseconds, so it needs no thread."""

    def __init__(self, keys: Sequence[str]) -> None:
        """``keys`` come newest first; blank ones are skipped. Raises UnusableKey."""
        given = [key.strip() for key in keys if key.strip()]
        if not given:
            raise UnusableKey("There is no encryption key; stored credentials need at least one.")
        self._fernets = {fingerprint_of(key): _fernet(key, place) for place, key in enumerate(given, start=1)}

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key that seals now."""
        return next(iter(self._fernets))

    def seal(self, context: Mapping[str, str], secret: Mapping[str, str]) -> Sealed:
        """Seal ``secret`` for the place that ``context`` names."""
        fingerprint, fernet = next(iter(self._fernets.items()))
        plain = json.dumps({"context": dict(context), "secret": dict(secret)}, sort_keys=True)
        return Sealed(fernet.encrypt(plain.encode()).decode("ascii"), fingerprint)

    def open(self, token: str, context: Mapping[str, str], fingerprint: str) -> dict[str, str]:
        """The secret. Raises SealBroken when its key is not configured, or it was altered or sealed elsewhere."""
        fernet = self._fernets.get(fingerprint)
        if fernet is None:
            raise _broken(context, fingerprint, "that key is not configured. Add it to the encryption keys again")
        try:
            plain = cast("dict[str, dict[str, str]]", json.loads(fernet.decrypt(token.encode())))
        except (InvalidToken, ValueError) as fault:
            raise _broken(context, fingerprint, "it is damaged. Store it again") from fault
        if plain["context"] != dict(context):
            raise _broken(context, fingerprint, "it was sealed for another place. Store it again")
        return plain["secret"]

    def reseal(self, token: str, context: Mapping[str, str], fingerprint: str) -> Sealed:
        """The same secret under the newest key. Raises SealBroken as ``open`` does."""
        return self.seal(context, self.open(token, context, fingerprint))


def fingerprint_of(key: str) -> str:
    """A name for a key that says nothing about it: the first 64 bits of a labelled SHA-256, in hex."""
    return hashlib.sha256(b"minirag sealing key:" + key.strip().encode()).hexdigest()[:FINGERPRINT_LENGTH]


def _fernet(key: str, place: int) -> Fernet:
    try:
        return Fernet(key.encode())
    except ValueError:
        # The cause is left out of the trace on purpose: nothing about the key should reach a log.
        raise UnusableKey(
            f"Encryption key {place} is not a Fernet key (32 random bytes in URL-safe base64, 44 characters). "
            "Make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        ) from None


def _broken(context: Mapping[str, str], fingerprint: str, why: str) -> SealBroken:
    place = ", ".join(f"{name} {value}" for name, value in context.items())
    return SealBroken(f"The secret of {place} was sealed with key {fingerprint}, and {why}.")
