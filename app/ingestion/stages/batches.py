"""One version under one model, batch by batch: what the cache holds costs nothing, the rest goes to the provider.

Vectors, the chunks' states, the use and whatever the watcher adds are one commit for each batch. So work that dies
loses at most the batch in flight, and whoever takes it up goes on behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlmodel import col, select

from app.adapters.embedder.port import Embeddings
from app.ingestion.deps import IngestionDeps
from app.kit.database import Session
from app.kit.errors import AppError
from app.kit.ids import derived_id
from app.kit.models import ModelEndpoint
from app.knowledge.embeddings import (
    PendingChunk,
    Vector,
    cached_vectors,
    mark_embedded,
    pending_chunks,
    store_vectors,
)
from app.knowledge.models import CachedEmbedding, EmbeddingStatus

BATCH = 64
"""Chunks for each call: what a provider takes gladly, and what a crash can cost."""
_FAILED_AT_ONCE = 500


class ModelChanged(AppError):
    """The provider's vectors no longer have the length they had when the model was added."""

    status = 409
    code = "embedding_dimension"
    title = "The embedding model has changed"


@dataclass(frozen=True, slots=True)
class Task:
    """A version to be embedded under a model. ``once`` tells uses of different attempts apart."""

    tenant_id: UUID
    run_id: UUID
    version_id: UUID
    model: str
    dimension: int
    credential_id: UUID | None
    api_base: str | None
    once: str


@dataclass(frozen=True, slots=True)
class BatchDone:
    """What a batch came to: chunks settled, those of them that were known, vectors made, tokens used and saved."""

    model: str
    chunks: int
    reused: int
    embeddings: int
    tokens: int
    tokens_saved: int


class Watcher(Protocol):
    """Whoever has the work done."""

    def check(self) -> None:
        """Called between batches; may raise to stop."""
        ...

    async def done(self, session: Session, batch: BatchDone) -> None:
        """Called within the transaction of each batch, before anything is written; may raise to undo it."""
        ...


@dataclass(frozen=True, slots=True)
class _Batch:
    chunks: Sequence[PendingChunk]
    known: frozenset[str]
    tokens_saved: int

    def unknown(self) -> list[PendingChunk]:
        """One chunk for each text that must be bought."""
        return list({chunk.text_hash: chunk for chunk in self.chunks if chunk.text_hash not in self.known}.values())


async def embed_version(deps: IngestionDeps, task: Task, watcher: Watcher) -> None:
    """Embed what is pending. Raises ProviderError and its kin, ModelChanged, and what the watcher raises."""
    watcher.check()
    async with deps.database.reading(task.tenant_id) as session:
        endpoint = await deps.endpoints.resolve(session, task.tenant_id, task.model, task.credential_id, task.api_base)
        batch = await _load(session, task, None)
    while batch.chunks:
        bought = await _buy(deps, endpoint, task, batch.unknown())
        await _commit(deps, task, batch, bought, watcher)
        if len(batch.chunks) < BATCH:
            return
        watcher.check()
        async with deps.database.reading(task.tenant_id) as session:
            batch = await _load(session, task, batch.chunks[-1].ordinal)


async def give_up_version(deps: IngestionDeps, task: Task) -> None:
    """Note that what is still pending failed under this model; asking again tries it again."""
    after: int | None = None
    while True:
        async with deps.database.transaction(task.tenant_id) as session:
            found = await pending_chunks(session, task.tenant_id, task.version_id, task.model, _FAILED_AT_ONCE, after)
            if not found:
                return
            ids = [chunk.chunk_id for chunk in found]
            await mark_embedded(session, task.tenant_id, task.version_id, task.model, ids, EmbeddingStatus.FAILED)
        after = found[-1].ordinal


async def _load(session: Session, task: Task, after: int | None) -> _Batch:
    chunks = await pending_chunks(session, task.tenant_id, task.version_id, task.model, BATCH, after)
    hashes = [chunk.text_hash for chunk in chunks]
    known = await cached_vectors(session, task.tenant_id, task.model, hashes, dimension=task.dimension)
    saved: Mapping[str, int] = await _paid_before(session, task, list(known)) if known else {}
    counted = sum(saved.get(chunk.text_hash, 0) for chunk in chunks)
    return _Batch(chunks, frozenset(known), counted)


async def _paid_before(session: Session, task: Task, hashes: Sequence[str]) -> Mapping[str, int]:
    """The tokens each cached text cost when it was embedded."""
    query = select(CachedEmbedding.text_hash, CachedEmbedding.tokens).where(  # unowned: the tenant is its first key.
        col(CachedEmbedding.tenant_id) == task.tenant_id,
        col(CachedEmbedding.model) == task.model,
        col(CachedEmbedding.text_hash).in_(hashes),
    )
    return dict((await session.exec(query)).all())


async def _buy(
    deps: IngestionDeps, endpoint: ModelEndpoint, task: Task, chunks: Sequence[PendingChunk]
) -> Embeddings | None:
    if not chunks:
        return None
    bought = await deps.embedder.embed(endpoint, [chunk.text for chunk in chunks], "document")
    if bought.vectors.shape != (len(chunks), task.dimension):
        raise ModelChanged(
            f"{task.model} no longer returns vectors of {task.dimension} numbers. Remove the model from the knowledge "
            "base and add it again."
        )
    return bought


async def _commit(deps: IngestionDeps, task: Task, batch: _Batch, bought: Embeddings | None, watcher: Watcher) -> None:
    async with deps.database.transaction(task.tenant_id) as session:
        await watcher.done(session, _summary(task, batch, bought))
        if bought is not None:
            await store_vectors(session, task.tenant_id, task.model, _rows(batch.unknown(), bought))
            once = str(derived_id("embedding", task.once, task.model, batch.chunks[0].chunk_id))
            await deps.metering.record_embedding(
                session, task.tenant_id, task.model, bought.tokens, bought.estimated, task.run_id, once
            )
        ids = [chunk.chunk_id for chunk in batch.chunks]
        await mark_embedded(session, task.tenant_id, task.version_id, task.model, ids)


def _summary(task: Task, batch: _Batch, bought: Embeddings | None) -> BatchDone:
    new = len(bought.vectors) if bought is not None else 0
    return BatchDone(
        model=task.model,
        chunks=len(batch.chunks),
        reused=len(batch.chunks) - new,
        embeddings=new,
        tokens=bought.tokens if bought is not None else 0,
        tokens_saved=batch.tokens_saved,
    )


def _rows(chunks: Sequence[PendingChunk], bought: Embeddings) -> list[tuple[str, Vector, int]]:
    """Each text with its vector and its share of the batch's tokens, by length: providers tell only the sum."""
    letters = sum(len(chunk.text) for chunk in chunks) or 1
    return [
        (chunk.text_hash, vector, round(bought.tokens * len(chunk.text) / letters))
        for chunk, vector in zip(chunks, bought.vectors, strict=True)
    ]
