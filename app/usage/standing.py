"""Where a tenant stands: its limits beside what it uses."""

from dataclasses import dataclass
from uuid import UUID

from app.events.service import Recorder
from app.kit.clock import now
from app.kit.database import Session
from app.usage.limits import Limits, load_limits
from app.usage.months import MonthUse, month_use
from app.usage.notices import LimitName, tell, tell_month
from app.usage.storage import stored_bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """Limits, this month's use, and the bytes that are kept."""

    limits: Limits
    month: MonthUse
    storage_bytes: int


async def standing_of(session: Session, tenant_id: UUID) -> Standing:
    """The tenant's limits and use at this moment."""
    limits = await load_limits(session, tenant_id)
    return Standing(limits, await month_use(session, tenant_id, now()), await stored_bytes(session, tenant_id))


async def tell_standing(session: Session, recorder: Recorder, tenant_id: UUID, standing: Standing) -> None:
    """Tell the tenant of limits that are near or reached already when they are set."""
    await tell_month(session, recorder, tenant_id, standing.limits, standing.month)
    used, limit = standing.storage_bytes, standing.limits.storage_bytes
    await tell(session, recorder, tenant_id, LimitName.STORAGE_BYTES, used, limit)
