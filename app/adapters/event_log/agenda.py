"""Which stream is to be copied to Redis when."""

import asyncio
import math
from typing import Final

from app.adapters.event_log.memory import LocalStream

GATHER_S: Final = 0.01
"""How long the first event after a pause waits for company."""
CADENCE_S: Final = 0.05
"""How long events are gathered while they keep coming."""


class Agenda:
    """Streams with the loop's time at which they are due, and an alarm for the one task that serves them."""

    def __init__(self) -> None:
        self._due: dict[LocalStream, float] = {}
        self._loop = asyncio.get_running_loop()
        self._alarm = asyncio.Event()
        self._sleeps_until = 0.0

    def add(self, stream: LocalStream) -> None:
        """A stream has something new: now, when it is done, else after a short while."""
        if stream.done:
            self.put(stream, 0.0)
        elif stream not in self._due:
            self.put(stream, max(self._loop.time() + GATHER_S, stream.stored_at + CADENCE_S))

    def put(self, stream: LocalStream, due: float) -> None:
        """A stream is due at ``due``, whatever was said before."""
        self._due[stream] = due
        if due < self._sleeps_until:
            self._alarm.set()

    def drop(self, stream: LocalStream) -> None:
        """There is nothing to do for a stream."""
        self._due.pop(stream, None)

    def due(self, now: float) -> list[LocalStream]:
        """The streams to be served at ``now``, those that are nearly due included."""
        return [stream for stream, at in self._due.items() if at <= now + GATHER_S / 2]

    async def wait(self, until: float) -> None:
        """Sleep until the first stream is due, at most to the loop's time ``until``."""
        due = min(min(self._due.values(), default=math.inf), until)
        self._alarm.clear()
        if due <= self._loop.time():
            return
        # Rounded up to a grid, so that streams that become due one after another share a round trip.
        self._sleeps_until = math.ceil(due / GATHER_S) * GATHER_S
        timer = self._loop.call_at(self._sleeps_until, self._alarm.set)
        try:
            await self._alarm.wait()
        finally:
            timer.cancel()
            self._sleeps_until = 0.0
