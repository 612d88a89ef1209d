"""Vectors that were paid for, kept so that no text is ever embedded twice under one model of one tenant.

The cache is the truth about vectors: the index is filled from it and can be filled again. A row's key is the hash of
what was embedded, so a new version of a document pays only for the pieces that changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import col, select

from app.chunking.embedding_text import embedding_text
from app.kit.clock import now
from app.kit.database import Session
from app.kit.ownership import is_owned, owned_columns
from app.knowledge.bulk import insert_rows
from app.knowledge.models import CachedEmbedding, Chunk, ChunkEmbedding, DocumentVersion, EmbeddingStatus
from app.knowledge.rows import all_of

Vector = NDArray[np.float32]
"""One embedding, of length 1."""

_HASHES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PendingChunk:
    """A chunk that has no vector yet under some model. ``text`` is what is to be embedded, ``text_hash`` its hash."""

    chunk_id: UUID
    ordinal: int
    text: str
    text_hash: str


def hash_of(text: str) -> str:
    """SHA-256 of an embedded text, in hex: its key in the cache."""
    return sha256(text.encode()).hexdigest()


async def pending_chunks(
    session: Session, tenant_id: UUID, version_id: UUID, model: str, limit: int, after: int | None = None
) -> list[PendingChunk]:
    """Up to ``limit`` chunks of a version not yet embedded under ``model``, in reading order, after ordinal ``after``.

    Chunks that failed earlier are among them: asking again is how they are retried.
    """
    done = (
        select(ChunkEmbedding.chunk_id)  # unowned: its chunk is the tenant's, by the query around it.
        .where(col(ChunkEmbedding.chunk_id) == col(Chunk.id), col(ChunkEmbedding.model) == model)
        .where(col(ChunkEmbedding.status) == EmbeddingStatus.DONE)
    )
    query = (
        owned_columns(
            tenant_id,
            Chunk,
            col(Chunk.id),
            col(Chunk.ordinal),
            col(DocumentVersion.title),
            col(Chunk.heading_path),
            col(Chunk.content),
            col(Chunk.text_hash),
        )
        .join(DocumentVersion, col(DocumentVersion.id) == col(Chunk.version_id))
        .where(is_owned(tenant_id, DocumentVersion), col(Chunk.version_id) == version_id, ~sa.exists(done))
        .where(col(Chunk.ordinal) > (-1 if after is None else after))
        .order_by(col(Chunk.ordinal))
        .limit(limit)
    )
    rows = await all_of(session, query)
    return [
        PendingChunk(chunk_id, ordinal, embedding_text(title, tuple(headings), content), text_hash)
        for chunk_id, ordinal, title, headings, content, text_hash in rows
    ]


async def cached_vectors(
    session: Session, tenant_id: UUID, model: str, hashes: Iterable[str], *, dimension: int | None = None
) -> dict[str, Vector]:
    """The vectors the tenant already has under ``model``, by text hash.

    With ``dimension``, vectors of another length are left out: the model behind a name can change.
    """
    wanted = list(dict.fromkeys(hashes))
    found: dict[str, Vector] = {}
    for start in range(0, len(wanted), _HASHES_AT_ONCE):
        query = select(  # unowned: the table has no owner's base class; the tenant is its first key, named here.
            CachedEmbedding.text_hash, CachedEmbedding.vector
        ).where(
            col(CachedEmbedding.tenant_id) == tenant_id,
            col(CachedEmbedding.model) == model,
            col(CachedEmbedding.text_hash).in_(wanted[start : start + _HASHES_AT_ONCE]),
        )
        for text_hash, packed in (await session.exec(query)).all():
            vector = unpack(packed)
            if dimension is None or len(vector) == dimension:
                found[text_hash] = vector
    return found


async def store_vectors(
    session: Session, tenant_id: UUID, model: str, vectors: Sequence[tuple[str, Vector, int]]
) -> None:
    """Put (text hash, vector, tokens it cost) into the cache; what is there already is overwritten.

    Sorted, because two transactions that insert the same keys in different orders can deadlock on PostgreSQL.
    """
    moment = now()
    rows: list[dict[str, Any]] = [
        {
            "tenant_id": tenant_id,
            "model": model,
            "text_hash": text_hash,
            "vector": pack(vector),
            "tokens": tokens,
            "created_at": moment,
        }
        for text_hash, vector, tokens in sorted(vectors, key=lambda item: item[0])
    ]
    await insert_rows(session, CachedEmbedding, rows, update=("vector", "tokens"))


async def mark_embedded(
    session: Session,
    tenant_id: UUID,
    version_id: UUID,
    model: str,
    chunk_ids: Iterable[UUID],
    status: EmbeddingStatus = EmbeddingStatus.DONE,
) -> None:
    """Note for each chunk whether its vector under ``model`` is in the cache."""
    rows: list[dict[str, Any]] = [
        {"chunk_id": chunk_id, "model": model, "tenant_id": tenant_id, "version_id": version_id, "status": status}
        for chunk_id in sorted(set(chunk_ids))
    ]
    await insert_rows(session, ChunkEmbedding, rows, update=("status",))


def pack(vector: Vector) -> bytes:
    """A vector as little-endian float32 values, whatever machine this is."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def unpack(packed: bytes) -> Vector:
    """The vector ``pack`` was given; read-only."""
    return np.frombuffer(packed, dtype="<f4")
