"""Telling a tenant that a limit comes near or is reached: an event once in a month for each limit and level."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy.dialects import postgresql, sqlite

from app.events.service import Recorder
from app.events.types import EventType
from app.kit.clock import now
from app.kit.database import Session
from app.kit.ids import new_id
from app.kit.schema import money_to_wire
from app.usage.limits import Limits
from app.usage.models import QuotaNotice
from app.usage.months import MonthUse, month_of

WARN_AT = Decimal("0.8")
"""The share of a limit at which the warning comes."""

Amount = int | Decimal


class LimitName(StrEnum):
    """The limits that fill up, by the name they have in the API."""

    MONTHLY_TOKENS = "monthly_tokens"
    MONTHLY_COST_USD = "monthly_cost_usd"
    STORAGE_BYTES = "storage_bytes"


async def tell_month(session: Session, recorder: Recorder, tenant_id: UUID, limits: Limits, used: MonthUse) -> None:
    """Tell of the monthly limits what there is to tell."""
    await tell(session, recorder, tenant_id, LimitName.MONTHLY_TOKENS, used.tokens, limits.monthly_tokens)
    await tell(session, recorder, tenant_id, LimitName.MONTHLY_COST_USD, used.cost_usd, limits.monthly_cost_usd)


async def tell(
    session: Session, recorder: Recorder, tenant_id: UUID, name: LimitName, used: Amount, limit: Amount | None
) -> None:
    """Record a warning at 80 % of a limit and another event when it is reached, unless that was done this month.

    A limit that was changed is a new one. Whoever jumps over both marks at once gets both events.
    """
    for event in _due(used, limit):
        at = now()
        if limit is not None and await _first_time(session, tenant_id, at, f"{name}:{_plain(limit)}:{event}"):
            data = {"limit": name.value, "allowed": _wire(limit), "used": _wire(used), "month": month_of(at)}
            await recorder.record(session, tenant_id, event, tenant_id, data)


def _due(used: Amount, limit: Amount | None) -> Iterator[EventType]:
    if limit is None or not used:
        return
    if used >= limit * WARN_AT:
        yield EventType.QUOTA_WARNING
    if used >= limit:
        yield EventType.QUOTA_EXCEEDED


async def _first_time(session: Session, tenant_id: UUID, at: datetime, told: str) -> bool:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = {"id": new_id(), "tenant_id": tenant_id, "created_at": at, "month": month_of(at), "told": told}
    return (await session.exec(insert(QuotaNotice).values(**row).on_conflict_do_nothing())).rowcount == 1


def _wire(amount: Amount) -> int | str:
    """Counts as numbers, money as a decimal string: as everywhere in the API."""
    return money_to_wire(amount) if isinstance(amount, Decimal) else amount


def _plain(amount: Amount) -> str:
    return str(_wire(amount))
