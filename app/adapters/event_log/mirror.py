"""The background task that copies local streams to Redis, and shows that this process lives.

All that is due goes in one round trip, so a stream of tokens costs Redis twenty small commands a second however fast
it is. When Redis fails, nothing is lost: the events stay in memory, and once it answers again each stream is compared
with what Redis holds (``_reconcile``) before it goes on.
"""

import asyncio
import math
from contextlib import suppress
from typing import Final

import structlog

from app.adapters.event_log import wire
from app.adapters.event_log.agenda import CADENCE_S, Agenda
from app.adapters.event_log.memory import LocalStream
from app.adapters.redis import Command, CommandRefused, RedisClient
from app.kit.errors import DependencyDown
from app.kit.tasks import end_tasks

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger()

_ROUND_EVENTS: Final = 2000
_RETRY_S: Final = 0.2
_RENEW_S: Final = 600.0


class Mirror:
    """The streams this process writes, and the one task that brings them to Redis."""

    def __init__(self, redis: RedisClient, process: str, ttl_s: float, idle_s: float, pulse_s: float) -> None:
        self.streams: dict[str, LocalStream] = {}
        self._redis = redis
        self._process = process
        self._ttl_s = ttl_s
        self._idle_s = idle_s
        self._pulse_s = pulse_s
        self._pulse_due = 0.0
        self._pulse_known = False  # Whether Redis has, as far as we know, our last pulse.
        self._agenda: Agenda | None = None
        self._task: asyncio.Task[None] | None = None

    def adopt(self, stream: LocalStream) -> LocalStream:
        """Look after a stream from now on."""
        if self._agenda is None:
            self._agenda = Agenda()
            self._task = asyncio.get_running_loop().create_task(self._run(self._agenda), name="event-log-mirror")
        self.streams[stream.name] = stream
        return stream

    def mark(self, stream: LocalStream) -> None:
        """Say that a stream has something new. Called for every event: it must stay cheap."""
        if self._agenda is not None and self.streams.get(stream.name) is stream:
            self._agenda.add(stream)

    async def aclose(self, deadline_s: float) -> None:
        """Leave all streams, store what can be stored within ``deadline_s``, and stop."""
        if self._task is None:
            return
        for stream in list(self.streams.values()):
            if not stream.ended:
                stream.leave()
            self.mark(stream)
        with suppress(TimeoutError, DependencyDown):
            async with asyncio.timeout(deadline_s):
                for stream in list(self.streams.values()):
                    await stream.settled.wait()
                await self._redis.delete(wire.pulse_key(self._process))
        await end_tasks([self._task])
        self._task = self._agenda = None

    async def _run(self, agenda: Agenda) -> None:
        while True:
            await agenda.wait(self._pulse_due)
            try:
                await self._turn(agenda)
            except DependencyDown as error:
                _log.warning("event_log.redis_away", error=error.detail, streams=len(self.streams))
                await self._step_back(agenda)
            except Exception:  # noqa: BLE001  # Without this task no other process would see anything: it outlives a bug.
                _log.exception("event_log.mirror_failed")
                await self._step_back(agenda)

    async def _turn(self, agenda: Agenda) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._pulse_due:
            await self._pulse(agenda, now)
        if doubtful := [stream for stream in agenda.due(now) if stream.unsure]:
            await self._reconcile(agenda, doubtful)
        await self._flush(agenda, now)

    async def _pulse(self, agenda: Agenda, now: float) -> None:
        # DBSIZE makes the imitation inside this process drop what has expired, which it does only when asked to count.
        before, _ = await self._redis.run((*wire.pulse(self._process, self._pulse_s), "GET"), ("DBSIZE",))
        if self._pulse_known and before is None:  # Redis was restarted or emptied between two pulses.
            self._doubt_all(agenda)
        self._pulse_known = True
        self._pulse_due = now + self._pulse_s
        for stream in self.streams.values():
            if now - stream.renewed_at > _RENEW_S:
                agenda.add(stream)

    async def _flush(self, agenda: Agenda, now: float) -> None:
        plan: list[tuple[LocalStream, int, list[Command]]] = []  # Stream, how much of it Redis will have, how.
        room = _ROUND_EVENTS
        for stream in agenda.due(now):
            stop = min(len(stream.events), stream.stored + room)
            plan.append((stream, stop, self._commands(stream, stop, now)))
            room -= stop - stream.stored
            if room <= 0:
                break
        commands = [command for _, _, mine in plan for command in mine]
        replies = iter(await self._redis.each(*commands) if commands else [])
        for stream, stop, mine in plan:
            refused = [reply for reply in (next(replies) for _ in mine) if isinstance(reply, CommandRefused)]
            if refused:
                _log.warning("event_log.flush_refused", stream=stream.name, error=refused[0].detail)
                stream.unsure = True
                agenda.put(stream, now + _RETRY_S)
            else:
                self._stored(agenda, stream, stop, now)

    def _commands(self, stream: LocalStream, stop: int, now: float) -> list[Command]:
        complete = stop == len(stream.events)
        commands = wire.store(stream.name, stream.events[stream.stored : stop], ends=stream.ended and complete)
        if stream.done and complete:
            commands += wire.release(stream.name, self._process, self._ttl_s if stream.ended else self._idle_s)
        elif now - stream.renewed_at > _RENEW_S:
            stream.renewed_at = now
            commands += wire.renew(stream.name, self._process, self._idle_s)
        return commands

    def _stored(self, agenda: Agenda, stream: LocalStream, stop: int, now: float) -> None:
        stream.stored = stop
        stream.stored_at = now
        agenda.drop(stream)
        if stop < len(stream.events):  # It did not fit, or came while Redis was being asked.
            agenda.put(stream, 0.0 if stream.done else now + CADENCE_S)
        elif stream.done:
            self._forget(agenda, stream)

    def _forget(self, agenda: Agenda, stream: LocalStream) -> None:
        agenda.drop(stream)
        if self.streams.get(stream.name) is stream:
            del self.streams[stream.name]
        stream.settled.set()

    async def _step_back(self, agenda: Agenda) -> None:
        self._doubt_all(agenda)
        now = asyncio.get_running_loop().time()
        for stream in list(self.streams.values()):
            if stream.done and now - stream.done_at > self._ttl_s:  # Redis was away for as long as it would live.
                self._forget(agenda, stream)
        await asyncio.sleep(_RETRY_S)

    def _doubt_all(self, agenda: Agenda) -> None:
        """What Redis holds is unknown: a round trip may have been done by half, or everything be forgotten."""
        for stream in self.streams.values():
            stream.unsure = True
            agenda.put(stream, 0.0)

    async def _reconcile(self, agenda: Agenda, streams: list[LocalStream]) -> None:
        """Find out what Redis has of each stream, and leave those that another process has taken over."""
        questions = [question for stream in streams for question in wire.state(stream.name)]
        replies = iter(await self._redis.run(*questions))
        for stream in streams:
            writer, (last, _) = next(replies), wire.last_number(next(replies))
            if writer not in (None, self._process) or (stream.numbers and last > stream.numbers[-1]):
                _log.warning("event_log.taken_over", stream=stream.name)
                stream.leave()
                self._forget(agenda, stream)
                continue
            stream.unsure = False
            stream.stored = stream.index_after(last)
            stream.renewed_at = -math.inf
