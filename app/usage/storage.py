"""How many bytes of uploads a tenant keeps, and whether there is room for more."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from app.events.service import Recorder
from app.kit.database import Database, Session
from app.kit.ownership import owned_columns
from app.knowledge.models import Upload
from app.usage.errors import QuotaExceeded
from app.usage.limits import load_limits
from app.usage.notices import LimitName, tell

LATER_S = 3600.0
"""When to come back with a full storage, in seconds: somebody has to delete something first."""


class StorageFull(QuotaExceeded):
    """There is no room for an upload."""


async def stored_bytes(session: Session, tenant_id: UUID) -> int:
    """The bytes of all uploads the tenant keeps, older versions included."""
    query = owned_columns(tenant_id, Upload, func.coalesce(func.sum(col(Upload.size_bytes)), 0))
    return int(cast(Any, await session.exec(query)).one())


async def require_room(session: Session, recorder: Recorder, tenant_id: UUID, size_bytes: int) -> None:
    """Make sure that an upload fits, in the transaction that keeps it; others wait. Raises StorageFull."""
    limit = (await load_limits(session, tenant_id)).storage_bytes
    if limit is None:
        return
    limit = (await load_limits(session, tenant_id, lock=True)).storage_bytes
    used = await stored_bytes(session, tenant_id)
    if limit is not None and used + size_bytes > limit:
        raise StorageFull(
            f"Storage is full: {used:,} of {limit:,} bytes are used, and this needs {size_bytes:,} more. "
            "Delete sources, or ask the operator for more.",
            retry_after_s=LATER_S,
        )
    await tell(session, recorder, tenant_id, LimitName.STORAGE_BYTES, used + size_bytes, limit)


@asynccontextmanager
async def telling_when_full(database: Database, recorder: Recorder, tenant_id: UUID) -> AsyncGenerator[None]:
    """Around the transaction of ``require_room``: a refusal undoes that one, so its event is recorded in another."""
    try:
        yield
    except StorageFull:
        async with database.transaction(tenant_id) as session:
            limit = (await load_limits(session, tenant_id)).storage_bytes
            await tell(session, recorder, tenant_id, LimitName.STORAGE_BYTES, limit or 0, limit)
        raise
