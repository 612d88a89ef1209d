"""Changing a source, with all that repeats what is changed: its documents, and their points in the index."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.kit.clock import now
from app.kit.database import Session
from app.kit.errors import Conflict, Invalid
from app.knowledge.bases import lock_base
from app.knowledge.models import Refresh, Source, SourceType
from app.knowledge.touching import touch_documents

WEB = (SourceType.URL, SourceType.SITEMAP)
"""Sources that are fetched, and so can be fetched again."""
_PERIOD = {Refresh.HOURLY: timedelta(hours=1), Refresh.DAILY: timedelta(days=1), Refresh.WEEKLY: timedelta(weeks=1)}
_REPEATED = {"title", "metadata_", "external_id"}
"""What a source's documents repeat of it."""


async def change_source(session: Session, tenant_id: UUID, source: Source, fields: dict[str, Any]) -> tuple[UUID, ...]:
    """Set columns of a source, and what its documents repeat of them; returns the active versions that are
    to be refreshed in the index after the commit.

    Raises Conflict for an ``external_id`` that is taken and Invalid for a refresh of what is not on the web.
    """
    require_refreshable(fields.get("type", source.type), fields.get("refresh"))
    await lock_base(session, tenant_id, source.knowledge_base_id)
    for name, value in fields.items():
        setattr(source, name, value)
    if "refresh" in fields:
        source.next_refresh_at = next_refresh(source.refresh, now())
    source.updated_at = now()
    session.add(source)
    try:
        await session.flush()
    except IntegrityError as fault:
        raise Conflict("Another source of this knowledge base has this external_id.") from fault
    return await touch_documents(session, tenant_id, source) if fields.keys() & _REPEATED else ()


def require_refreshable(kind: SourceType, refresh: Refresh | None) -> None:
    """Raises Invalid for a refresh of what is not on the web."""
    if kind not in WEB and refresh not in (None, Refresh.NONE):
        raise Invalid.field("refresh", "only sources on the web can be refreshed; use none here")


def next_refresh(refresh: Refresh, moment: datetime) -> datetime | None:
    """When a source that is fresh at ``moment`` is due again; None for never."""
    period = _PERIOD.get(refresh)
    return None if period is None else moment + period
