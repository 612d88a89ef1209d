"""Learning as it happens: the run, which is at once the outbox, the lease and the record of an ingestion."""

# SQLModel declares __tablename__ as a method; a string is what it takes.
# pyright: reportAssignmentType=false

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from app.kit.columns import TenantOwned, enum_column, json_field, optional_time_field


class RunStatus(StrEnum):
    """Where a run is. The last five are ends, and every run reaches one."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({RunStatus.SUCCEEDED, RunStatus.SKIPPED, RunStatus.PARTIAL, RunStatus.FAILED, RunStatus.CANCELLED})


class Stage(StrEnum):
    """The steps of a run, in their order."""

    FETCHING = "fetching"
    PARSING = "parsing"
    CHUNKING = "chunking"
    EMBEDDING = "embedding"
    INDEXING = "indexing"
    ACTIVATING = "activating"


class Run(TenantOwned, table=True):
    """One ingestion of a source.

    ``lease_owner`` and ``lease_until`` say which worker holds it and until when; a lapsed lease makes it anyone's.
    ``due_at`` is when a queued run may begin, so that a back-off survives the loss of the queue. ``attempt`` is the
    try it is in, or waits for: it grows whenever a run goes back to the queue because of a fault. ``carried`` is what
    one attempt hands to the next (``ingestion/carried.py``), and is never shown.
    """

    __tablename__ = "runs"
    __table_args__ = (
        sa.Index("ix_runs_due", "status", "tenant_id", "due_at"),
        sa.Index("ix_runs_lease", "status", "lease_until"),
    )

    source_id: UUID = Field(foreign_key="sources.id", ondelete="CASCADE", index=True)
    upload_id: UUID | None = Field(default=None, foreign_key="uploads.id", ondelete="SET NULL", nullable=True)
    status: RunStatus = Field(default=RunStatus.QUEUED, sa_type=enum_column(RunStatus))
    stage: Stage | None = Field(default=None, sa_type=enum_column(Stage), nullable=True)
    attempt: int = Field(default=1)
    crashes: int = Field(default=0)
    """How often the document took its parser down; twice is quarantine."""
    activate: bool = Field(default=True)
    force: bool = Field(default=False)
    cancel_requested: bool = Field(default=False)
    progress: dict[str, Any] = json_field()
    counts: dict[str, Any] = json_field()
    error: dict[str, Any] | None = json_field(nullable=True)
    carried: dict[str, Any] = json_field()
    lease_owner: str | None = Field(default=None, max_length=100)
    lease_until: datetime | None = optional_time_field()
    due_at: datetime | None = optional_time_field()
    started_at: datetime | None = optional_time_field()
    finished_at: datetime | None = optional_time_field()
