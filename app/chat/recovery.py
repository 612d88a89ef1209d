"""Closing answers whose process died: nobody waits for ever, and nothing that was written is lost.

Whoever notices first — a follower that finds the writer gone, or the sweep at a start — closes the answer by a
conditional update, with the text its log still holds, ``finish_reason: error`` (code ``interrupted``) and an estimated
use; then appends the closing events, so that followers everywhere see the same end.
"""

from collections.abc import Callable
from contextlib import aclosing, suppress
from datetime import timedelta
from uuid import UUID

import msgspec
import structlog
from sqlmodel import col, select

from app.adapters.event_log import EventLog, StreamUnknown, WriterLost
from app.bots.service import load_profile
from app.chat.answer import Answer, Used
from app.chat.conversation import Asked, Begun, Finisher, Outcome
from app.chat.events import Done, Failed
from app.chat.metering import Meter
from app.chat.models import Chat, FinishReason, Message, MessageRole
from app.chat.streams import AnswerInterrupted, stream_of
from app.chat.wire import encode
from app.kit.clock import now
from app.kit.database import EVERY_TENANT, Database
from app.kit.errors import DependencyDown, NotFound
from app.kit.ownership import get_owned

INTERRUPTED = "The process that was writing this answer ended. Ask again; what was written is kept."
UNWATCHED_FOR = timedelta(seconds=30)
"""How old an open answer must be before the sweep asks whether anybody still writes it."""

log = structlog.get_logger(__name__)


class Recovery:
    """Finds and closes interrupted answers."""

    def __init__(
        self,
        database: Database,
        event_log: EventLog,
        finisher: Finisher,
        meter: Meter,
        count_tokens: Callable[[str], int],
    ) -> None:
        self._database = database
        self._event_log = event_log
        self._finisher = finisher
        self._meter = meter
        self._count = count_tokens

    async def close(self, tenant_id: UUID, message_id: UUID) -> None:
        """Close one answer whose writer is gone; does nothing when somebody else was quicker."""
        answer = await self._rebuild(tenant_id, message_id)
        if answer is None:
            return
        uses, answer.outcome.metered = self._meter.measure(answer)
        if not await self._finisher.finish(answer.asked, answer.begun, answer.outcome, uses, answer.request_id):
            return
        log.warning("answer.interrupted", message_id=str(message_id))
        with suppress(DependencyDown):
            await self._append_end(answer)

    async def sweep(self) -> int:
        """Close every old open answer that no process writes any more; how many there were."""
        query = select(Message).where(  # unowned: every tenant's interrupted answers are closed.
            col(Message.role) == MessageRole.ASSISTANT,
            col(Message.finish_reason).is_(None),
            col(Message.created_at) < now() - UNWATCHED_FOR,
        )
        async with self._database.reading(EVERY_TENANT) as session:
            open_ones = (await session.exec(query.limit(100))).all()
        lost = [message for message in open_ones if not await self._event_log.is_written(stream_of(message.id))]
        for message in lost:
            await self.close(message.tenant_id, message.id)
        return len(lost)

    async def _rebuild(self, tenant_id: UUID, message_id: UUID) -> Answer | None:
        """The answer as far as SQL and its log know it; None when it has ended or its chat is gone."""
        async with self._database.reading(tenant_id) as session:
            try:
                message = await get_owned(session, tenant_id, Message, message_id)
                chat = await get_owned(session, tenant_id, Chat, message.chat_id)
                bot = await load_profile(session, tenant_id, str(message.bot_id))
            except NotFound:
                return None
        if message.finish_reason is not None:
            return None
        text = await self._text_so_far(message_id)
        asked = Asked(tenant_id, bot.id, "", chat.id, chat.end_user, chat.token_id)
        outcome = Outcome(text=text, finish_reason=FinishReason.ERROR, error=AnswerInterrupted(INTERRUPTED))
        used = Used(completion_tokens=self._count(text), estimated=True)
        begun = Begun(chat.id, message_id, ())
        return Answer(asked, begun, bot, request_id=str(message_id), outcome=outcome, used=used)

    async def _text_so_far(self, message_id: UUID) -> str:
        text = ""
        with suppress(WriterLost, StreamUnknown, DependencyDown):
            async with aclosing(self._event_log.follow(stream_of(message_id), None)) as events:
                async for event in events:
                    if event.type == "delta":
                        text += msgspec.json.decode(event.data, type=dict[str, str])["text"]
        return text

    async def _append_end(self, answer: Answer) -> None:
        writer = await self._event_log.open(stream_of(answer.begun.message_id))
        try:
            error, metered = answer.outcome.error, answer.outcome.metered
            ending = [] if error is None or metered is None else [Failed(error), metered]
            for event in (*ending, Done(answer.begun.message_id, FinishReason.ERROR)):
                name, data = encode(event, answer.request_id)
                writer.append(name, data, terminal=isinstance(event, Done))
        finally:
            await writer.aclose()
