"""How much of what is retrievable each embedding model covers."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from app.kit.database import Session
from app.kit.ownership import is_owned, owned_columns
from app.knowledge.models import Chunk, ChunkEmbedding, DocumentVersion, EmbeddingStatus, VersionStatus
from app.knowledge.rows import all_of


async def chunks_total(session: Session, tenant_id: UUID, knowledge_base_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many chunks of active versions each knowledge base has; bases without any are left out."""
    base = col(Chunk.knowledge_base_id)
    query = _active_chunks(tenant_id, knowledge_base_ids, base, func.count()).group_by(base)
    return {base_id: int(count) for base_id, count in await all_of(session, query)}


async def chunks_done(
    session: Session, tenant_id: UUID, knowledge_base_ids: Sequence[UUID]
) -> dict[tuple[UUID, str], int]:
    """How many of those chunks have a vector, by knowledge base and model; pairs without any are left out."""
    base, model = col(Chunk.knowledge_base_id), col(ChunkEmbedding.model)
    query = (
        _active_chunks(tenant_id, knowledge_base_ids, base, model, func.count())
        .join(ChunkEmbedding, col(ChunkEmbedding.chunk_id) == col(Chunk.id))
        .where(col(ChunkEmbedding.status) == EmbeddingStatus.DONE)
        .group_by(base, model)
    )
    return {(base_id, name): int(count) for base_id, name, count in await all_of(session, query)}


def _active_chunks(tenant_id: UUID, knowledge_base_ids: Sequence[UUID], *columns: Any) -> Any:
    return (
        owned_columns(tenant_id, Chunk, *columns)
        .join(DocumentVersion, col(DocumentVersion.id) == col(Chunk.version_id))
        .where(is_owned(tenant_id, DocumentVersion), col(DocumentVersion.status) == VersionStatus.ACTIVE)
        .where(col(Chunk.knowledge_base_id).in_(knowledge_base_ids))
    )
