"""Following a stream that another process writes, out of Redis."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from app.adapters.event_log import wire
from app.adapters.event_log.events import LoggedEvent, StreamUnknown, WriterLost
from app.adapters.redis import RedisClient
from app.kit.errors import DependencyDown

SLICE_MS: Final = 1000
"""How long one read blocks; between two of them the writer's pulse is looked at."""
PATIENCE_S: Final = 15.0
"""How long a follower puts up with an absent Redis."""
_RETRY_S: Final = 0.25


async def follow_stored(redis: RedisClient, name: str, seen: int, *, grace_s: float) -> AsyncGenerator[LoggedEvent]:
    """The events after number ``seen`` up to the terminal one; ``EventLog.follow`` says what it raises.

    ``grace_s`` is how long, after Redis was away, a missing writer is not yet a lost one: if Redis forgot everything,
    the writer needs that long to notice and tell it again.
    """
    reader = _Reader(redis, name, seen, grace_s)
    if await reader.at_end():
        return
    while True:
        batch = await reader.read(SLICE_MS)
        for event in batch:
            yield event
        if reader.ended:
            return
        if not batch and await reader.writer_is_gone():
            for event in await reader.read(None):  # It may have said its last words between the two looks.
                yield event
            if reader.ended:
                return
            raise WriterLost("The process that was working on this is gone before it was done.")


class _Reader:
    """One follower's place in a stream, and its patience with Redis."""

    def __init__(self, redis: RedisClient, name: str, seen: int, grace_s: float) -> None:
        self._redis = redis
        self._name = name
        self._seen = seen
        self._grace_s = grace_s
        self._away_since: float | None = None
        self._lenient_until = 0.0
        self.ended = False

    async def at_end(self) -> bool:
        """Whether the terminal event has been seen already; raises ``StreamUnknown`` where there is no stream."""
        last, writer = await self._redis.run(
            ("XREVRANGE", wire.stream_key(self._name), "+", "-", "COUNT", 1), ("EXISTS", wire.writer_key(self._name))
        )
        number, ends = wire.last_number(last)
        if not number and not writer:
            raise StreamUnknown("There is no such stream, or its time is over.")
        return ends and number <= self._seen

    async def read(self, block_ms: int | None) -> list[LoggedEvent]:
        """What comes next, after at most ``block_ms``; raises ``DependencyDown`` when Redis stays away."""
        blocking = () if block_ms is None else ("BLOCK", block_ms)
        key = wire.stream_key(self._name)
        try:
            reply = await self._redis.call("XREAD", "COUNT", 200, *blocking, "STREAMS", key, f"{self._seen}-0")
        except DependencyDown:
            await self._bear_absence()
            return []
        self._back()
        return list(self._unseen(reply))

    def _unseen(self, reply: object) -> list[LoggedEvent]:
        fresh: list[LoggedEvent] = []
        for fields in wire.read_entries(reply):
            for number, event, ends in wire.events_of(fields):
                if number > self._seen:
                    self._seen, self.ended = number, ends
                    fresh.append(event)
        return fresh

    async def writer_is_gone(self) -> bool:
        """Whether nobody writes this stream, or the one who does shows no pulse."""
        if asyncio.get_running_loop().time() < self._lenient_until or self._away_since is not None:
            return False
        try:
            writer = await self._redis.get(wire.writer_key(self._name))
            return writer is None or not await self._redis.call("EXISTS", wire.pulse_key(writer))
        except DependencyDown:
            await self._bear_absence()
            return False

    async def _bear_absence(self) -> None:
        now = asyncio.get_running_loop().time()
        self._away_since = self._away_since or now
        if now - self._away_since > PATIENCE_S:
            raise DependencyDown("Redis does not answer, and this stream is written by another process.")
        await asyncio.sleep(_RETRY_S)

    def _back(self) -> None:
        if self._away_since is not None:
            self._away_since = None
            self._lenient_until = asyncio.get_running_loop().time() + self._grace_s
