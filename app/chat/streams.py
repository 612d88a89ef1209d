"""An answer belongs to the process, a response only follows its log.

    start ── task ── answering ──append──▶ event log ◀──follow── response, here or in another process
              ▲
              └── cancel: from a client (announced to every process), or because nobody has listened for a while

The task is cancelled at most once; what it has written by then is stored, billed and told, shielded from a second
cancellation, so that every stream ends with exactly one ``done``.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from app.adapters.event_log import EventLog, EventWriter, LoggedEvent, StreamFull
from app.chat.answer import Answer
from app.chat.answering import Answering
from app.chat.events import AnswerEvent, Done
from app.chat.models import FinishReason
from app.chat.wire import encode
from app.kit.errors import AppError, DependencyDown
from app.kit.metrics import OPEN_STREAMS
from app.kit.tasks import end_tasks

CHANNEL = "answers"
"""Where processes tell each other about answers: ``cancel:<message id>`` and ``listening:<message id>``."""

log = structlog.get_logger(__name__)


def stream_of(message_id: UUID) -> str:
    """The name of an answer's stream in the event log."""
    return f"answer:{message_id}"


@dataclass(slots=True)
class _Live:
    task: "asyncio.Task[None]"
    listeners: int = 0
    last_heard: float = field(default_factory=time.monotonic)


class Answers:
    """The answers that this process is writing."""

    def __init__(self, answering: Answering, event_log: EventLog, abandoned_s: float) -> None:
        self._answering = answering
        self._event_log = event_log
        self._abandoned_s = abandoned_s
        self._live: dict[UUID, _Live] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start to listen to other processes and to notice answers nobody listens to."""
        self._tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._notice_abandoned())]

    async def start(self, answer: Answer) -> None:
        """Write the answer in a task of this process; its log can be followed as soon as this returns."""
        message_id = answer.begun.message_id
        writer = await self._event_log.open(stream_of(message_id))
        task = asyncio.create_task(self._write(answer, writer))
        self._live[message_id] = _Live(task)
        OPEN_STREAMS.inc()
        task.add_done_callback(lambda _: self._forget(message_id))

    async def cancel(self, message_id: UUID) -> None:
        """Stop an answer wherever it is written. One that has ended stays as it is."""
        if message_id in self._live:
            self._live[message_id].task.cancel()
            return
        await self._event_log.announce(CHANNEL, f"cancel:{message_id}")

    async def follow(self, message_id: UUID, after: str | None) -> AsyncGenerator[LoggedEvent]:
        """The answer's events after ``after``, then live ones, to its end. Raises what ``EventLog.follow`` raises."""
        heard = asyncio.create_task(self._keep_telling(message_id))
        live = self._live.get(message_id)
        if live is not None:
            live.listeners += 1
        try:
            async with aclosing(self._event_log.follow(stream_of(message_id), after)) as events:
                async for event in events:
                    yield event
        finally:
            heard.cancel()
            if live is not None:
                live.listeners -= 1
                live.last_heard = time.monotonic()

    async def aclose(self, grace_s: float) -> None:
        """Let what is being written end within ``grace_s`` seconds, then cancel the rest."""
        writing = [live.task for live in self._live.values()]
        if writing:
            await asyncio.wait(writing, timeout=grace_s)
        for task in writing:  # Once: a second cancellation would meet the answer while it is being stored.
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        await end_tasks(self._tasks)

    async def _write(self, answer: Answer, writer: EventWriter) -> None:
        try:
            try:
                async with aclosing(self._answering.answer(answer)) as events:
                    async for event in events:
                        _append(writer, event, answer)
            except asyncio.CancelledError:
                await asyncio.shield(self._end_cancelled(answer, writer))
            except StreamFull:
                await self._end_cancelled(answer, writer, FinishReason.LENGTH)
        except Exception as bug:  # The last line of defence: a task must not die in silence.
            log.error("answer.lost", exc_info=bug, message_id=str(answer.begun.message_id))
        finally:
            answer.place.release()
            await asyncio.shield(writer.aclose())

    async def _end_cancelled(
        self, answer: Answer, writer: EventWriter, reason: FinishReason = FinishReason.CANCELLED
    ) -> None:
        for event in await self._answering.end(answer, reason):
            with suppress(StreamFull):
                _append(writer, event, answer)

    def _forget(self, message_id: UUID) -> None:
        self._live.pop(message_id, None)
        OPEN_STREAMS.dec()

    async def _keep_telling(self, message_id: UUID) -> None:
        """Tell the process that writes, if it is another one, that somebody listens here."""
        while message_id not in self._live:
            with suppress(DependencyDown):
                await self._event_log.announce(CHANNEL, f"listening:{message_id}")
            await asyncio.sleep(self._abandoned_s / 3)

    async def _hear(self) -> None:
        async with aclosing(self._event_log.listen(CHANNEL)) as words:
            async for word in words:
                verb, _, text = word.partition(":")
                with suppress(ValueError):
                    live = self._live.get(UUID(text)) if text else None
                    if live is None:
                        continue
                    if verb == "cancel":
                        live.task.cancel()
                    live.last_heard = time.monotonic()

    async def _notice_abandoned(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._abandoned_s / 3))
            silent_since = time.monotonic() - self._abandoned_s
            for message_id, live in list(self._live.items()):
                if live.listeners == 0 and live.last_heard < silent_since:
                    log.info("answer.abandoned", message_id=str(message_id))
                    live.task.cancel()


def _append(writer: EventWriter, event: AnswerEvent, answer: Answer) -> None:
    if isinstance(event, Done):
        answer.place.release()  # Before anybody reads that it has ended, and asks the next question.
    name, data = encode(event, answer.request_id)
    writer.append(name, data, terminal=isinstance(event, Done))


async def read_all(answers: Answers, message_id: UUID) -> list[LoggedEvent]:
    """Follow an answer to its end, for a caller that wants it whole."""
    async with aclosing(answers.follow(message_id, None)) as events:
        return [event async for event in events]


class AnswerInterrupted(AppError):
    """The process that was writing the answer is gone."""

    status = 503
    code = "interrupted"
    title = "The answer was interrupted"
