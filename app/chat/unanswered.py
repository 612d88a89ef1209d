"""The questions that the documents could not answer: what to write next, seen from the reader's side."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.chat.abstention import SUGGEST_NEAREST
from app.chat.models import FinishReason, Message
from app.kit.database import Session
from app.kit.ownership import is_owned, owned_columns
from app.kit.paging import Page, PageRequest, encode_cursor

_NEAREST: Final = re.compile(re.escape(SUGGEST_NEAREST).replace(re.escape("{title}"), "(.*)"), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """One question, however often and in whatever spelling it was asked; the rest is of the last time."""

    last_message_id: UUID
    question: str
    count: int
    last_asked_at: datetime
    reason: str
    nearest_title: str | None


async def list_unanswered(session: Session, tenant_id: UUID, page: PageRequest) -> Page[Unanswered]:
    """Questions that ended in an abstention, the one asked last first; each folded question once."""
    question = aliased(Message)
    newest_first = func.row_number().over(partition_by=question.question_key, order_by=col(Message.id).desc())
    times = func.count().over(partition_by=question.question_key)
    refused = (
        owned_columns(
            tenant_id,
            Message,
            col(Message.id).label("id"),
            col(question.id).label("question_id"),
            times.label("times"),
            newest_first.label("place"),
        )
        .join(question, col(question.id) == col(Message.reply_to))
        .where(is_owned(tenant_id, question), col(Message.finish_reason) == FinishReason.ABSTAINED)
        .subquery()
    )
    groups = refused.select().where(refused.c.place == 1)
    if page.after is not None:
        groups = groups.where(refused.c.id < page.after)
    shown = groups.order_by(refused.c.id.desc()).limit(page.limit + 1).subquery()
    query = (
        owned_columns(
            tenant_id,
            Message,
            col(Message.id),
            col(question.content),
            shown.c.times,
            col(Message.created_at),
            col(Message.abstained),
        )
        .join(shown, shown.c.id == col(Message.id))
        .join(question, col(question.id) == shown.c.question_id)
        .where(is_owned(tenant_id, question))
        .order_by(col(Message.id).desc())
    )
    rows: list[Any] = cast(Any, await session.exec(query)).all()
    found = [_read(*row) for row in rows]
    if len(found) <= page.limit:
        return Page(found, None)
    kept = found[: page.limit]
    return Page(kept, encode_cursor(kept[-1].last_message_id))


def _read(message_id: UUID, question: str, count: int, moment: datetime, abstained: dict[str, Any]) -> Unanswered:
    return Unanswered(message_id, question, count, moment, abstained["reason"], _nearest(abstained["suggestion"]))


def _nearest(suggestion: str) -> str | None:
    """The title a suggestion named; messages keep no other trace of it."""
    found = _NEAREST.fullmatch(suggestion)
    return None if found is None else found[1]
