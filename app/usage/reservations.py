"""Giving away what is left of a month, so that at most one answer crosses the limit however many come at once.

    ask     lock(quota) → used + reserved + this one ≤ limit?  → reserve the most it may use → begin
                        → nothing else in progress?            → it may be the one that crosses
                        → otherwise 429, come back in a second
    finish  usage event + month's sum + reservation gone, in one transaction: nothing counts twice, or not at all

A reservation whose answer never ended (its chat was deleted under it) counts no longer once no answer could live.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from app.kit.clock import now
from app.kit.columns import Usd
from app.kit.database import Session
from app.kit.ownership import owned_columns, owned_delete
from app.usage.errors import QuotaExceeded, month_used_up
from app.usage.limits import Limits, load_limits
from app.usage.models import Reservation, UsageMonth
from app.usage.months import MonthUse, month_of
from app.usage.notices import Amount, LimitName

SOON_S = 1.0
"""When to come back while others hold what is left, in seconds."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What the month's sum and the answers in progress hold at one moment."""

    used: MonthUse
    reserved: MonthUse
    answers: int


async def reserve(session: Session, tenant_id: UUID, answer_id: UUID, most: MonthUse, life: timedelta) -> None:
    """Set aside the most an answer may use, in the transaction that begins it. Raises QuotaExceeded.

    ``life`` is how long an answer can take. An answer that uses nothing holds nothing and waits for nobody.
    """
    limits = await load_limits(session, tenant_id, lock=True)
    if not limits.monthly:
        return
    moment = now()
    await session.exec(owned_delete(tenant_id, Reservation).where(col(Reservation.created_at) < moment - life))
    held = await _held(session, tenant_id, moment)
    require_left(limits, held.used, moment)
    if held.answers and not _fits(limits, held, most):
        raise QuotaExceeded(
            "What is left of this month's quota is set aside for answers in progress. Try again in a moment.",
            retry_after_s=SOON_S,
        )
    if most != MonthUse():
        row = Reservation(id=answer_id, tenant_id=tenant_id, tokens=most.tokens, cost_usd=most.cost_usd)
        session.add(row)
        await session.flush()


async def settle(session: Session, tenant_id: UUID, answer_id: UUID) -> None:
    """Give back what was set aside for an answer, in the transaction that writes down what it used."""
    await session.exec(owned_delete(tenant_id, Reservation).where(col(Reservation.id) == answer_id))


def require_left(limits: Limits, used: MonthUse, moment: datetime) -> None:
    """Raises QuotaExceeded when a monthly limit is used up."""
    if limits.monthly_tokens is not None and used.tokens >= limits.monthly_tokens:
        raise month_used_up(LimitName.MONTHLY_TOKENS, moment)
    if limits.monthly_cost_usd is not None and used.cost_usd >= limits.monthly_cost_usd:
        raise month_used_up(LimitName.MONTHLY_COST_USD, moment)


def _fits(limits: Limits, held: _Held, most: MonthUse) -> bool:
    def within(limit: Amount | None, used: Amount, reserved: Amount, wanted: Amount) -> bool:
        return limit is None or not wanted or used + reserved + wanted <= limit

    return within(limits.monthly_tokens, held.used.tokens, held.reserved.tokens, most.tokens) and within(
        limits.monthly_cost_usd, held.used.cost_usd, held.reserved.cost_usd, most.cost_usd
    )


async def _held(session: Session, tenant_id: UUID, moment: datetime) -> _Held:
    """Both sums in one statement: an answer that ends meanwhile is seen on one side or the other, never on neither."""
    month = (
        owned_columns(tenant_id, UsageMonth, col(UsageMonth.tokens), col(UsageMonth.cost_usd))
        .where(col(UsageMonth.month) == month_of(moment))
        .subquery()
    )
    in_progress = owned_columns(
        tenant_id,
        Reservation,
        func.count().label("answers"),
        func.sum(col(Reservation.tokens)).label("tokens"),
        func.sum(col(Reservation.cost_usd), type_=Usd()).label("cost_usd"),
    ).subquery()
    query: Any = in_progress.outerjoin(month, month.c.tokens >= 0).select()
    answers, tokens, cost, used_tokens, used_cost = cast(Any, await session.exec(query)).one()
    return _Held(
        MonthUse(int(used_tokens or 0), used_cost or Decimal(0)),
        MonthUse(int(tokens or 0), cost or Decimal(0)),
        int(answers),
    )
