"""The tenant's event log: what happened is written in the transaction that made it happen, and readers are told."""

import asyncio
from typing import Any, Final, Protocol
from uuid import UUID

import structlog
from sqlmodel import col

from app.events import order
from app.events.models import Event
from app.events.types import EventType
from app.kit.clock import to_wire
from app.kit.database import Session
from app.kit.errors import DependencyDown
from app.kit.ownership import owned_by
from app.kit.paging import Page, PageRequest, paginate

_ANNOUNCE_S: Final = 0.5

log = structlog.get_logger(__name__)


class Announcer(Protocol):
    """What this slice needs of the event log adapter to wake readers."""

    async def announce(self, channel: str, text: str) -> None:
        """Tell every process that listens; raises DependencyDown."""
        ...


class Recorder:
    """Writes events. SQL is the truth; the announcement after the commit only wakes readers earlier."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer

    async def record(
        self,
        session: Session,
        tenant_id: UUID,
        type: EventType,  # noqa: A002  # It is the contract's word for it.
        subject: UUID | str,
        data: dict[str, Any],
        *,
        actor: str | None = None,
    ) -> None:
        """Note that something happens in this transaction; it is written, with its id, when that commits.

        ``data`` is a JSON object without secrets or document text: it goes to webhooks as it is.
        """
        row = Event(tenant_id=tenant_id, type=type.value, subject=str(subject), data=data, actor=actor)
        if order.put_off(session, row):
            session.after_commit(lambda: self._announce(tenant_id))

    async def _announce(self, tenant_id: UUID) -> None:
        try:
            async with asyncio.timeout(_ANNOUNCE_S):
                await self._announcer.announce(channel_of(tenant_id), "new")
        except (DependencyDown, TimeoutError):
            log.info("events.not_announced", tenant_id=str(tenant_id))


def channel_of(tenant_id: UUID) -> str:
    """Where a tenant's new events are announced."""
    return f"events:{tenant_id}"


async def list_events(session: Session, tenant_id: UUID, page: PageRequest, *, newest_first: bool) -> Page[Event]:
    """A page of the log, from either end."""
    return await paginate(session, owned_by(tenant_id, Event), col(Event.id), page, newest_first=newest_first)


async def newest_id(session: Session, tenant_id: UUID) -> UUID | None:
    """The id of the last event there is."""
    newest = owned_by(tenant_id, Event).order_by(col(Event.id).desc()).limit(1)
    row = (await session.exec(newest)).first()
    return None if row is None else row.id


def wire(event: Event) -> dict[str, Any]:
    """The envelope in which an event travels: over SSE, in lists and to webhooks."""
    return {
        "id": str(event.id),
        "type": event.type,
        "time": to_wire(event.created_at),
        "tenant_id": str(event.tenant_id),
        "subject": event.subject,
        "data": event.data,
    }
