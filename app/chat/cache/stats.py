"""What the cache saved, and what shadow mode saw."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import case, func
from sqlmodel import col

from app.chat.models import CacheTrial
from app.kit.columns import Usd
from app.kit.database import Session
from app.kit.ownership import owned_columns
from app.usage.models import UsageEvent, UsageKind


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """Hits and US dollars they saved; would-be hits of shadow mode and how many of them would have been wrong."""

    hits: int
    saved_usd: Decimal
    would_hit: int
    would_err: int


async def cache_figures(session: Session, tenant_id: UUID, since: datetime) -> CacheFigures:
    """The figures from ``since`` on, out of the ledger and the trials themselves.

    A follow-up that a model had to rewrite before it was found is a chat that saved something, and counts as a hit.
    """
    saved = owned_columns(tenant_id, UsageEvent, func.count(), func.sum(col(UsageEvent.saved_usd), type_=Usd())).where(
        col(UsageEvent.created_at) >= since,
        (col(UsageEvent.kind) == UsageKind.CACHE_HIT) | (col(UsageEvent.saved_usd) > Decimal(0)),
    )
    wrong = case((col(CacheTrial.would_err), 1), else_=0)
    tried = owned_columns(tenant_id, CacheTrial, func.count(), func.coalesce(func.sum(wrong), 0)).where(
        col(CacheTrial.created_at) >= since
    )
    hits, saved_usd = cast(Any, await session.exec(saved)).one()
    would_hit, would_err = cast(Any, await session.exec(tried)).one()
    return CacheFigures(int(hits), saved_usd or Decimal(0), int(would_hit), int(would_err))
