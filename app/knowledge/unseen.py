"""Embedding models that a version has never been shown to.

A model can be added to a knowledge base while a document is on its way in, or before an old version is made active
again. Its chunks have no word about that model then, neither done nor failed.
"""

from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from app.kit.database import Session
from app.kit.ownership import count_owned, owned_by
from app.knowledge.models import Chunk, ChunkEmbedding, KnowledgeBaseModel, ModelStatus


async def note_unseen_models(
    session: Session, tenant_id: UUID, knowledge_base_id: UUID, version_id: UUID
) -> tuple[str, ...]:
    """Mark the knowledge base's models that the version has not been shown to as backfilling, and name them."""
    total = await count_owned(session, tenant_id, Chunk, col(Chunk.version_id) == version_id)
    seen = dict(
        (
            await session.exec(
                select(ChunkEmbedding.model, func.count())  # unowned: the tenant is named in the next line.
                .where(col(ChunkEmbedding.tenant_id) == tenant_id, col(ChunkEmbedding.version_id) == version_id)
                .group_by(col(ChunkEmbedding.model))
            )
        ).all()
    )
    query = owned_by(tenant_id, KnowledgeBaseModel).where(
        col(KnowledgeBaseModel.knowledge_base_id) == knowledge_base_id
    )
    unseen = [row for row in (await session.exec(query)).all() if seen.get(row.model, 0) < total]
    for row in unseen:
        row.status, row.error = ModelStatus.BACKFILLING, None
        session.add(row)
    await session.flush()
    return tuple(row.model for row in unseen)
