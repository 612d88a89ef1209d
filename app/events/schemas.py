"""What crosses the wire about events."""

from typing import Any
from uuid import UUID

from app.kit.schema import Moment, Schema


class EventView(Schema):
    """Something that happened."""

    id: UUID
    type: str
    time: Moment
    tenant_id: UUID
    subject: str
    data: dict[str, Any]


class EventPage(Schema):
    """A page of the event log."""

    items: list[EventView]
    next_cursor: str | None
