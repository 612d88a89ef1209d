"""The library's side of the embedded driver: shards made and opened, our filters and points in its own words."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import qdrant_edge as edge

from app.adapters.vector_store.port import Point
from app.adapters.vector_store.tenancy import (
    KEYWORDS,
    TENANT,
    Clause,
    Either,
    IsIn,
    TenantFilter,
    Within,
    payload_of,
    point_id,
)
from app.kit.errors import DependencyDown

T = TypeVar("T")


class IndexLocked(DependencyDown):
    """Another process has the embedded index open."""

    code = "index_locked"
    title = "The embedded index is in use"


def load(path: Path) -> edge.EdgeShard:
    """Open a space and give back the room of what was deleted; raises ``IndexLocked`` and ``DependencyDown``."""
    try:
        shard = edge.EdgeShard.load(str(path))
    except Exception as error:  # The library raises nothing narrower.
        if "WouldBlock" in str(error):
            raise IndexLocked(
                f"The index in {path.parent} is in use by another process. Stop that process, or give this one a data "
                "folder of its own; for several processes set MINIRAG_QDRANT_URL."
            ) from error
        raise DependencyDown(
            f"The index in {path} cannot be opened: {error}. Move that folder away and run `minirag reindex`."
        ) from error
    guarded(shard.optimize)
    return shard


def create(path: Path, dimension: int) -> edge.EdgeShard:
    """Make a space, in place of whatever lies at ``path``."""
    shutil.rmtree(path, ignore_errors=True)
    config = edge.EdgeConfig(
        vectors={"dense": edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine)},
        sparse_vectors={"sparse": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=100, full_scan_threshold=10_000, payload_m=16),
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=10_000_000),
        max_search_threads=2,
    )
    path.mkdir(parents=True)
    shard = guarded(lambda: edge.EdgeShard.create(str(path), config))
    tenant = edge.KeywordIndexParams(is_tenant=True)
    guarded(lambda: shard.update(edge.UpdateOperation.create_field_index(TENANT, tenant)))
    for key in KEYWORDS:
        index = edge.UpdateOperation.create_field_index(key, edge.KeywordIndexParams())
        guarded(lambda index=index: shard.update(index))
    return shard


def stored(tenant_id: UUID, point: Point) -> edge.Point:
    """A point as the shard keeps it."""
    sparse = edge.SparseVector(list(point.sparse.indices), list(point.sparse.values))
    vectors = {"dense": point.dense.tolist(), "sparse": sparse}
    return edge.Point(point_id(tenant_id, point.chunk_id), vectors, payload_of(tenant_id, point))


def native(chosen: TenantFilter) -> edge.Filter:
    """A tenant's filter as the shard takes it."""
    return edge.Filter(must=[_condition(clause) for clause in chosen.clauses])


def _condition(clause: Clause) -> edge.FieldCondition | edge.Filter:
    match clause:
        case IsIn(key, words):
            return edge.FieldCondition(key, match=edge.MatchAny(list(words)))
        case Within(key, numbers, times):
            bounds = edge.RangeFloat(**numbers) if numbers else edge.RangeDateTime(**times)
            return edge.FieldCondition(key, range=bounds)
        case Either(clauses):
            return edge.Filter(should=[_condition(each) for each in clauses])


def guarded(call: Callable[[], T]) -> T:
    """Run one call of the library, whose errors have no types of their own."""
    try:
        return call()
    except Exception as error:
        raise DependencyDown(f"The embedded vector index failed: {error}") from error
