"""What the index is told about a version, read from SQL and the embedding cache in bounded batches."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlmodel import col

from app.adapters.vector_store.bm25 import sparse_document
from app.adapters.vector_store.conditions import MetadataValue
from app.adapters.vector_store.port import EmbeddingSpace, Point, SparseVector
from app.chunking.embedding_text import embedding_text
from app.kit.database import Database, Session
from app.kit.ownership import count_owned, get_owned, owned_by
from app.knowledge.embeddings import Vector, cached_vectors
from app.knowledge.model_list import SpaceOf, spaces_of
from app.knowledge.models import Chunk, Document, DocumentVersion, VersionStatus

BATCH = 256
"""Chunks read and stored at once; the embedded index stops the event loop for some milliseconds with each."""


@dataclass(frozen=True, slots=True)
class IndexTarget:
    """A version as the index will know it: whose it is, what it can be filtered by, and in which spaces it lives."""

    tenant_id: UUID
    version_id: UUID
    knowledge_base_id: UUID
    document_id: UUID
    title: str
    metadata: dict[str, MetadataValue]
    is_active: bool
    spaces: tuple[EmbeddingSpace, ...]
    chunks: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Points for each space. Chunks without a vector in some space are left out of its list."""

    chunks: int
    points: dict[EmbeddingSpace, list[Point]]


async def load_target(
    session: Session, tenant_id: UUID, version_id: UUID, spaces: Sequence[SpaceOf] | None = None
) -> IndexTarget:
    """Raises NotFound when the version is gone. Without ``spaces``, all those of its knowledge base."""
    version = await get_owned(session, tenant_id, DocumentVersion, version_id)
    document = await get_owned(session, tenant_id, Document, version.document_id)
    if spaces is None:
        spaces = await spaces_of(session, tenant_id, [document.knowledge_base_id])
    return IndexTarget(
        tenant_id=tenant_id,
        version_id=version.id,
        knowledge_base_id=document.knowledge_base_id,
        document_id=document.id,
        title=document.title,
        metadata={name: _payload_value(value) for name, value in document.metadata_.items()},
        is_active=version.status is VersionStatus.ACTIVE,
        spaces=tuple(dict.fromkeys(space.space for space in spaces)),
        chunks=await count_owned(session, tenant_id, Chunk, col(Chunk.version_id) == version.id),
    )


async def batches_of(database: Database, target: IndexTarget) -> AsyncIterator[Batch]:
    """The version's points in reading order. No session is open while a batch is being handled."""
    after = -1
    while True:
        async with database.reading(target.tenant_id) as session:
            chunks = await _chunks(session, target, after)
            if not chunks:
                return
            hashes = [chunk.text_hash for chunk in chunks]
            vectors = {
                space: await cached_vectors(session, target.tenant_id, space.model, hashes, dimension=space.dimension)
                for space in target.spaces
            }
        # Stemming some hundred passages takes tens of milliseconds.
        sparse = await asyncio.to_thread(_sparse, target.title, chunks)
        points = {space: _points(target, chunks, sparse, vectors[space]) for space in target.spaces}
        yield Batch(len(chunks), points)
        if len(chunks) < BATCH:
            return
        after = chunks[-1].ordinal


async def _chunks(session: Session, target: IndexTarget, after: int) -> Sequence[Chunk]:
    query = (
        owned_by(target.tenant_id, Chunk)
        .where(col(Chunk.version_id) == target.version_id, col(Chunk.ordinal) > after)
        .order_by(col(Chunk.ordinal))
        .limit(BATCH)
    )
    return (await session.exec(query)).all()


def _sparse(title: str, chunks: Sequence[Chunk]) -> list[SparseVector]:
    """Term weights of what is searched: the document's present title, the headings, the passage."""
    return [sparse_document(embedding_text(title, tuple(chunk.heading_path), chunk.content)) for chunk in chunks]


def _points(
    target: IndexTarget, chunks: Sequence[Chunk], sparse: Sequence[SparseVector], vectors: dict[str, Vector]
) -> list[Point]:
    return [
        Point(
            chunk_id=chunk.id,
            dense=vectors[chunk.text_hash],
            sparse=terms,
            knowledge_base_id=target.knowledge_base_id,
            document_id=target.document_id,
            version_id=target.version_id,
            metadata=target.metadata,
        )
        for chunk, terms in zip(chunks, sparse, strict=True)
        if chunk.text_hash in vectors
    ]


def _payload_value(value: Any) -> MetadataValue:
    """JSON has lists where the index wants tuples."""
    return tuple(cast(list[str], value)) if isinstance(value, list) else value
