"""Sums over the ledger: always computed from the events themselves, so they cannot disagree with them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import ColumnElement, case, func
from sqlmodel import col

from app.kit.clock import now
from app.kit.columns import Usd
from app.kit.database import Session
from app.kit.ownership import owned_columns
from app.usage.models import UsageEvent, UsageKind

GroupBy = Literal["day", "bot", "model", "token", "kind"]

FIELD: dict[GroupBy, str] = {"day": "day", "bot": "bot_id", "model": "model", "token": "token_id", "kind": "kind"}


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` (included) to ``end`` (excluded), both in UTC."""

    start: datetime
    end: datetime


def this_month(at: datetime | None = None) -> Period:
    """The calendar month around ``at`` (now), in UTC."""
    moment = (at or now()).astimezone(UTC)
    start = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    end = datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1, tzinfo=UTC)
    return Period(start, end)


@dataclass(frozen=True, slots=True)
class Sums:
    """What was used; ``requests`` counts answers, cached ones included."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    embedding_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    cache_hits: int = 0
    saved_usd: Decimal = Decimal(0)
    unpriced: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in Sums.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class Group:
    """The sums of one group; ``key`` is None for events that have no such thing (a run has no bot)."""

    key: str | None
    sums: Sums


async def usage_by(session: Session, tenant_id: UUID, period: Period, group_by: GroupBy) -> list[Group]:
    """The tenant's use in a period, group by group, in the order of the group's key."""
    key = _key(session, group_by)
    query = (
        owned_columns(tenant_id, UsageEvent, key.label("key"), *_sums())
        .where(col(UsageEvent.created_at) >= period.start, col(UsageEvent.created_at) < period.end)
        .group_by("key")
        .order_by("key")
    )
    rows: list[Any] = cast(Any, await session.exec(query)).all()
    return [Group(None if row[0] is None else str(row[0]), _read(row[1:])) for row in rows]


def _key(session: Session, group_by: GroupBy) -> Any:
    if group_by != "day":
        return col(getattr(UsageEvent, FIELD[group_by]))
    if session.get_bind().dialect.name == "sqlite":
        return func.date(col(UsageEvent.created_at))
    return func.to_char(func.timezone("UTC", col(UsageEvent.created_at)), "YYYY-MM-DD")


def _sums() -> list[ColumnElement[Any]]:
    kind = col(UsageEvent.kind)
    answers = case((kind.in_([UsageKind.CHAT, UsageKind.CACHE_HIT]), 1), else_=0)
    hits = case((kind == UsageKind.CACHE_HIT, 1), else_=0)
    return [
        func.sum(answers),
        func.sum(col(UsageEvent.prompt_tokens)),
        func.sum(col(UsageEvent.completion_tokens)),
        func.sum(col(UsageEvent.embedding_tokens)),
        func.sum(col(UsageEvent.cost_usd), type_=Usd()),
        func.sum(hits),
        func.sum(col(UsageEvent.saved_usd), type_=Usd()),
        func.sum(case((col(UsageEvent.price_known), 0), else_=1)),
    ]


def _read(row: Any) -> Sums:
    requests, prompt, completion, embedding, cost, hits, saved, unpriced = row
    return Sums(int(requests), int(prompt), int(completion), int(embedding), cost, int(hits), saved, int(unpriced))
