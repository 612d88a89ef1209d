"""A tenant's limits, as the operator set them; None is unlimited, and so is a tenant nobody set limits for."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from app.kit.database import Session
from app.usage.models import Quota


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a tenant may use: in a minute, at once, in a calendar month (UTC), and in all."""

    requests_per_minute: int | None = None
    concurrent_streams: int | None = None
    monthly_tokens: int | None = None
    monthly_cost_usd: Decimal | None = None
    storage_bytes: int | None = None

    @property
    def monthly(self) -> bool:
        """Whether anything is limited by the month."""
        return self.monthly_tokens is not None or self.monthly_cost_usd is not None


UNLIMITED = Limits()


async def load_limits(session: Session, tenant_id: UUID, *, lock: bool = False) -> Limits:
    """The tenant's limits; with ``lock`` nobody else gives away what is left until this transaction ends."""
    query = select(Quota).where(col(Quota.tenant_id) == tenant_id)  # unowned: the tenant is its key.
    if lock:  # SQLite needs none: its writers queue already.
        query = query.with_for_update().execution_options(populate_existing=True)
    row = (await session.exec(query)).first()
    return UNLIMITED if row is None else Limits(*(getattr(row, name) for name in Limits.__dataclass_fields__))


async def replace_limits(session: Session, tenant_id: UUID, limits: Limits) -> None:
    """Set all limits of a tenant that exists."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    fields = asdict(limits)
    statement = insert(Quota).values(tenant_id=tenant_id, **fields)
    await session.exec(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=fields))
