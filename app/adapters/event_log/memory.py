"""A stream as its writer's process holds it: the events, who waits for more, and how much Redis has of it."""

import asyncio
import math
from bisect import bisect_right

from app.adapters.event_log.events import LoggedEvent, StreamFull
from app.adapters.event_log.wire import entries, events_of


class LocalStream:
    """The events of one stream, whole, while it is written here and until Redis has all of it.

    Belongs to the event loop's thread. ``ended`` is set by the terminal event; ``left`` when this process will write
    no more of it (closed without an end, or taken over by another process).
    """

    def __init__(self, name: str, next_number: int, max_events: int, max_bytes: int) -> None:
        self.name = name
        self.next_number = next_number
        self.events: list[LoggedEvent] = []
        self.numbers: list[int] = []
        self.ended = False
        self.left = False
        self.stored = 0  # How many of ``events`` are in Redis.
        self.stored_at = 0.0  # The loop's time of the last flush.
        self.renewed_at = -math.inf  # The loop's time at which the keys' expiry was last set.
        self.done_at = 0.0  # The loop's time at which it was ended or left.
        self.unsure = False  # Whether what Redis holds must be looked at before the next flush.
        self.settled = asyncio.Event()  # Set when Redis has all there will be, or when waiting is pointless.
        self._waiting: list[asyncio.Future[None]] = []
        self._max_events = max_events
        self._bytes_left = max_bytes

    @property
    def done(self) -> bool:
        """Whether nothing more will be appended here."""
        return self.ended or self.left

    def recall(self, stored: object) -> bool:
        """Take over what earlier writers stored, a reply to XRANGE; returns whether it ends with a terminal event."""
        ended = False
        for fields in entries(stored):
            for number, event, ends in events_of(fields):
                self.numbers.append(number)
                self.events.append(event)
                self._bytes_left -= len(event.data)
                self.next_number = number + 1
                ended = ends
        self.stored = len(self.events)
        return ended

    def append(self, kind: str, data: str, terminal: bool) -> LoggedEvent:
        """Add an event and wake the followers; raises ``StreamFull``, but never for the terminal event."""
        self._bytes_left -= len(data)
        if not terminal and (self._bytes_left < 0 or len(self.events) >= self._max_events):
            raise StreamFull(f"A stream holds at most {self._max_events} events and a bounded number of bytes.")
        number = self.next_number
        self.next_number = number + 1
        event = LoggedEvent(f"{number}-0", kind, data)
        self.numbers.append(number)
        self.events.append(event)
        if terminal:
            self.ended = True
            self.done_at = asyncio.get_running_loop().time()
        self.wake()
        return event

    def index_after(self, number: int) -> int:
        """Where in ``events`` the first one after ``number`` is, or will be."""
        return bisect_right(self.numbers, number)

    def wake(self) -> None:
        """Let every waiting follower look again."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    async def changed(self) -> None:
        """Wait until ``wake`` is called."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def leave(self) -> None:
        """Write no more of it here; followers go on elsewhere."""
        self.left = True
        self.done_at = asyncio.get_running_loop().time()
        self.wake()
