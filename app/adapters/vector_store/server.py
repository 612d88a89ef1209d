"""A Qdrant server or cluster, through its own client over HTTP.

Every tenant has a graph of its own inside the shared collection (``m=0, payload_m=16`` with an ``is_tenant`` index),
and term statistics of its own where the server honours the ``idf`` corpus; one that does not counts all tenants'
terms, which changes scores and never what is found. Writes wait until they can be searched.
"""

import asyncio
import warnings
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

import httpx
import numpy as np
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from app.adapters.vector_store.port import (
    PREFIX,
    EmbeddingSpace,
    Hit,
    Point,
    SearchScope,
    SparseVector,
    check_dimension,
)
from app.adapters.vector_store.server_native import collection_config, idf_of, native, stored
from app.adapters.vector_store.tenancy import KEYWORDS, TENANT, TenantFilter, chunk_id_of, tenant_filter
from app.kit.errors import DependencyDown

READ_S: Final = 10
WRITE_S: Final = 60
_UPSERT_POINTS: Final = 64
T = TypeVar("T")


class SpaceMissing(DependencyDown):
    """The collection does not exist."""

    code = "space_missing"


def connect(url: str, api_key: str | None) -> AsyncQdrantClient:
    """A client for ``url``; opens no connection yet."""
    with warnings.catch_warnings():
        # It warns of a key sent without TLS, on stderr. Inside a private network that is the operator's choice.
        warnings.simplefilter("ignore", UserWarning)
        return AsyncQdrantClient(url=url, api_key=api_key, timeout=READ_S, check_compatibility=False)


class ServerVectorStore:
    """The production driver; takes over ``client`` and closes it."""

    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client
        self._known: set[str] = set()

    async def ensure(self, space: EmbeddingSpace) -> None:
        """As ``VectorStore.ensure``."""
        name = space.collection
        if name in self._known:
            return
        if name not in await self.spaces():
            await self._create(name, space.dimension)
        # Done even where the collection is there: the process that made it may have been killed in between.
        await self._index(name, TENANT, models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True))
        for key in KEYWORDS:
            await self._index(name, key, models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD))
        self._known.add(name)

    async def upsert(self, tenant_id: UUID, space: EmbeddingSpace, points: Sequence[Point]) -> None:
        """As ``VectorStore.upsert``."""
        for point in points:
            check_dimension(space, point.dense)
        await self.ensure(space)
        try:
            await self._upsert(tenant_id, space.collection, points)
        except SpaceMissing:  # Somebody has emptied the server since we looked.
            self._known.discard(space.collection)
            await self.ensure(space)
            await self._upsert(tenant_id, space.collection, points)

    async def search_dense(
        self, tenant_id: UUID, space: EmbeddingSpace, vector: NDArray[np.float32], scope: SearchScope, limit: int
    ) -> list[Hit]:
        """As ``VectorStore.search_dense``."""
        check_dimension(space, vector)
        return await self._search(tenant_id, space, _Search("dense", vector.tolist(), scope, limit))

    async def search_sparse(
        self, tenant_id: UUID, space: EmbeddingSpace, sparse: SparseVector, scope: SearchScope, limit: int
    ) -> list[Hit]:
        """As ``VectorStore.search_sparse``."""
        if not sparse.indices:
            return []
        terms = models.SparseVector(indices=list(sparse.indices), values=list(sparse.values))
        corpus = idf_of(tenant_filter(tenant_id))
        return await self._search(tenant_id, space, _Search("sparse", terms, scope, limit, corpus))

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
        removed = 0
        for name in await self.spaces():
            removed += await self._count(name, tenant_filter(tenant_id))
            await self._delete(name, tenant_filter(tenant_id))
        return removed

    async def count(
        self, tenant_id: UUID, space: EmbeddingSpace, scope: SearchScope | None = None, version_id: UUID | None = None
    ) -> int:
        """As ``VectorStore.count``."""
        return await self._count(space.collection, tenant_filter(tenant_id, scope, version_id=version_id))

    async def spaces(self) -> list[str]:
        """As ``VectorStore.spaces``."""
        found = await _asked(self._client.get_collections(), READ_S)
        return sorted(each.name for each in found.collections if each.name.startswith(PREFIX))

    async def ping(self) -> None:
        """As ``VectorStore.ping``."""
        await self.spaces()

    async def aclose(self) -> None:
        """As ``VectorStore.aclose``."""
        await self._client.close()

    async def _search(self, tenant_id: UUID, space: EmbeddingSpace, search: "_Search") -> list[Hit]:
        chosen = tenant_filter(tenant_id, search.scope)
        if chosen.impossible:
            return []
        query = self._client.query_points(
            space.collection,
            query=search.query,
            using=search.using,
            query_filter=native(chosen),
            search_params=search.params,
            limit=search.limit,
            with_payload=False,
            timeout=READ_S,
        )
        try:
            found = await _asked(query, READ_S)
        except SpaceMissing:
            return []
        return [Hit(chunk_id_of(tenant_id, UUID(str(point.id))), point.score) for point in found.points]

    async def _upsert(self, tenant_id: UUID, collection: str, points: Sequence[Point]) -> None:
        for start in range(0, len(points), _UPSERT_POINTS):
            batch = [stored(tenant_id, point) for point in points[start : start + _UPSERT_POINTS]]
            await _asked(self._client.upsert(collection, batch, wait=True, timeout=WRITE_S), WRITE_S)

    async def _delete(self, collection: str, chosen: TenantFilter) -> None:
        selector = models.FilterSelector(filter=native(chosen))
        with suppress(SpaceMissing):
            await _asked(self._client.delete(collection, selector, wait=True, timeout=WRITE_S), WRITE_S)

    async def _count(self, collection: str, chosen: TenantFilter) -> int:
        if chosen.impossible:
            return 0
        counting = self._client.count(collection, count_filter=native(chosen), exact=True, timeout=READ_S)
        try:
            return (await _asked(counting, READ_S)).count
        except SpaceMissing:
            return 0

    async def _create(self, name: str, dimension: int) -> None:
        with suppress(_AlreadyThere):  # Another process was quicker.
            await _asked(self._client.create_collection(name, **collection_config(dimension), timeout=WRITE_S), WRITE_S)

    async def _index(self, name: str, key: str, params: models.KeywordIndexParams) -> None:
        await _asked(self._client.create_payload_index(name, key, params, wait=True, timeout=WRITE_S), WRITE_S)


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for, by which vector, where, and how."""

    using: str
    query: list[float] | models.SparseVector
    scope: SearchScope
    limit: int
    params: models.SearchParams | None = None


class _AlreadyThere(Exception):
    """The collection exists."""


async def _asked(call: Awaitable[T], within_s: float) -> T:
    """Await one call of the client under a deadline, and put what goes wrong into our own words."""
    try:
        async with asyncio.timeout(within_s + 1):  # The client's own deadline comes first and says more.
            return await call
    except UnexpectedResponse as error:
        raise _refused(error) from error
    except ValueError as error:  # The client's local mode has no statuses.
        if "not found" in str(error):
            raise SpaceMissing("This collection does not exist.") from error
        if "already exists" in str(error):
            raise _AlreadyThere from error
        raise
    except (ResponseHandlingException, httpx.HTTPError, TimeoutError) as error:
        raise DependencyDown(
            f"Qdrant does not answer ({type(error).__name__}). Check that it runs and can be reached."
        ) from error


def _refused(error: UnexpectedResponse) -> Exception:
    match error.status_code:
        case 404:
            return SpaceMissing("This collection does not exist.")
        case 409:
            return _AlreadyThere()
        case 401 | 403:
            return DependencyDown("Qdrant refuses the API key. Check MINIRAG_QDRANT_API_KEY.")
        case status:
            return DependencyDown(f"Qdrant refused a request with status {status}.")
