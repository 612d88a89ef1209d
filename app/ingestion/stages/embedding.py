"""Embedding: every chunk under every model of the knowledge base. A model that fails does not hold up the others.

Whether a fault of one model sends the whole run back to the queue is decided when all have had their turn: while it
is transient and there are tries left, yes; otherwise its chunks are noted as failed and the run goes on without it.
"""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from app.ingestion.deps import IngestionDeps
from app.ingestion.faults import Fault, fault_of, pause_s
from app.ingestion.leases import Claimed
from app.ingestion.models import Stage
from app.ingestion.progress import Reporter
from app.ingestion.stages.batches import BatchDone, Task, embed_version, give_up_version
from app.kit.clock import now
from app.kit.database import Session
from app.kit.errors import AppError, DependencyDown
from app.knowledge.model_list import models_of
from app.knowledge.models import ChunkEmbedding, EmbeddingStatus, KnowledgeBaseModel


class RunWatcher:
    """Counts batches for a run, and proves with each that its worker still holds it."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def check(self) -> None:
        """Raises RunCancelled."""
        self._reporter.check()

    async def done(self, session: Session, batch: BatchDone) -> None:
        """Raises LeaseLost."""
        reporter = self._reporter
        reused = {**reporter.carried.reused}
        reused[batch.model] = reused.get(batch.model, 0) + batch.reused
        reporter.carry(replace(reporter.carried, reused=reused))
        reporter.count(embeddings=batch.embeddings, tokens=batch.tokens, tokens_saved=batch.tokens_saved)
        # A chunk counts as reused when no model had to be asked for it.
        reporter.set_counts(chunks_reused=min(reused.values()))
        progress = reporter.view.progress
        reporter.advance(progress.done + batch.chunks, progress.total)
        await reporter.save(session)


async def embed(
    deps: IngestionDeps, claimed: Claimed, reporter: Reporter, knowledge_base_id: UUID, version_id: UUID
) -> Mapping[str, Fault]:
    """Embed a version; returns the models that failed for good, with the reason, while at least one did not.

    Raises a model's fault when another try may mend it, or when every model failed.
    """
    models = await _begin(deps, claimed, reporter, knowledge_base_id, version_id)
    failed: dict[Task, AppError] = {}
    for model in models:
        task = _task(claimed, version_id, model)
        try:
            await embed_version(deps, task, RunWatcher(reporter))
        except DependencyDown:
            raise
        except AppError as error:
            failed[task] = error
    faults = {task: fault_of(error) for task, error in failed.items()}
    for task, error in failed.items():
        more = pause_s(faults[task], claimed.attempt, reporter.carried, deps.settings, now())
        if more is not None or len(failed) == len(models):
            raise error
    for task in failed:
        await give_up_version(deps, task)
    return {task.model: fault for task, fault in faults.items()}


async def _begin(
    deps: IngestionDeps, claimed: Claimed, reporter: Reporter, knowledge_base_id: UUID, version_id: UUID
) -> list[KnowledgeBaseModel]:
    async with deps.database.reading(claimed.tenant_id) as session:
        models = await models_of(session, claimed.tenant_id, [knowledge_base_id])
        # Only an earlier attempt can have done something of it.
        done = await _done_before(session, claimed.tenant_id, version_id) if claimed.attempt > 1 else 0
    reporter.enter(Stage.EMBEDDING, "chunks", total=reporter.view.counts.chunks * len(models), done=done)
    return models


async def _done_before(session: Session, tenant_id: UUID, version_id: UUID) -> int:
    query = select(func.count()).where(  # unowned: the tenant is named in the next line.
        col(ChunkEmbedding.tenant_id) == tenant_id,
        col(ChunkEmbedding.version_id) == version_id,
        col(ChunkEmbedding.status) == EmbeddingStatus.DONE,
    )
    return (await session.exec(query)).one()


def _task(claimed: Claimed, version_id: UUID, model: KnowledgeBaseModel) -> Task:
    return Task(
        tenant_id=claimed.tenant_id,
        run_id=claimed.run_id,
        version_id=version_id,
        model=model.model,
        dimension=model.dimension,
        credential_id=model.credential_id,
        api_base=model.api_base,
        once=f"{claimed.run_id}:{claimed.attempt}",
    )
