"""How runs end, and how an attempt ends that is not the last.

An end is one transaction: the run's row, what the source is worth now, the event. Its followers hear of it after the
commit; should that word be lost with the process, the row still says it (``ingestion/following.py``).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col

from app.events.service import EventType, Recorder
from app.ingestion.faults import Fault
from app.ingestion.leases import Lease
from app.ingestion.models import Run, RunStatus, Stage
from app.ingestion.progress import Reporter
from app.ingestion.schemas import RunError, RunView, view_of
from app.kit.clock import now
from app.kit.database import Session
from app.kit.metrics import RUNS
from app.kit.ownership import is_owned, owned_columns, owned_update
from app.knowledge.models import Document, DocumentVersion, SourceStatus, VersionStatus
from app.knowledge.rows import all_of
from app.knowledge.sources import set_status


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends; ``error`` says why it failed or what is missing where it is partial."""

    status: RunStatus
    error: RunError | None = None


def failure(fault: Fault, stage: Stage | None) -> Ending:
    """The end that a fault brings when there is no further try."""
    return Ending(RunStatus.FAILED, RunError(code=fault.code, message=fault.message, stage=stage))


CANCELLED = Ending(RunStatus.CANCELLED)
SKIPPED = Ending(RunStatus.SKIPPED)


async def end_held(session: Session, recorder: Recorder, lease: Lease, reporter: Reporter, ending: Ending) -> RunView:
    """End a run that this worker holds. Raises LeaseLost. The caller tells the view once it is committed."""
    view = reporter.view.model_copy(update={"status": ending.status, "error": ending.error, "finished_at": now()})
    await lease.give_up(session, **reporter.columns(), **_columns(view))
    await _settle(session, recorder, lease.claimed.tenant_id, view)
    return view


async def end_unheld(session: Session, recorder: Recorder, run: Run, ending: Ending) -> RunView | None:
    """End a run that nobody works on; None when that is no longer so."""
    before = view_of(run)
    view = before.model_copy(update={"status": ending.status, "error": ending.error, "finished_at": now()})
    ended = await session.exec(
        owned_update(run.tenant_id, Run)
        .where(col(Run.id) == run.id, col(Run.status) == run.status, col(Run.attempt) == run.attempt)
        .where(col(Run.lease_owner).is_not_distinct_from(run.lease_owner))
        .where(col(Run.lease_until).is_not_distinct_from(run.lease_until))
        .values(lease_owner=None, lease_until=None, **_columns(view))
    )
    if not ended.rowcount:
        return None
    await _settle(session, recorder, run.tenant_id, view)
    return view


async def try_again(session: Session, lease: Lease, reporter: Reporter, fault: Fault, pause_s: float) -> RunView:
    """Put a run back into the queue after a transient fault, due in ``pause_s`` seconds. Raises LeaseLost."""
    error = RunError(code=fault.code, message=fault.message, stage=reporter.stage)
    claimed = lease.claimed
    view = reporter.view.model_copy(update={"status": RunStatus.QUEUED, "attempt": claimed.attempt + 1, "error": error})
    await lease.give_up(
        session,
        **reporter.columns(),
        status=view.status,
        attempt=view.attempt,
        error=error.model_dump(mode="json"),
        crashes=claimed.crashes + (1 if fault.crash else 0),
        due_at=now() + timedelta(seconds=pause_s),
    )
    return view


def _columns(view: RunView) -> dict[str, Any]:
    return {
        "status": view.status,
        "error": view.error.model_dump(mode="json") if view.error else None,
        "finished_at": view.finished_at,
        "cancel_requested": False,
    }


async def _settle(session: Session, recorder: Recorder, tenant_id: UUID, view: RunView) -> None:
    """Everything else that changes with a run's end."""
    if view.status in (RunStatus.FAILED, RunStatus.CANCELLED):
        await _give_up_version(session, tenant_id, view.id)
    await set_status(session, tenant_id, view.source_id, await _worth(session, tenant_id, view))
    good = view.status not in (RunStatus.FAILED, RunStatus.CANCELLED)
    kind = EventType.RUN_SUCCEEDED if good else EventType.RUN_FAILED
    await recorder.record(session, tenant_id, kind, view.id, view.model_dump(mode="json"))
    RUNS.labels(view.status.value).inc()


async def _give_up_version(session: Session, tenant_id: UUID, run_id: UUID) -> None:
    await session.exec(
        owned_update(tenant_id, DocumentVersion)
        .where(col(DocumentVersion.run_id) == run_id, col(DocumentVersion.status) == VersionStatus.STAGED)
        .values(status=VersionStatus.FAILED)
    )


async def _worth(session: Session, tenant_id: UUID, view: RunView) -> SourceStatus:
    """What the source is worth to a search now: a failure takes nothing from the version that is active."""
    own = {RunStatus.SUCCEEDED: SourceStatus.READY, RunStatus.PARTIAL: SourceStatus.PARTIAL}
    if view.status in own:
        return own[view.status]
    earlier = await settled_status(session, tenant_id, view.source_id)
    if earlier is not None:
        return earlier
    without = {RunStatus.FAILED: SourceStatus.FAILED, RunStatus.CANCELLED: SourceStatus.PENDING}
    return without.get(view.status, SourceStatus.READY)


async def settled_status(session: Session, tenant_id: UUID, source_id: UUID) -> SourceStatus | None:
    """What the source's active version is worth, by the run that made it; None when no version is active."""
    query = (
        owned_columns(tenant_id, DocumentVersion, col(Run.status))
        .join(Document, col(Document.id) == col(DocumentVersion.document_id))
        .join(Run, col(Run.id) == col(DocumentVersion.run_id), isouter=True)
        .where(is_owned(tenant_id, Document), col(Document.source_id) == source_id)
        .where(col(DocumentVersion.status) == VersionStatus.ACTIVE)
    )
    made_by: list[RunStatus | None] = await all_of(session, query)
    if not made_by:
        return None
    return SourceStatus.PARTIAL if RunStatus.PARTIAL in made_by else SourceStatus.READY
