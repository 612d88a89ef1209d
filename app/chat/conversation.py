"""The two transactions of an answer: ``begin`` stores the question, ``finish`` stores everything that came of it.

Between them no session is open. ``finish`` is conditional on the answer still being open, so that of a cancel, a
time-out and a normal end exactly one is written down, and exactly one usage event with it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import col

from app.chat.cache.entries import write
from app.chat.cache.values import Afterwards
from app.chat.events import Abstained, Cited, Metered, SourcesFound
from app.chat.models import Chat, Citation, FinishReason, Message, MessageRole
from app.chat.prompt import PastTurn
from app.chat.wire import sources_view, usage_view
from app.events.service import EventType, Recorder
from app.kit.clock import now
from app.kit.database import Database, Session
from app.kit.errors import AppError, NotFound, problem
from app.kit.ids import new_id
from app.kit.ownership import count_owned, get_owned, owned_by, owned_update
from app.kit.text import excerpt
from app.usage.ledger import ANSWERS, Ledger, Use

REMEMBERED = 6
"""Past questions a model is reminded of."""
TITLE_CHARS = 80


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with everything about who asks it where."""

    tenant_id: UUID
    bot_id: UUID
    message: str
    chat_id: UUID | None = None
    end_user: str | None = None
    token_id: UUID | None = None
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A stored question, the open answer to it, and what was said before."""

    chat_id: UUID
    message_id: UUID
    history: tuple[PastTurn, ...]


@dataclass(slots=True)
class Outcome:
    """All that came of a question, gathered while the answer is written."""

    text: str = ""
    finish_reason: FinishReason = FinishReason.ERROR
    sources: SourcesFound | None = None
    citations: tuple[Cited, ...] = ()
    abstained: Abstained | None = None
    error: AppError | None = None
    metered: Metered | None = None
    afterwards: Afterwards = field(default_factory=Afterwards)


async def begin(session: Session, asked: Asked) -> Begun:
    """Store the question and an open answer. Raises NotFound for a chat that is not this caller's and bot's."""
    chat = await _chat(session, asked)
    history = () if asked.chat_id is None else await past_turns(session, asked.tenant_id, chat.id)
    question = Message(
        tenant_id=asked.tenant_id, chat_id=chat.id, role=MessageRole.USER, content=asked.message, bot_id=asked.bot_id
    )
    answer = Message(
        id=new_id(),
        tenant_id=asked.tenant_id,
        chat_id=chat.id,
        role=MessageRole.ASSISTANT,
        reply_to=question.id,
        bot_id=asked.bot_id,
    )
    session.add_all([question, answer])
    await session.flush()
    return Begun(chat.id, answer.id, history)


async def _chat(session: Session, asked: Asked) -> Chat:
    if asked.chat_id is None:
        chat = Chat(
            tenant_id=asked.tenant_id,
            bot_id=asked.bot_id,
            title=excerpt(asked.message, TITLE_CHARS),
            end_user=asked.end_user,
            token_id=asked.token_id,
            metadata_=asked.metadata or {},
        )
    else:
        chat = await get_owned(session, asked.tenant_id, Chat, asked.chat_id)
        if chat.bot_id != asked.bot_id or (asked.end_user is not None and chat.end_user != asked.end_user):
            raise NotFound("There is no chat with this id.")
        chat.updated_at = now()
    session.add(chat)
    await session.flush()
    return chat


async def past_turns(session: Session, tenant_id: UUID, chat_id: UUID) -> tuple[PastTurn, ...]:
    """The last questions that were really answered, oldest first; refusals and failures teach a model nothing."""
    answers = (
        await session.exec(
            owned_by(tenant_id, Message)
            .where(
                col(Message.chat_id) == chat_id,
                col(Message.role) == MessageRole.ASSISTANT,
                col(Message.finish_reason).in_([FinishReason.STOP, FinishReason.LENGTH]),
            )
            .order_by(col(Message.id).desc())
            .limit(REMEMBERED)
        )
    ).all()
    wanted = [answer.reply_to for answer in answers]
    questions = (await session.exec(owned_by(tenant_id, Message).where(col(Message.id).in_(wanted)))).all()
    asked = {question.id: question.content for question in questions}
    pairs = ((None if answer.reply_to is None else asked.get(answer.reply_to), answer) for answer in reversed(answers))
    return tuple(PastTurn(question, answer.content) for question, answer in pairs if question is not None)


class Finisher:
    """Writes an answer's end, once."""

    def __init__(self, database: Database, ledger: Ledger, recorder: Recorder) -> None:
        self._database = database
        self._ledger = ledger
        self._recorder = recorder

    async def finish(self, asked: Asked, begun: Begun, outcome: Outcome, uses: Sequence[Use], request_id: str) -> bool:
        """Store the answer with its citations, usage and cache entry, and tell that it has ended; False if it had."""
        async with self._database.transaction(asked.tenant_id) as session:
            closed = await session.exec(
                owned_update(asked.tenant_id, Message)
                .where(col(Message.id) == begun.message_id, col(Message.finish_reason).is_(None))
                .values(**_columns(outcome, request_id))
            )
            if closed.rowcount == 0 and await _exists(session, asked.tenant_id, begun.message_id):
                return False
            for use in uses:
                saved_usd = outcome.afterwards.saved_usd if use.kind in ANSWERS else Decimal(0)
                await self._ledger.write(session, asked.tenant_id, use, saved_usd=saved_usd)
            if closed.rowcount == 0:
                return True  # Its chat was deleted meanwhile: there is nothing to store, but it was used.
            session.add_all(_citations(asked.tenant_id, begun.message_id, outcome.citations))
            await write(session, asked.tenant_id, asked.bot_id, begun.message_id, outcome.afterwards)
            await self._recorder.record(
                session,
                asked.tenant_id,
                EventType.MESSAGE_COMPLETED,
                begun.message_id,
                {"chat_id": str(begun.chat_id), "finish_reason": outcome.finish_reason.value},
            )
        return True


async def _exists(session: Session, tenant_id: UUID, message_id: UUID) -> bool:
    return await count_owned(session, tenant_id, Message, col(Message.id) == message_id) > 0


def _columns(outcome: Outcome, request_id: str) -> dict[str, Any]:
    abstained = outcome.abstained
    return {
        "content": outcome.text if abstained is None else abstained.message,
        "finish_reason": outcome.finish_reason,
        "sources": None if outcome.sources is None else sources_view(outcome.sources),
        "usage": None if outcome.metered is None else usage_view(outcome.metered),
        "abstained": None if abstained is None else asdict(abstained),
        "error": None if outcome.error is None else problem(outcome.error, request_id),
    }


def _citations(tenant_id: UUID, message_id: UUID, citations: Sequence[Cited]) -> list[Citation]:
    return [
        Citation(
            tenant_id=tenant_id,
            message_id=message_id,
            ordinal=ordinal,
            **_fields(citation),
        )
        for ordinal, citation in enumerate(citations)
    ]


def _fields(citation: Cited) -> dict[str, Any]:
    return {**asdict(citation), "heading_path": list(citation.heading_path)}
