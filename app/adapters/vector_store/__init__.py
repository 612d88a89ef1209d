"""Vectors: one collection per embedding model, shared by all tenants, never searched without naming one."""

from app.adapters.vector_store.bm25 import sparse_document, sparse_query
from app.adapters.vector_store.conditions import AnyOf, Equals, MetadataCondition, Range
from app.adapters.vector_store.opening import open_vector_store
from app.adapters.vector_store.port import (
    DimensionMismatch,
    EmbeddingSpace,
    Hit,
    MetadataScalar,
    MetadataValue,
    Point,
    SearchScope,
    SparseVector,
    VectorStore,
)

__all__ = [
    "AnyOf",
    "DimensionMismatch",
    "EmbeddingSpace",
    "Equals",
    "Hit",
    "MetadataCondition",
    "MetadataScalar",
    "MetadataValue",
    "Point",
    "Range",
    "SearchScope",
    "SparseVector",
    "VectorStore",
    "open_vector_store",
    "sparse_document",
    "sparse_query",
]
