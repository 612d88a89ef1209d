"""The client library's side of the server driver: our filters, points and collections in its own words."""

from typing import TypedDict
from uuid import UUID

from qdrant_client import models

from app.adapters.vector_store.port import Point
from app.adapters.vector_store.tenancy import (
    Clause,
    Either,
    IsIn,
    TenantFilter,
    Within,
    payload_of,
    point_id,
)


class CollectionConfig(TypedDict):
    """How a collection is made."""

    vectors_config: dict[str, models.VectorParams]
    sparse_vectors_config: dict[str, models.SparseVectorParams]
    hnsw_config: models.HnswConfigDiff


def collection_config(dimension: int) -> CollectionConfig:
    """A collection for vectors of ``dimension`` numbers and term weights."""
    return {
        "vectors_config": {"dense": models.VectorParams(size=dimension, distance=models.Distance.COSINE)},
        "sparse_vectors_config": {"sparse": models.SparseVectorParams(modifier=models.Modifier.IDF)},
        "hnsw_config": models.HnswConfigDiff(m=0, payload_m=16),
    }


def stored(tenant_id: UUID, point: Point) -> models.PointStruct:
    """A point as the server keeps it."""
    sparse = models.SparseVector(indices=list(point.sparse.indices), values=list(point.sparse.values))
    return models.PointStruct(
        id=str(point_id(tenant_id, point.chunk_id)),
        vector={"dense": point.dense.tolist(), "sparse": sparse},
        payload=dict(payload_of(tenant_id, point)),
    )


def native(chosen: TenantFilter) -> models.Filter:
    """A tenant's filter as the server takes it."""
    return models.Filter(must=[_condition(clause) for clause in chosen.clauses])


def idf_of(corpus: TenantFilter) -> models.SearchParams:
    """Search parameters under which term statistics are those of ``corpus``."""
    return models.SearchParams(idf=models.IdfCorpusParams(corpus=native(corpus)))


def _condition(clause: Clause) -> models.FieldCondition | models.Filter:
    match clause:
        case IsIn(key, words):
            return models.FieldCondition(key=key, match=models.MatchAny(any=list(words)))
        case Within(key, numbers, times):
            bounds = models.Range(**numbers) if numbers else models.DatetimeRange.model_validate(times)
            return models.FieldCondition(key=key, range=bounds)
        case Either(clauses):
            return models.Filter(should=[_condition(each) for each in clauses])
