"""Filling in an embedding model that was added to a knowledge base: every active version, while search goes on.

It is resumable like a run, because it asks the same question of SQL: which chunks have no vector yet? What fails is
tried again with growing pauses; then the model is marked as failed, with the reason, and a change of the knowledge
base's models starts it anew.
"""

import asyncio
from typing import Final
from uuid import UUID

import structlog
from sqlmodel import col

from app.adapters.queue import Queue
from app.ingestion.carried import Carried
from app.ingestion.deps import IngestionDeps
from app.ingestion.faults import fault_of, pause_s
from app.ingestion.stages.batches import BatchDone, Task, embed_version
from app.kit.clock import now
from app.kit.database import Session
from app.kit.errors import DependencyDown
from app.kit.metrics import FAILED_OPEN
from app.kit.ownership import is_owned, owned_by
from app.knowledge.coverage import chunks_done, chunks_total
from app.knowledge.indexing import index_version
from app.knowledge.model_list import SpaceOf, models_of, set_model_status, spaces_of
from app.knowledge.models import Document, DocumentVersion, KnowledgeBaseModel, ModelStatus, VersionStatus

BACKFILL: Final = "backfill_model"
"""The job's name."""
_VERSIONS_AT_ONCE: Final = 200
_ROUNDS: Final = 5
"""How often the active versions are gone through; what is left then is the next sweep's."""

log = structlog.get_logger(__name__)


async def request(queue: Queue, tenant_id: UUID, knowledge_base_id: UUID, model: str) -> None:
    """Queue the filling in of a model. The model's status is the truth; the sweeper makes up for a lost message."""
    try:
        await queue.enqueue(
            BACKFILL, str(tenant_id), str(knowledge_base_id), model, job_id=f"backfill:{knowledge_base_id}:{model}"
        )
    except DependencyDown as error:
        FAILED_OPEN.labels("enqueue_backfill").inc()
        log.warning("backfill.not_enqueued", knowledge_base_id=str(knowledge_base_id), detail=error.detail)


class IngestionBackfill:
    """``knowledge.backfill.Backfill``, over the queue."""

    def __init__(self, deps: IngestionDeps) -> None:
        self._queue = deps.queue

    async def request_backfill(self, tenant_id: UUID, knowledge_base_id: UUID, model: str) -> None:
        """As the protocol says."""
        await request(self._queue, tenant_id, knowledge_base_id, model)


class _Watcher:
    """A backfill counts nothing and is stopped by nobody; the model's own row says how it goes."""

    def check(self) -> None:
        """Never raises."""

    async def done(self, session: Session, batch: BatchDone) -> None:
        """Adds nothing to the batch's transaction."""


class Backfiller:
    """The job that fills a model in."""

    def __init__(self, deps: IngestionDeps) -> None:
        self._deps = deps

    async def fill(self, tenant_id: UUID, knowledge_base_id: UUID, model: str) -> None:
        """Embed and index every active version under ``model``, then mark it ready, or failed with the reason."""
        attempt, carried = 1, Carried()
        while True:
            try:
                await self._fill(tenant_id, knowledge_base_id, model)
                return
            except Exception as error:  # noqa: BLE001  # Whatever it is, the model's status must say so in the end.
                fault = fault_of(error)
            carried = carried.with_fault(now())
            pause = pause_s(fault, attempt, carried, self._deps.settings, now())
            if pause is None:
                async with self._deps.database.transaction(tenant_id) as session:
                    await set_model_status(
                        session, tenant_id, knowledge_base_id, model, ModelStatus.FAILED, fault.message
                    )
                log.warning("backfill.failed", knowledge_base_id=str(knowledge_base_id), model=model, code=fault.code)
                return
            attempt += 1
            await asyncio.sleep(pause)

    async def _fill(self, tenant_id: UUID, knowledge_base_id: UUID, model: str) -> None:
        """Raises the fault that stands in the way."""
        database = self._deps.database
        async with database.reading(tenant_id) as session:
            row = await _wanting(session, tenant_id, knowledge_base_id, model)
            spaces = await _space(session, tenant_id, knowledge_base_id, model)
        if row is None:
            return
        for _ in range(_ROUNDS):
            await self._fill_versions(row, spaces)
            async with database.transaction(tenant_id) as session:
                # A version may have become active behind our back.
                if await _is_covered(session, tenant_id, knowledge_base_id, model):
                    await set_model_status(session, tenant_id, knowledge_base_id, model, ModelStatus.READY)
                    log.info("backfill.finished", knowledge_base_id=str(knowledge_base_id), model=model)
                    return

    async def _fill_versions(self, row: KnowledgeBaseModel, spaces: list[SpaceOf]) -> None:
        after: UUID | None = None
        while True:
            async with self._deps.database.reading(row.tenant_id) as session:
                versions = await _active_versions(session, row.tenant_id, row.knowledge_base_id, after)
            if not versions:
                return
            for version in versions:
                await self._fill_version(row, version, spaces)
            after = versions[-1].id

    async def _fill_version(self, row: KnowledgeBaseModel, version: DocumentVersion, spaces: list[SpaceOf]) -> None:
        deps = self._deps
        task = Task(
            tenant_id=row.tenant_id,
            run_id=version.run_id,
            version_id=version.id,
            model=row.model,
            dimension=row.dimension,
            credential_id=row.credential_id,
            api_base=row.api_base,
            once=f"backfill:{version.id}",
        )
        await embed_version(deps, task, _Watcher())
        await index_version(deps.database, deps.vectors, row.tenant_id, version.id, spaces)


async def _is_covered(session: Session, tenant_id: UUID, knowledge_base_id: UUID, model: str) -> bool:
    total = await chunks_total(session, tenant_id, [knowledge_base_id])
    done = await chunks_done(session, tenant_id, [knowledge_base_id])
    return done.get((knowledge_base_id, model), 0) >= total.get(knowledge_base_id, 0)


async def _wanting(session: Session, tenant_id: UUID, knowledge_base_id: UUID, model: str) -> KnowledgeBaseModel | None:
    rows = await models_of(session, tenant_id, [knowledge_base_id])
    return next((row for row in rows if row.model == model and row.status is ModelStatus.BACKFILLING), None)


async def _space(session: Session, tenant_id: UUID, knowledge_base_id: UUID, model: str) -> list[SpaceOf]:
    return [space for space in await spaces_of(session, tenant_id, [knowledge_base_id]) if space.model == model]


async def _active_versions(
    session: Session, tenant_id: UUID, knowledge_base_id: UUID, after: UUID | None
) -> list[DocumentVersion]:
    query = (
        owned_by(tenant_id, DocumentVersion)
        .join(Document, col(Document.id) == col(DocumentVersion.document_id))
        .where(is_owned(tenant_id, Document), col(Document.knowledge_base_id) == knowledge_base_id)
        .where(col(DocumentVersion.status) == VersionStatus.ACTIVE)
        .order_by(col(DocumentVersion.id))
        .limit(_VERSIONS_AT_ONCE)
    )
    if after is not None:
        query = query.where(col(DocumentVersion.id) > after)
    return list((await session.exec(query)).all())
