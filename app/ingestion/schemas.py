"""A run as clients see it."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from app.ingestion.models import Run, RunStatus, Stage
from app.kit.schema import Moment, Schema

Unit = Literal["steps", "pages", "chunks"]


class RunProgress(Schema):
    """How far the present stage is; ``total`` is null while nobody knows it."""

    done: int = 0
    total: int | None = None
    unit: Unit = "steps"


class RunCounts(Schema):
    """What a run has done, over all its attempts.

    ``chunks_reused`` needed no provider, because their text was embedded before; ``tokens`` were sent to providers,
    and ``tokens_saved`` is what the reused chunks would have added to them.
    """

    documents: int = 0
    pages: int = 0
    chunks: int = 0
    chunks_reused: int = 0
    embeddings: int = 0
    tokens: int = 0
    tokens_saved: int = 0


class RunError(Schema):
    """Why a run failed, is only partial, or waits for another try: a code for programs, a sentence for people."""

    code: str
    message: str
    stage: Stage | None = None


class RunView(Schema):
    """One ingestion of a source."""

    id: UUID
    source_id: UUID
    status: RunStatus
    stage: Stage | None
    attempt: int
    progress: RunProgress
    counts: RunCounts
    error: RunError | None
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None


class RunList(Schema):
    """One page of runs."""

    items: list[RunView] = Field(default_factory=list[RunView])
    next_cursor: str | None = None


def view_of(run: Run) -> RunView:
    """The public side of a run's row."""
    return RunView(
        id=run.id,
        source_id=run.source_id,
        status=run.status,
        stage=run.stage,
        attempt=run.attempt,
        progress=RunProgress.model_validate(run.progress),
        counts=RunCounts.model_validate(run.counts),
        error=RunError.model_validate(run.error) if run.error else None,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )
