"""One table for everything that happened to a tenant; rows are only ever added."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.kit.columns import JSON_DOCUMENT, TenantOwned


class Event(TenantOwned, table=True):
    """Something that happened to ``subject`` (an id), at ``created_at``, done by ``actor`` where somebody did it.

    A tenant's ids grow in the order its events were committed, so that a reader may go on after the last one it saw.
    """

    __tablename__ = "events"  # pyright: ignore[reportAssignmentType]  # A plain name is what SQLModel wants.
    __table_args__ = (sa.Index("ix_events_tenant_order", "tenant_id", "id"),)

    type: str = Field(max_length=64)
    subject: str = Field(max_length=200)
    data: dict[str, Any] = Field(sa_type=JSON_DOCUMENT, default_factory=dict)
    actor: str | None = Field(default=None, max_length=100)
