"""How every process learns at once that a token or a session no longer holds.

Each process keeps identities it has verified for a minute. In Redis every tenant has a *mark*, a random word:

    verifying   GET mark, equal to the one the identity was kept with?  → it still holds
    revoking    commit, then SET mark to a new word                     → every kept identity of the tenant is doubted

A doubted identity is read from SQL again, so a lost mark, an expired one or a Redis that is away only cost that read;
they can never let a revoked token in. The one gap is a process that dies, or loses Redis while others do not, between
the commit and the new mark: then the minute is the bound. A push over a channel would save the round trip, but a lost
message would go unnoticed.
"""

import asyncio
import secrets
import time
from typing import Final, cast
from uuid import UUID

import structlog

from app.adapters.redis import Command, RedisClient
from app.kit.errors import DependencyDown
from app.kit.metrics import FAILED_OPEN

MARK_TTL_S: Final = 3600
_PATIENCE_S: Final = 0.5
_PAUSE_S: Final = 2.0
"""After Redis did not answer, it is left alone this long, so that requests do not queue for its deadline."""

log = structlog.get_logger(__name__)


class Freshness:
    """The tenants' marks, in Redis."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._paused_until = 0.0
        self._owed: set[UUID] = set()
        """Tenants whose new mark Redis did not take yet; it gets it before it is asked for anything else."""

    async def current(self, tenant_id: UUID) -> str | None:
        """The tenant's mark; None when there is none or Redis does not answer."""
        return await self._ask(("GET", _key(tenant_id)))

    async def ensure(self, tenant_id: UUID) -> str | None:
        """The tenant's mark, made when there is none; None when Redis does not answer."""
        return await self._ask((*_new_mark(tenant_id), "NX"), ("GET", _key(tenant_id)))

    async def renew(self, tenant_id: UUID) -> None:
        """Make every process doubt what it keeps of this tenant. Call it after the commit; it never raises."""
        self._owed.add(tenant_id)
        if await self._run(()) is None:
            log.warning("freshness.renew_failed", tenant_id=str(tenant_id))

    async def _ask(self, *commands: Command) -> str | None:
        if time.monotonic() < self._paused_until:
            return None
        replies = await self._run(commands)
        return None if replies is None else cast(str | None, replies[-1])

    async def _run(self, commands: tuple[Command, ...]) -> list[object] | None:
        """What Redis replies to what it is owed and to ``commands``; None when it does not answer in time."""
        owed = tuple(self._owed)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                replies = await self._redis.run(*map(_new_mark, owed), *commands)
        except (DependencyDown, TimeoutError):
            FAILED_OPEN.labels(step="freshness").inc()
            self._paused_until = time.monotonic() + _PAUSE_S
            return None
        self._owed.difference_update(owed)
        return replies


def _new_mark(tenant_id: UUID) -> Command:
    return ("SET", _key(tenant_id), secrets.token_hex(8), "PX", MARK_TTL_S * 1000)


def _key(tenant_id: UUID) -> str:
    return f"fresh:{tenant_id}"
