"""Figures for the dashboard: what there is, how much was asked, how fast it was answered.

Everything is counted by the database, over indexes that begin with the tenant; nothing is kept beside the rows, so no
figure can disagree with them. Latencies are of at most the newest ``SAMPLE`` answers of the last day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, case, func
from sqlmodel import col

from app.chat.models import FinishReason, Message, MessageRole
from app.kit.database import Session
from app.kit.ownership import count_owned, owned_columns
from app.knowledge.models import Chunk, Document, Source
from app.usage.reports import Period, Sums, usage_by

SAMPLE: Final = 10_000
WRITTEN: Final = (FinishReason.STOP, FinishReason.LENGTH)
"""The answers whose speed says something: refusals and failures end early or late for reasons of their own."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Milliseconds that half, and nineteen in twenty, of the answers stay within; None without answers."""

    p50: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True)
class Latencies:
    """To the first text, and to the end."""

    first_token_ms: Quantiles
    total_ms: Quantiles
    answers: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC."""

    day: date
    questions: int
    abstained: int
    sums: Sums


async def count_contents(session: Session, tenant_id: UUID) -> tuple[int, int, Mapping[str, int]]:
    """Documents, chunks, and sources by status."""
    documents = await count_owned(session, tenant_id, Document)
    chunks = await count_owned(session, tenant_id, Chunk)
    query = owned_columns(tenant_id, Source, col(Source.status), func.count()).group_by(col(Source.status))
    rows: list[Any] = cast(Any, await session.exec(query)).all()
    return documents, chunks, {str(status): int(count) for status, count in rows}


async def count_answers(session: Session, tenant_id: UUID, period: Period) -> Mapping[str, int]:
    """Answers begun in the period, by the reason they ended; those that have not are left out."""
    reason = col(Message.finish_reason)
    moment = col(Message.created_at)
    query = owned_columns(tenant_id, Message, reason, func.count()).where(
        col(Message.role) == MessageRole.ASSISTANT,
        moment >= period.start,
        moment < period.end,
        reason.is_not(None),
    )
    rows: list[Any] = cast(Any, await session.exec(query.group_by(reason))).all()
    return {str(name): int(count) for name, count in rows}


async def latencies(session: Session, tenant_id: UUID, since: datetime) -> Latencies:
    """How long answers took since a moment; the quantile is the nearest rank, so it is a time that really occurred."""
    timings = cast(Any, Message.usage)["timings_ms"]  # A column of JSON; its type as an attribute is the value's.
    newest = (
        owned_columns(
            tenant_id,
            Message,
            timings["first_token"].as_float().label("first"),
            timings["total"].as_float().label("total"),
        )
        .where(
            col(Message.role) == MessageRole.ASSISTANT,
            col(Message.created_at) >= since,
            col(Message.finish_reason).in_(WRITTEN),
        )
        .order_by(col(Message.created_at).desc())
        .limit(SAMPLE)
        .subquery()
    )
    ranked = newest.select().add_columns(
        func.row_number().over(order_by=newest.c.first).label("first_rank"),
        func.row_number().over(order_by=newest.c.total).label("total_rank"),
        func.count().over().label("answers"),
    )
    at = ranked.subquery()
    found = [_at_rank(at, name, percent) for name in ("first", "total") for percent in (50, 95)]
    query = at.select().with_only_columns(func.count(), *found)
    answers, *values = cast(Any, await session.exec(query)).one()
    return Latencies(Quantiles(*values[:2]), Quantiles(*values[2:]), int(answers))


async def by_day(session: Session, tenant_id: UUID, first: date, last: date) -> list[Day]:
    """Every day from ``first`` to ``last``, oldest first; a day without anything is there with zeros."""
    period = Period(_midnight(first), _midnight(last + timedelta(days=1)))
    used = {group.key: group.sums for group in await usage_by(session, tenant_id, period, "day")}
    asked = await _asked_by_day(session, tenant_id, period)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [Day(day, *asked.get(str(day), (0, 0)), used.get(str(day), Sums())) for day in days]


def _at_rank(at: Any, name: str, percent: int) -> ColumnElement[Any]:
    """The smallest value whose rank reaches ``percent`` of the answers."""
    reached = at.c[f"{name}_rank"] * 100 >= at.c.answers * percent
    return func.min(case((reached, at.c[name])))


async def _asked_by_day(session: Session, tenant_id: UUID, period: Period) -> Mapping[str, tuple[int, int]]:
    """Questions and abstentions of each day, the day in ISO 8601."""
    moment = col(Message.created_at)
    if session.get_bind().dialect.name == "sqlite":
        day = func.date(moment)
    else:
        day = func.to_char(func.timezone("UTC", moment), "YYYY-MM-DD")
    questions = func.sum(case((col(Message.role) == MessageRole.USER, 1), else_=0))
    abstained = func.sum(case((col(Message.finish_reason) == FinishReason.ABSTAINED, 1), else_=0))
    query = owned_columns(tenant_id, Message, day.label("day"), questions, abstained).where(
        col(Message.role).in_(list(MessageRole)),  # Both of them: named so that the index is used to its end.
        moment >= period.start,
        moment < period.end,
    )
    rows: list[Any] = cast(Any, await session.exec(query.group_by("day"))).all()
    return {str(row[0]): (int(row[1]), int(row[2])) for row in rows}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
