"""Passwords, hashed with Argon2id off the event loop.

The parameters are OWASP's second choice (19 MiB, 2 passes, 1 lane): strong enough that a stolen table is useless, and
small enough that a burst of sign-ins cannot fill the memory. No more than a few run at a time for the same reason.
"""

import asyncio
import base64
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2
"""How many hashes are computed at a time; each takes 19 MiB and some 20 ms of a core."""


class Passwords:
    """Hashes and checks passwords; both run in a thread, at most ``AT_ONCE`` together."""

    def __init__(self, *, memory_kib: int = 19 * 1024, passes: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._decoy = _decoy(self._hasher)
        self._room = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """The encoded hash of a password, salt and parameters included."""
        async with self._room:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` is the one hashed into ``stored``.

        ``None`` (nobody has this name) costs the same time and is False, so that answers do not tell who exists.
        """
        async with self._room:
            same = await asyncio.to_thread(self._verify, stored or self._decoy, _normal(password))
        return same and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether ``stored`` was made with other parameters than today's and should be made anew."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _normal(password: str) -> str:
    """One spelling of accented letters, whatever keyboard typed them (Unicode NFC)."""
    return unicodedata.normalize("NFC", password)


def _decoy(hasher: PasswordHasher) -> str:
    """A well-formed hash with the hasher's own parameters that no password is known for."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"
