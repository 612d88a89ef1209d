"""The embedding models of knowledge bases: which there are, how far each covers its base, and changing the list."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, delete

from app.adapters.embedder.registry import LOCAL_MODEL
from app.adapters.vector_store.port import EmbeddingSpace
from app.kit.database import Session
from app.kit.errors import Conflict
from app.kit.ownership import owned_by, owned_columns, owned_update
from app.knowledge.coverage import chunks_total
from app.knowledge.models import Chunk, ChunkEmbedding, KnowledgeBaseModel, ModelStatus
from app.knowledge.rows import first_of


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """An embedding model as a knowledge base uses it, its dimension known."""

    model: str
    dimension: int
    credential_id: UUID | None = None
    api_base: str | None = None

    @property
    def space(self) -> EmbeddingSpace:
        """Its collection in the index."""
        return EmbeddingSpace(self.model, self.dimension)


DEFAULT_MODEL = LOCAL_MODEL
EMBEDDED = ModelChoice(DEFAULT_MODEL, 384)
"""The model that travels with the service; it needs no key and no network."""


@dataclass(frozen=True, slots=True)
class EmbeddingSpaceOf:
    """One embedding model of one knowledge base: where its vectors are, how to make more, how far it covers."""

    knowledge_base_id: UUID
    model: str
    dimension: int
    credential_id: UUID | None
    api_base: str | None
    status: ModelStatus

    @property
    def space(self) -> EmbeddingSpace:
        """Its collection in the index, which knowledge bases with the same model share."""
        return EmbeddingSpace(self.model, self.dimension)


SpaceOf = EmbeddingSpaceOf
"""The same, as the functions here say it."""


@dataclass(frozen=True, slots=True)
class ModelChanges:
    """What a new list changes: the models to fill in, and those whose vectors have to go."""

    to_fill: tuple[ModelChoice, ...]
    removed: tuple[ModelChoice, ...]


async def models_of(session: Session, tenant_id: UUID, knowledge_base_ids: Sequence[UUID]) -> list[KnowledgeBaseModel]:
    """The rows of these bases' models, in the order they were listed."""
    query = owned_by(tenant_id, KnowledgeBaseModel).where(
        col(KnowledgeBaseModel.knowledge_base_id).in_(knowledge_base_ids)
    )
    return list((await session.exec(query.order_by(col(KnowledgeBaseModel.id)))).all())


async def spaces_of(session: Session, tenant_id: UUID, knowledge_base_ids: Sequence[UUID]) -> list[SpaceOf]:
    """Every (knowledge base, model) in which these knowledge bases have vectors."""
    rows = await models_of(session, tenant_id, knowledge_base_ids)
    return [
        SpaceOf(row.knowledge_base_id, row.model, row.dimension, row.credential_id, row.api_base, row.status)
        for row in rows
    ]


def choice_of(row: KnowledgeBaseModel) -> ModelChoice:
    """A row without its state."""
    return ModelChoice(row.model, row.dimension, row.credential_id, row.api_base)


async def add_models(
    session: Session, tenant_id: UUID, knowledge_base_id: UUID, choices: Sequence[ModelChoice], status: ModelStatus
) -> None:
    """Give a knowledge base models it does not have yet.

    Raises Conflict where the tenant uses a model of this name with another dimension: the vectors kept for the one
    would be taken for the other's.
    """
    for choice in choices:
        await _refuse_ambiguous(session, tenant_id, choice)
        session.add(
            KnowledgeBaseModel(
                tenant_id=tenant_id,
                knowledge_base_id=knowledge_base_id,
                model=choice.model,
                dimension=choice.dimension,
                credential_id=choice.credential_id,
                api_base=choice.api_base,
                status=status,
            )
        )
        await session.flush()  # One by one, so that ids keep the order of the list.


async def replace_models(
    session: Session, tenant_id: UUID, knowledge_base_id: UUID, choices: Sequence[ModelChoice]
) -> ModelChanges:
    """Make ``choices`` the knowledge base's models; returns what the index and the backfill have to do about it.

    A model that stays keeps its vectors, whatever key or address it is now reached by; one that had failed is filled
    in again. Raises Conflict as ``add_models`` does.
    """
    wanted = {choice.model: choice for choice in choices}
    removed: list[ModelChoice] = []
    kept: set[str] = set()
    again: list[ModelChoice] = []
    for row in await models_of(session, tenant_id, [knowledge_base_id]):
        choice = wanted.get(row.model)
        if choice is None or choice.dimension != row.dimension:
            removed.append(choice_of(row))
            await _drop(session, tenant_id, knowledge_base_id, row)
            continue
        kept.add(row.model)
        row.credential_id, row.api_base = choice.credential_id, choice.api_base
        if row.status is ModelStatus.FAILED:
            row.status, row.error = ModelStatus.BACKFILLING, None
            again.append(choice)
        session.add(row)
    await session.flush()
    added = [choice for choice in choices if choice.model not in kept]
    to_fill = bool(await chunks_total(session, tenant_id, [knowledge_base_id]))
    status = ModelStatus.BACKFILLING if to_fill else ModelStatus.READY
    await add_models(session, tenant_id, knowledge_base_id, added, status)
    return ModelChanges((*(added if to_fill else ()), *again), tuple(removed))


async def set_model_status(
    session: Session,
    tenant_id: UUID,
    knowledge_base_id: UUID,
    model: str,
    status: ModelStatus,
    error: str | None = None,
) -> None:
    """Note how filling in a model goes; ``error`` is a sentence for people."""
    await session.exec(
        owned_update(tenant_id, KnowledgeBaseModel)
        .where(col(KnowledgeBaseModel.knowledge_base_id) == knowledge_base_id)
        .where(col(KnowledgeBaseModel.model) == model)
        .values(status=status, error=error[:1000] if error else None)
    )


async def _refuse_ambiguous(session: Session, tenant_id: UUID, choice: ModelChoice) -> None:
    query = owned_columns(tenant_id, KnowledgeBaseModel, col(KnowledgeBaseModel.dimension)).where(
        col(KnowledgeBaseModel.model) == choice.model, col(KnowledgeBaseModel.dimension) != choice.dimension
    )
    other: int | None = await first_of(session, query.limit(1))
    if other is not None:
        raise Conflict(
            f"Another knowledge base uses a model named {choice.model} with {other} dimensions, and this one has "
            f"{choice.dimension}. Two models cannot share a name."
        )


async def _drop(session: Session, tenant_id: UUID, knowledge_base_id: UUID, row: KnowledgeBaseModel) -> None:
    """Forget a model of a base and which chunks it covers; the cache keeps the vectors in case it comes back."""
    chunks = owned_columns(tenant_id, Chunk, col(Chunk.id)).where(col(Chunk.knowledge_base_id) == knowledge_base_id)
    await session.exec(
        delete(ChunkEmbedding).where(  # unowned: only rows of chunks that are the tenant's, by the query inside.
            col(ChunkEmbedding.model) == row.model, col(ChunkEmbedding.chunk_id).in_(chunks)
        )
    )
    await session.delete(row)
