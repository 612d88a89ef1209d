"""The log itself: open a stream to write it, follow one to read it."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from app.adapters.event_log import wire
from app.adapters.event_log.events import LoggedEvent, position
from app.adapters.event_log.memory import LocalStream
from app.adapters.event_log.mirror import Mirror
from app.adapters.event_log.news import announce, listen
from app.adapters.event_log.remote import follow_stored
from app.adapters.redis import RedisClient
from app.kit.errors import DependencyDown

TAKEOVER_GAP = 1000
"""Ids left free when a stream is taken over from a writer that did not close it: what that one still had in hand and
may yet manage to store then sorts before what the new one writes, and can never be mistaken for it."""
CLOSE_S = 2.0


class EventWriter:
    """Writes one stream. Use it from the event loop's thread only."""

    def __init__(self, stream: LocalStream, mirror: Mirror) -> None:
        self._stream = stream
        self._mirror = mirror

    def append(self, type: str, data: str, *, terminal: bool = False) -> LoggedEvent:  # noqa: A002  # It is SSE's word.
        """Add an event at once and without waiting; ``data`` is JSON text. Returns it with its id.

        Followers in this process have it in the next turn of the loop, others some milliseconds later. A terminal
        event ends the stream: nothing may follow it. Raises ``StreamFull`` for others once the stream is too long.
        """
        event = self._stream.append(type, data, terminal)
        self._mirror.mark(self._stream)
        return event

    async def aclose(self) -> None:
        """Write no more, and wait a moment for Redis to have it all; never raises because of Redis.

        A stream closed without its terminal event can be opened again, here or elsewhere; until then its followers
        see ``WriterLost``.
        """
        if not self._stream.ended:
            self._stream.leave()
        self._mirror.mark(self._stream)
        await _settled(self._stream)


class EventLog:
    """Streams of events in one Redis. ``ttl_s`` is how long a stream lives after its end, ``idle_s`` without one."""

    def __init__(
        self,
        redis: RedisClient,
        *,
        ttl_s: float = 600,
        idle_s: float = 3600,
        pulse_s: float = 2.0,
        max_events: int = 50_000,
        max_bytes: int = 8_000_000,
    ) -> None:
        self._redis = redis
        self._process = uuid.uuid4().hex
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._pulse_s = pulse_s
        self._idle_s = idle_s
        self._mirror = Mirror(redis, self._process, ttl_s, idle_s, pulse_s)

    async def open(self, stream: str) -> EventWriter:
        """Write ``stream``, continuing after the last event there is, whoever wrote it.

        A stream that has ended begins anew: its events are dropped, its ids go on. Opening one that another process
        still writes takes it over. Works without Redis too.
        """
        local = self._mirror.streams.get(stream)
        if local is not None and local.done:
            await _settled(local)
        if local is None or local.done:
            local = await self._recall(stream)
        return EventWriter(local, self._mirror)

    async def follow(self, stream: str, after: str | None = None) -> AsyncGenerator[LoggedEvent]:
        """The events after the one with the id ``after``, then each new one, up to the terminal event.

        Raises ``Invalid`` for a bad ``after``, ``StreamUnknown`` where there is nothing, ``WriterLost`` when the
        writer is gone and no end has come, and ``DependencyDown`` where the stream is another process's and Redis
        stays away. Close it (``aclosing``) if you leave before its end.
        """
        seen = position(after)
        local = self._mirror.streams.get(stream)
        if local is not None:
            index = local.index_after(seen)
            while True:
                while index < len(local.events):
                    event = local.events[index]
                    index += 1
                    yield event
                if local.ended:
                    return
                if local.left:
                    break
                await local.changed()
            seen = max(seen, local.numbers[index - 1]) if index else seen
        async with aclosing(follow_stored(self._redis, stream, seen, grace_s=self._pulse_s * 2)) as stored:
            async for event in stored:
                yield event

    async def exists(self, stream: str) -> bool:
        """Whether there is anything to follow; raises ``DependencyDown``."""
        if stream in self._mirror.streams:
            return True
        return bool(await self._redis.call("EXISTS", wire.stream_key(stream), wire.writer_key(stream)))

    async def is_written(self, stream: str) -> bool:
        """Whether a living process has ``stream`` open for writing; True too where Redis cannot be asked."""
        local = self._mirror.streams.get(stream)
        if local is not None and not local.done:
            return True
        try:
            writer = await self._redis.call("GET", wire.writer_key(stream))
            return bool(writer) and bool(await self._redis.call("EXISTS", wire.pulse_key(str(writer))))
        except DependencyDown:
            return True

    async def announce(self, channel: str, text: str) -> None:
        """Tell every process that listens to ``channel`` right now; raises ``DependencyDown``."""
        await announce(self._redis, channel, text)

    def listen(self, channel: str) -> AsyncGenerator[str]:
        """What is announced on ``channel`` from now on, for ever; ``MISSED`` first, and after Redis was away."""
        return listen(self._redis, channel)

    async def aclose(self) -> None:
        """Leave every stream, wait a moment for Redis to have them, stop the background task."""
        await self._mirror.aclose(CLOSE_S)

    async def _recall(self, name: str) -> LocalStream:
        try:
            claim = wire.claim(name, self._process, self._idle_s, self._pulse_s)
            _, before, stored = await self._redis.run(*claim)
            local = self._new(name, 1)
            ended = local.recall(stored)
            if ended:
                local = self._new(name, local.next_number)
                await self._redis.call("XTRIM", wire.stream_key(name), "MAXLEN", 0)
            elif before not in (None, self._process):
                local.next_number += TAKEOVER_GAP
        except DependencyDown:
            # Nothing in Redis has a number as great as the present second: what we write comes after it all.
            local = self._new(name, int(time.time()))
        current = self._mirror.streams.get(name)
        if current is not None and not current.done:  # Somebody in this process was quicker.
            return current
        return self._mirror.adopt(local)

    def _new(self, name: str, next_number: int) -> LocalStream:
        return LocalStream(name, next_number, self._max_events, self._max_bytes)


async def _settled(stream: LocalStream) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await stream.settled.wait()
