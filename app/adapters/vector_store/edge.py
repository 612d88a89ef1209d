"""Qdrant's own core inside this process: one shard per space in a folder of the data directory.

Every call of the library holds the interpreter lock for its whole duration, so a thread would not help; calls are
kept short instead. Points go in and out in small batches with a turn of the loop between them, no graph is built
(``m=0`` and a threshold nobody reaches: at this size a tenant is scanned in well under a millisecond), and the
optimizer, which would stop everything for seconds, runs at start only, where it merely gives back the room of what
was deleted. Updates are in the write-ahead log when a call returns; flushing only keeps that log short.
"""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np
import qdrant_edge as edge
import structlog
from numpy.typing import NDArray

from app.adapters.vector_store.edge_native import create, guarded, load, native, stored
from app.adapters.vector_store.port import (
    PREFIX,
    EmbeddingSpace,
    Hit,
    Point,
    SearchScope,
    SparseVector,
    check_dimension,
)
from app.adapters.vector_store.tenancy import TenantFilter, chunk_id_of, tenant_filter
from app.kit.errors import DependencyDown

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger()

_UPSERT_POINTS: Final = 64
_DELETE_POINTS: Final = 500
_QUIET_S: Final = 2.0
_FLUSH_S: Final = 5.0


class EdgeVectorStore:
    """The embedded driver. One process, one event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shards: dict[str, edge.EdgeShard] = {}
        self._dirty_since: dict[str, float] = {}
        self._changed_at = 0.0
        self._flusher: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open every space there is; raises ``IndexLocked`` and ``DependencyDown``."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(self._folder.glob(f"{PREFIX}*")):
                if (path / "edge_config.json").exists():
                    self._shards[path.name] = load(path)
                else:  # A process was killed while it made the space.
                    shutil.rmtree(path)
        except BaseException:
            self._close_all()
            raise
        self._flusher = asyncio.create_task(self._keep_flushing(), name="vector-index-flusher")

    async def ensure(self, space: EmbeddingSpace) -> None:
        """As ``VectorStore.ensure``."""
        if space.collection not in self._shards:
            self._shards[space.collection] = create(self._folder / space.collection, space.dimension)

    async def upsert(self, tenant_id: UUID, space: EmbeddingSpace, points: Sequence[Point]) -> None:
        """As ``VectorStore.upsert``."""
        for point in points:
            check_dimension(space, point.dense)
        await self.ensure(space)
        for start in range(0, len(points), _UPSERT_POINTS):
            batch = [stored(tenant_id, point) for point in points[start : start + _UPSERT_POINTS]]
            self._update(space.collection, edge.UpdateOperation.upsert_points(batch))
            await asyncio.sleep(0)

    async def search_dense(
        self, tenant_id: UUID, space: EmbeddingSpace, vector: NDArray[np.float32], scope: SearchScope, limit: int
    ) -> list[Hit]:
        """As ``VectorStore.search_dense``."""
        check_dimension(space, vector)
        query = edge.Query.Nearest(vector.tolist(), using="dense")
        return self._search(tenant_id, space, _Search(query, scope, limit))

    async def search_sparse(
        self, tenant_id: UUID, space: EmbeddingSpace, sparse: SparseVector, scope: SearchScope, limit: int
    ) -> list[Hit]:
        """As ``VectorStore.search_sparse``."""
        if not sparse.indices:
            return []
        terms = edge.SparseVector(list(sparse.indices), list(sparse.values))
        corpus = edge.IdfParams(corpus=native(tenant_filter(tenant_id)))
        query = edge.Query.Nearest(terms, using="sparse")
        return self._search(tenant_id, space, _Search(query, scope, limit, edge.SearchParams(idf=corpus)))

    async def delete_version(self, tenant_id: UUID, space: EmbeddingSpace, version_id: UUID) -> None:
        """As ``VectorStore.delete_version``."""
        await self._delete(space.collection, tenant_filter(tenant_id, version_id=version_id))

    async def delete_document(self, tenant_id: UUID, space: EmbeddingSpace, document_id: UUID) -> None:
        """As ``VectorStore.delete_document``."""
        await self._delete(space.collection, tenant_filter(tenant_id, document_id=document_id))

    async def delete_knowledge_base(self, tenant_id: UUID, space: EmbeddingSpace, knowledge_base_id: UUID) -> None:
        """As ``VectorStore.delete_knowledge_base``."""
        await self._delete(space.collection, tenant_filter(tenant_id, knowledge_base_id=knowledge_base_id))

    async def delete_tenant(self, tenant_id: UUID) -> int:
        """As ``VectorStore.delete_tenant``."""
        return sum([await self._delete(name, tenant_filter(tenant_id)) for name in list(self._shards)])

    async def count(
        self, tenant_id: UUID, space: EmbeddingSpace, scope: SearchScope | None = None, version_id: UUID | None = None
    ) -> int:
        """As ``VectorStore.count``."""
        chosen = tenant_filter(tenant_id, scope, version_id=version_id)
        shard = self._shards.get(space.collection)
        if shard is None or chosen.impossible:
            return 0
        request = edge.CountRequest(exact=True, filter=native(chosen))
        return guarded(lambda: shard.count(request))

    async def spaces(self) -> list[str]:
        """As ``VectorStore.spaces``."""
        return sorted(self._shards)

    async def ping(self) -> None:
        """As ``VectorStore.ping``."""
        for shard in self._shards.values():
            guarded(shard.info)

    async def aclose(self) -> None:
        """As ``VectorStore.aclose``."""
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
            self._flusher = None
        self._close_all()

    def _search(self, tenant_id: UUID, space: EmbeddingSpace, search: "_Search") -> list[Hit]:
        chosen = tenant_filter(tenant_id, search.scope)
        shard = self._shards.get(space.collection)
        if shard is None or chosen.impossible:
            return []
        request = edge.QueryRequest(search.limit, query=search.query, filter=native(chosen), params=search.params)
        found = guarded(lambda: shard.query(request))
        return [Hit(chunk_id_of(tenant_id, UUID(str(point.id))), point.score) for point in found]

    async def _delete(self, collection: str, chosen: TenantFilter) -> int:
        """Remove what is meant, in portions; how many points that were."""
        shard = self._shards.get(collection)
        removed = 0
        request = edge.ScrollRequest(limit=_DELETE_POINTS, filter=native(chosen), with_payload=False)
        while shard is not None:
            records, _ = guarded(lambda: shard.scroll(request))
            if not records:
                break
            self._update(collection, edge.UpdateOperation.delete_points([record.id for record in records]))
            removed += len(records)
            await asyncio.sleep(0)
        return removed

    def _update(self, collection: str, operation: edge.UpdateOperation) -> None:
        guarded(lambda: self._shards[collection].update(operation))
        self._changed_at = asyncio.get_running_loop().time()
        self._dirty_since.setdefault(collection, self._changed_at)

    async def _keep_flushing(self) -> None:
        """Flush in a quiet moment, at the latest after some seconds: it stops the loop, for 10 ms and 7 µs a point."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_QUIET_S / 2)
            now = loop.time()
            for collection, since in list(self._dirty_since.items()):
                if now - self._changed_at < _QUIET_S and now - since < _FLUSH_S:
                    continue
                try:
                    guarded(self._shards[collection].flush)
                    del self._dirty_since[collection]
                except DependencyDown as error:  # The log has it all; the next round tries again.
                    _log.warning("vector_index.flush_failed", error=error.detail)
                await asyncio.sleep(0)

    def _close_all(self) -> None:
        while self._shards:
            _, shard = self._shards.popitem()
            guarded(shard.close)  # Flushes by itself.
        self._dirty_since.clear()


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for, where, and how."""

    query: edge.Query
    scope: SearchScope
    limit: int
    params: edge.SearchParams | None = None
