"""Finds again what was lost: a queue that forgot, workers that died, sources left in the middle.

It may run in every process at once: each repair is one conditional UPDATE, and queueing a run twice is queueing it
once. Nothing here works on a run; it only sees to it that somebody will, or that the run ends.
"""

import asyncio
from dataclasses import dataclass, replace

import sqlalchemy as sa
import structlog
from sqlalchemy import func
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from app.ingestion.backfill import request
from app.ingestion.carried import Carried
from app.ingestion.deps import IngestionDeps
from app.ingestion.dispatch import dispatch
from app.ingestion.endings import CANCELLED, Ending, end_unheld, failure, settled_status
from app.ingestion.faults import INTERRUPTED
from app.ingestion.models import Run, RunStatus
from app.ingestion.progress import announce
from app.kit.clock import now
from app.kit.database import EVERY_TENANT, Database, Session
from app.kit.errors import AppError
from app.kit.metrics import QUEUE_DEPTH
from app.kit.ownership import owned_update
from app.knowledge.indexing import settle
from app.knowledge.models import KnowledgeBaseModel, ModelStatus, Source, SourceStatus
from app.knowledge.sources import set_status

AT_ONCE = 500
"""Runs each sweep looks at: since a job takes whichever run's turn it is, so many messages keep every worker busy."""
INTERRUPTIONS_PER_TRY = 3
"""A lost worker says less about a document than a fault does, so a run survives more of those."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep came to. ``repaired`` counts sources and versions that were left in the middle of a change."""

    interrupted: int = 0
    ended: int = 0
    queued: int = 0
    repaired: int = 0


async def sweep(deps: IngestionDeps, *, orphans: bool = False) -> Swept:
    """Look once. ``orphans`` takes every running run for lost: right at the start of the only worker there is.

    Raises DependencyDown when the database is away; an absent queue only leaves its part for the next sweep.
    """
    interrupted, ended = 0, 0
    for run in await _lapsed(deps.database, orphans=orphans):
        if await _interrupt(deps, run):
            interrupted += 1
        else:
            ended += 1
    queued = await _queue_due(deps)
    await _queue_backfills(deps)
    repaired = await _repair_sources(deps.database) + await settle(deps.database, deps.vectors)
    swept = Swept(interrupted, ended, queued, repaired)
    if interrupted or ended or repaired:
        log.warning("sweep.repaired", interrupted=interrupted, ended=ended, queued=queued, repaired=repaired)
    return swept


async def sweep_forever(deps: IngestionDeps, *, orphans: bool = False) -> None:
    """Sweep now and then every ``sweep_interval_s`` until cancelled; a sweep that fails is followed by the next."""
    while True:
        try:
            await sweep(deps, orphans=orphans)
            orphans = False
        except (AppError, SQLAlchemyError, OSError) as error:
            log.warning("sweep.failed", kind=type(error).__name__)
        await asyncio.sleep(deps.settings.sweep_interval_s)


async def _lapsed(database: Database, *, orphans: bool) -> list[Run]:
    query = select(Run).where(col(Run.status) == RunStatus.RUNNING)  # unowned: the sweeper serves every tenant.
    if not orphans:
        query = query.where(col(Run.lease_until) < now())
    async with database.reading(EVERY_TENANT) as session:
        return list((await session.exec(query.limit(AT_ONCE))).all())


async def _interrupt(deps: IngestionDeps, run: Run) -> bool:
    """Queue a run again whose worker was lost; False when it ends instead, or was not lost after all."""
    carried = Carried.read(run.carried)
    carried = replace(carried, interruptions=carried.interruptions + 1)
    if run.cancel_requested:
        return await _end(deps, run, CANCELLED)
    if carried.interruptions >= deps.settings.run_attempts * INTERRUPTIONS_PER_TRY:
        return await _end(deps, run, failure(INTERRUPTED, run.stage))
    async with deps.database.transaction(run.tenant_id) as session:
        return await _requeue(session, run, carried)


async def _requeue(session: Session, run: Run, carried: Carried) -> bool:
    requeued = await session.exec(
        owned_update(run.tenant_id, Run)
        .where(col(Run.id) == run.id, col(Run.status) == RunStatus.RUNNING)
        .where(col(Run.lease_owner) == run.lease_owner, col(Run.lease_until) == run.lease_until)
        .values(
            status=RunStatus.QUEUED,
            attempt=run.attempt + 1,
            carried=carried.stored(),
            due_at=now(),
            lease_owner=None,
            lease_until=None,
        )
    )
    return requeued.rowcount > 0


async def _end(deps: IngestionDeps, run: Run, ending: Ending) -> bool:
    """Always False: the run was not queued again."""
    async with deps.database.transaction(run.tenant_id) as session:
        view = await end_unheld(session, deps.recorder, run, ending)
    if view is not None:
        await announce(deps.event_log, view)
    return False


async def _queue_due(deps: IngestionDeps) -> int:
    """Tell the workers of runs that are due. Most are in the queue already, which then changes nothing."""
    due = (col(Run.status) == RunStatus.QUEUED, col(Run.due_at) <= now())
    async with deps.database.reading(EVERY_TENANT) as session:
        count = (await session.exec(select(func.count()).select_from(Run).where(*due))).one()  # unowned: as above.
        query = select(Run.id, Run.attempt).where(*due).order_by(col(Run.due_at)).limit(AT_ONCE)  # unowned: as above.
        rows = (await session.exec(query)).all()
    QUEUE_DEPTH.set(count)
    queued = 0
    for run_id, attempt in rows:
        queued += await dispatch(deps.queue, run_id, attempt)
    return queued


async def _queue_backfills(deps: IngestionDeps) -> None:
    """Tell the workers of models that do not cover their knowledge base yet."""
    query = select(  # unowned: the sweeper serves every tenant.
        KnowledgeBaseModel.tenant_id, KnowledgeBaseModel.knowledge_base_id, KnowledgeBaseModel.model
    ).where(col(KnowledgeBaseModel.status) == ModelStatus.BACKFILLING)
    async with deps.database.reading(EVERY_TENANT) as session:
        rows = (await session.exec(query.limit(AT_ONCE))).all()
    for tenant_id, knowledge_base_id, model in rows:
        await request(deps.queue, tenant_id, knowledge_base_id, model)


async def _repair_sources(database: Database) -> int:
    """Give sources that say ``ingesting`` without an open run the state they should have."""
    open_run = sa.exists().where(
        col(Run.source_id) == col(Source.id), col(Run.status).in_((RunStatus.QUEUED, RunStatus.RUNNING))
    )
    query = select(Source.tenant_id, Source.id).where(  # unowned: the sweeper serves every tenant.
        col(Source.status) == SourceStatus.INGESTING, ~open_run
    )
    async with database.reading(EVERY_TENANT) as session:
        stuck = (await session.exec(query.limit(AT_ONCE))).all()
    for tenant_id, source_id in stuck:
        async with database.transaction(tenant_id) as session:
            status = await settled_status(session, tenant_id, source_id)
            await set_status(session, tenant_id, source_id, status or SourceStatus.FAILED)
    return len(stuck)
