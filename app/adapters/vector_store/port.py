"""What the rest of the house sees of a vector index, whichever driver is behind it."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.adapters.vector_store.conditions import MetadataCondition, MetadataScalar, MetadataValue
from app.kit.errors import Conflict

__all__ = ["MetadataScalar", "MetadataValue"]  # Passed on: a point is described with them.

_UNSAFE = re.compile(r"[^a-z0-9]+")
PREFIX = "chunks-"


class DimensionMismatch(Conflict):
    """A vector does not have as many numbers as its space."""

    code = "dimension_mismatch"
    title = "The embedding has the wrong dimension"


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """Where the vectors of one model live; vectors of different spaces cannot be compared."""

    model: str
    dimension: int

    @property
    def collection(self) -> str:
        """The collection's name: readable, safe in a path, and another one for every model and dimension."""
        slug = _UNSAFE.sub("-", self.model.lower()).strip("-")[:48]
        digest = hashlib.sha256(self.model.encode()).hexdigest()[:8]
        return f"{PREFIX}{slug}-{digest}-{self.dimension}"


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Term weights; ``indices`` are hashes of the terms, each once."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A chunk as the index knows it. ``eq`` is off because arrays do not compare to one truth."""

    chunk_id: UUID
    dense: NDArray[np.float32]
    sparse: SparseVector
    knowledge_base_id: UUID
    document_id: UUID
    version_id: UUID
    metadata: Mapping[str, MetadataValue]


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found; dense scores are cosines, sparse ones BM25, and the two do not compare."""

    chunk_id: UUID
    score: float


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Where to look within one tenant: in these knowledge bases (in none there is nothing), under these conditions."""

    knowledge_base_ids: tuple[UUID, ...]
    metadata: tuple[MetadataCondition, ...] = ()


class VectorStore(Protocol):
    """An index of chunks. A space that does not exist is empty. Every call raises ``DependencyDown`` on failure."""

    async def ensure(self, space: EmbeddingSpace) -> None:
        """Make the space, unless it is there."""
        ...

    async def upsert(self, tenant_id: UUID, space: EmbeddingSpace, points: Sequence[Point]) -> None:
        """Store points durably, replacing the tenant's own of the same ids; raises ``DimensionMismatch``."""
        ...

    async def search_dense(
        self, tenant_id: UUID, space: EmbeddingSpace, vector: NDArray[np.float32], scope: SearchScope, limit: int
    ) -> list[Hit]:
        """The nearest by cosine, best first; raises ``DimensionMismatch`` and ``Invalid`` (a bad condition)."""
        ...

    async def search_sparse(
        self, tenant_id: UUID, space: EmbeddingSpace, sparse: SparseVector, scope: SearchScope, limit: int
    ) -> list[Hit]:
        """The best by BM25 with the tenant's own term statistics, best first; only chunks that share a term."""
        ...

    async def delete_version(self, tenant_id: UUID, space: EmbeddingSpace, version_id: UUID) -> None:
        """Forget a version's points."""
        ...

    async def delete_document(self, tenant_id: UUID, space: EmbeddingSpace, document_id: UUID) -> None:
        """Forget a document's points."""
        ...

    async def delete_knowledge_base(self, tenant_id: UUID, space: EmbeddingSpace, knowledge_base_id: UUID) -> None:
        """Forget a knowledge base's points."""
        ...

    async def delete_tenant(self, tenant_id: UUID) -> int:
        """Forget a tenant in every space; how many points that were."""
        ...

    async def count(
        self, tenant_id: UUID, space: EmbeddingSpace, scope: SearchScope | None = None, version_id: UUID | None = None
    ) -> int:
        """How many points there are: of the whole tenant without a scope, of one version where one is named."""
        ...

    async def spaces(self) -> list[str]:
        """The names of the collections that exist."""
        ...

    async def ping(self) -> None:
        """Raise ``DependencyDown`` unless the index answers."""
        ...

    async def aclose(self) -> None:
        """Make everything durable and let go."""
        ...


def check_dimension(space: EmbeddingSpace, vector: NDArray[np.float32]) -> None:
    """Raise ``DimensionMismatch`` unless ``vector`` fits ``space``."""
    if vector.shape != (space.dimension,):
        raise DimensionMismatch(
            f"The model {space.model} gave a vector of {vector.size} numbers where {space.dimension} were expected. "
            "Remove the model from the knowledge base and add it again."
        )
