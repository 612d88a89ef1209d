"""How many requests came in the last minute and how many answers are in progress, counted in Redis for all processes.

    enter    one script, one round trip: forget what is over, compare with both limits, count the request, hold a place
    refresh  every place this process holds is held anew, long before it would lapse
    release  the place is free; Redis hears of it at once, and at the latest before this process asks for another

A place is a member with an end: what a dead process held lapses by itself. Redis's own clock is the only one asked,
so clocks of several machines do not matter. Without Redis everybody may enter (``minirag_failed_open``).
"""

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

import structlog

from app.adapters.redis import Command, CommandRefused, RedisClient
from app.kit.errors import DependencyDown
from app.kit.ids import new_id
from app.kit.metrics import FAILED_OPEN
from app.usage import traffic_scripts as scripts
from app.usage.errors import RateLimited, TooManyStreams
from app.usage.limits import Limits

PLACE_S: Final = 30.0
"""How long a place is held without being refreshed, in seconds."""
_PATIENCE_S: Final = 0.5
_PAUSE_S: Final = 2.0
"""After Redis did not answer, it is left alone this long, so that requests do not queue for its deadline."""
_AGAIN_S: Final = 1.0
"""When to come back where all places are taken: nobody knows when an answer ends."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose traffic is counted together: a tenant's today; a token's would be another key of the same kind."""

    tenant_id: UUID

    @property
    def requests_key(self) -> str:
        """The last minute's requests."""
        return f"traffic:{{{self.tenant_id}}}:requests"

    @property
    def places_key(self) -> str:
        """The answers in progress."""
        return f"traffic:{{{self.tenant_id}}}:places"


class Place:
    """The right to one answer at a time. It is given back once, however often that is asked."""

    __slots__ = ("_id", "_subject", "_traffic")

    def __init__(self, traffic: "Traffic | None", subject: Subject | None, member: str) -> None:
        self._traffic = traffic
        self._subject = subject
        self._id = member

    def release(self) -> None:
        """Give the place back. It does not wait for Redis."""
        if self._traffic is not None and self._subject is not None:
            self._traffic.release(self._subject, self._id)


NO_PLACE: Final = Place(None, None, "")
"""For what needs none."""


class Traffic:
    """Counts, and holds the places of this process; ``place_s`` is how long those of a dead one stay taken."""

    def __init__(self, redis: RedisClient, place_s: float = PLACE_S) -> None:
        self._redis = redis
        self._place_ms = round(place_s * 1000)
        self._refresh_s = place_s / 4
        self._held: defaultdict[Subject, set[str]] = defaultdict(set)
        self._owed: set[Command] = set()
        """Places given back of which Redis has not heard; it does before it is asked for anything else."""
        self._stir = asyncio.Event()
        self._paused_until = 0.0

    async def enter(self, subject: Subject, limits: Limits, *, answers: bool) -> Place:
        """Count a request and, where it ``answers``, hold a place for it. Raises RateLimited and TooManyStreams."""
        member = str(new_id())
        rate, streams = limits.requests_per_minute, limits.concurrent_streams if answers else None
        place_ms = self._place_ms if answers else 0
        if rate is not None or answers:
            counted = (-1 if rate is None else rate, -1 if streams is None else streams, place_ms)
            try:
                reply = await self._ask(
                    ("EVAL", scripts.ENTER, 2, subject.requests_key, subject.places_key, member, *counted)
                )
            except asyncio.CancelledError:
                self._owe(subject, member)
                raise
            _refuse(reply, limits)
        if not answers:
            return NO_PLACE
        self._held[subject].add(member)
        return Place(self, subject, member)

    def release(self, subject: Subject, member: str) -> None:
        """Give a place back; a second time nothing happens."""
        held = self._held.get(subject, set())
        if member in held:
            held.remove(member)
            if not held:
                del self._held[subject]
            self._owe(subject, member)

    async def in_progress(self, subject: Subject) -> int:
        """How many answers are in progress; without Redis, those of this process."""
        count = await self._ask(("EVAL", scripts.COUNT, 1, subject.places_key))
        return len(self._held.get(subject, ())) if count is None else cast(int, count)

    async def run(self) -> None:
        """Tell Redis what is given back and what is still held, for as long as the process lives."""
        refreshed = time.monotonic()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, refreshed + self._refresh_s - time.monotonic())):
                    await self._stir.wait()
            self._stir.clear()
            if time.monotonic() < refreshed + self._refresh_s:
                await self._run(())
            else:
                await self.refresh()
                refreshed = time.monotonic()

    async def aclose(self) -> None:
        """Give back, once, what Redis has not heard of yet."""
        await self._run(())

    async def refresh(self) -> None:
        """Hold every place of this process anew; what Redis forgot is there again."""
        held = {subject: frozenset(members) for subject, members in self._held.items()}
        await self._run(
            tuple(
                ("EVAL", scripts.REFRESH, 1, subject.places_key, self._place_ms, *members)
                for subject, members in held.items()
            )
        )
        for subject, members in held.items():  # One that was given back meanwhile may have been held anew after that.
            for member in members - self._held.get(subject, set()):
                self._owe(subject, member)

    def _owe(self, subject: Subject, member: str) -> None:
        self._owed.add(("ZREM", subject.places_key, member))
        self._stir.set()

    async def _ask(self, command: Command) -> object:
        """Redis's reply, or None when it does not answer."""
        if time.monotonic() < self._paused_until:
            FAILED_OPEN.labels(step="limits").inc()
            return None
        replies = await self._run((command,))
        return None if replies is None else replies[-1]

    async def _run(self, commands: tuple[Command, ...]) -> list[object] | None:
        owed = tuple(self._owed)
        if not owed and not commands:
            return []
        try:
            async with asyncio.timeout(_PATIENCE_S):
                replies = await self._redis.run(*owed, *commands)
        except (DependencyDown, CommandRefused, TimeoutError) as fault:
            FAILED_OPEN.labels(step="limits").inc()
            log.warning("limits.not_counted", reason=type(fault).__name__)
            self._paused_until = time.monotonic() + _PAUSE_S
            return None
        self._owed.difference_update(owed)
        return replies


def _refuse(reply: object, limits: Limits) -> None:
    if reply is None:
        return
    verdict, wait_ms = cast("list[int]", reply)
    if verdict == scripts.TOO_FAST:
        raise RateLimited(
            f"More than {limits.requests_per_minute} requests in a minute. Wait a little, then go on.",
            retry_after_s=wait_ms / 1000,
        )
    if verdict == scripts.NO_PLACE_LEFT:
        raise TooManyStreams(
            f"{limits.concurrent_streams} answers are in progress, as many as are allowed at once. "
            "Wait for one of them to end.",
            retry_after_s=_AGAIN_S,
        )
