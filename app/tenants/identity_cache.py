"""What this process has verified in the last minute, kept only as long as the tenant's mark stays the same."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.http.principal import Principal
from app.tenants.freshness import Freshness

KEEP_S: Final = 60.0
MAX_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller as SQL knows it, with what must be checked again at every request."""

    principal: Principal
    expires_at: datetime | None = None
    allowed_origins: frozenset[str] | None = None
    session_epoch: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    identity: Identity
    mark: str
    until: float


Load = Callable[[], Awaitable[Identity | None]]


class IdentityCache:
    """At most ``most`` identities by digest or user id; the least recently used go first."""

    def __init__(self, freshness: Freshness, most: int = MAX_KEPT) -> None:
        self._freshness = freshness
        self._most = most
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def find(self, key: str, load: Load) -> Identity | None:
        """The identity under ``key``, from memory while it surely still holds, else from ``load`` (one SQL read)."""
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() < kept.until:
            self._kept.move_to_end(key)
            if await self._freshness.current(kept.identity.principal.tenant) == kept.mark:
                return kept.identity
        return await self._load(key, load)

    async def _load(self, key: str, load: Load) -> Identity | None:
        """Read SQL and keep the result.

        The mark must be known *before* the read: a revocation that falls between the two then changes the mark, and
        what was read is doubted. Whose mark it is only SQL knows, so a token never seen before is read twice.
        """
        kept = self._kept.pop(key, None)
        identity = kept.identity if kept is not None else await load()
        if identity is None:
            return None
        mark = await self._freshness.ensure(identity.principal.tenant)
        identity = await load()
        if identity is not None and mark is not None:
            self._kept[key] = _Kept(identity, mark, time.monotonic() + KEEP_S)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return identity
