"""What a tenant used this month: a running sum beside the ledger, so that no answer has to wait for a thousand rows.

The sum moves in the transaction that adds an event, and only when the event was really added: it can neither fall
behind the events nor count one twice.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from app.kit.database import Session
from app.kit.ids import new_id
from app.kit.ownership import owned_columns
from app.usage.models import UsageMonth


@dataclass(frozen=True, slots=True)
class MonthUse:
    """Tokens of chat and rerank, and what everything cost in US dollars."""

    tokens: int = 0
    cost_usd: Decimal = Decimal(0)


def month_of(moment: datetime) -> str:
    """The calendar month of a moment, in UTC: ``2026-11``."""
    return moment.astimezone(UTC).strftime("%Y-%m")


async def month_use(session: Session, tenant_id: UUID, moment: datetime) -> MonthUse:
    """What the tenant has used in the month of ``moment``."""
    query = owned_columns(tenant_id, UsageMonth, UsageMonth.tokens, UsageMonth.cost_usd)
    row: Any = cast(Any, await session.exec(query.where(col(UsageMonth.month) == month_of(moment)))).first()
    return MonthUse() if row is None else MonthUse(int(row[0]), row[1])


async def add_use(session: Session, tenant_id: UUID, moment: datetime, use: MonthUse) -> MonthUse:
    """Add to the month of ``moment``; the month's new sum."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    added = insert(UsageMonth).values(
        id=new_id(),
        tenant_id=tenant_id,
        created_at=moment,
        month=month_of(moment),
        tokens=use.tokens,
        cost_usd=use.cost_usd,
    )
    summed = added.on_conflict_do_update(
        index_elements=["tenant_id", "month"],
        set_={
            "tokens": col(UsageMonth.tokens) + added.excluded.tokens,
            "cost_usd": col(UsageMonth.cost_usd) + added.excluded.cost_usd,
        },
    ).returning(col(UsageMonth.tokens), col(UsageMonth.cost_usd))
    row: Any = (await session.exec(summed)).one()
    return MonthUse(int(row[0]), row[1])
