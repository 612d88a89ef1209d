"""Runs as people and programs order them about: queue one, cancel it, retry it, look at it."""

from uuid import UUID

from sqlmodel import col
from sqlmodel.sql.expression import SelectOfScalar

from app.adapters.event_log import EventLog
from app.adapters.queue import Queue
from app.events.service import EventType, Recorder
from app.ingestion.carried import Carried
from app.ingestion.dispatch import dispatch
from app.ingestion.endings import CANCELLED, end_unheld
from app.ingestion.models import ENDED, Run, RunStatus
from app.ingestion.progress import announce
from app.ingestion.schemas import RunView, view_of
from app.kit.clock import now
from app.kit.database import Session
from app.kit.errors import Conflict
from app.kit.ownership import get_owned, owned_by, owned_update
from app.knowledge.models import DocumentVersion, VersionStatus

RETRYABLE = frozenset({RunStatus.FAILED, RunStatus.PARTIAL, RunStatus.CANCELLED})


async def queue_run(
    session: Session,
    queue: Queue,
    tenant_id: UUID,
    source_id: UUID,
    upload_id: UUID | None,
    *,
    activate: bool = True,
    force: bool = False,
) -> Run:
    """Write a run that waits for a worker, and tell the workers of it after the commit."""
    run = Run(
        tenant_id=tenant_id, source_id=source_id, upload_id=upload_id, activate=activate, force=force, due_at=now()
    )
    session.add(run)
    await session.flush()
    session.after_commit(lambda: dispatch(queue, run.id, run.attempt))
    return run


async def record_skipped(
    session: Session, recorder: Recorder, tenant_id: UUID, source_id: UUID, upload_id: UUID | None, actor: str | None
) -> Run:
    """Write a run that has nothing to do, because what came is what is known already."""
    moment = now()
    run = Run(
        tenant_id=tenant_id,
        source_id=source_id,
        upload_id=upload_id,
        status=RunStatus.SKIPPED,
        started_at=moment,
        finished_at=moment,
    )
    session.add(run)
    await session.flush()
    data = view_of(run).model_dump(mode="json")
    await recorder.record(session, tenant_id, EventType.RUN_SUCCEEDED, run.id, data, actor=actor)
    return run


def runs_of(tenant_id: UUID, source_id: UUID | None, status: RunStatus | None) -> SelectOfScalar[Run]:
    """The tenant's runs, narrowed to a source and a status where given."""
    query = owned_by(tenant_id, Run)
    if source_id is not None:
        query = query.where(col(Run.source_id) == source_id)
    return query if status is None else query.where(col(Run.status) == status)


async def request_cancel(
    session: Session, recorder: Recorder, event_log: EventLog, tenant_id: UUID, run_id: UUID
) -> RunView:
    """Stop a run: at once when it waits, within two seconds when a worker has it. Asking twice is asking once.

    Raises NotFound, and Conflict when the run has ended.
    """
    run = await get_owned(session, tenant_id, Run, run_id)
    if run.status is RunStatus.QUEUED:
        view = await end_unheld(session, recorder, run, CANCELLED)
        if view is not None:
            session.after_commit(lambda: announce(event_log, view))
            return view
    asked = await session.exec(
        owned_update(tenant_id, Run)
        .where(col(Run.id) == run_id, col(Run.status).in_((RunStatus.RUNNING, RunStatus.QUEUED)))
        .values(cancel_requested=True)
    )
    if not asked.rowcount:
        raise Conflict(f"This run has ended already ({run.status.value}), so there is nothing to cancel.")
    await session.refresh(run)
    return view_of(run)


async def retry(session: Session, queue: Queue, tenant_id: UUID, run_id: UUID) -> RunView:
    """Put a run that failed, is partial or was cancelled back into the queue: the same run, one attempt more.

    It goes on at the stage that failed, since what earlier ones made is kept, and gets a new set of tries. Raises
    NotFound, and Conflict when the run is open or has nothing left to do.
    """
    run = await get_owned(session, tenant_id, Run, run_id)
    attempt = run.attempt + 1
    queued = await session.exec(
        owned_update(tenant_id, Run)
        .where(col(Run.id) == run_id, col(Run.status).in_(RETRYABLE), col(Run.attempt) == run.attempt)
        .values(
            status=RunStatus.QUEUED,
            attempt=attempt,
            due_at=now(),
            started_at=None,
            finished_at=None,
            error=None,
            cancel_requested=False,
            carried=Carried.read(run.carried).renewed(attempt).stored(),
        )
    )
    if not queued.rowcount:
        open_or_done = "is still at work" if run.status not in ENDED else f"ended well ({run.status.value})"
        raise Conflict(f"This run {open_or_done}, so there is nothing to retry.")
    await _revive_version(session, tenant_id, run_id)
    await session.refresh(run)
    session.after_commit(lambda: dispatch(queue, run_id, attempt))
    return view_of(run)


async def _revive_version(session: Session, tenant_id: UUID, run_id: UUID) -> None:
    await session.exec(
        owned_update(tenant_id, DocumentVersion)
        .where(col(DocumentVersion.run_id) == run_id, col(DocumentVersion.status) == VersionStatus.FAILED)
        .values(status=VersionStatus.STAGED)
    )
