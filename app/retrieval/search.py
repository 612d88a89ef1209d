"""Asking the indexes: dense search under each embedding model and BM25, all at once.

A model that cannot be reached costs its own list and nothing else; its absence is counted, logged and told.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from uuid import UUID

import structlog

from app.adapters.embedder.port import Embedder
from app.adapters.vector_store.bm25 import sparse_query
from app.adapters.vector_store.port import EmbeddingSpace, Hit, SearchScope, VectorStore
from app.kit.errors import AppError
from app.kit.metrics import FAILED_OPEN
from app.kit.models import ModelEndpoint
from app.retrieval.evidence import Question, RankedList

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reach:
    """One embedding model, how to call it, and which of the asked knowledge bases it covers.

    ``sparse_for`` are the knowledge bases whose BM25 vectors are read from this model's collection: each knowledge
    base has them in every one of its collections, and one is enough.
    """

    endpoint: ModelEndpoint
    space: EmbeddingSpace
    knowledge_base_ids: tuple[UUID, ...]
    sparse_for: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Searched:
    """The lists that were found, the slowest of each step in milliseconds, and what could not be asked."""

    lists: tuple[RankedList, ...]
    timings_ms: dict[str, float]
    embedding_tokens: dict[str, int]
    warnings: tuple[str, ...]


class Searcher:
    """Runs every search a question needs, in parallel."""

    def __init__(self, vectors: VectorStore, embedder: Embedder) -> None:
        self._vectors = vectors
        self._embedder = embedder

    async def search(self, question: Question, reaches: tuple[Reach, ...]) -> Searched:
        """Raises DependencyDown only when no search at all could be done."""
        timings: dict[str, float] = {}
        tokens: dict[str, int] = {}
        jobs: list[tuple[str, Awaitable[RankedList]]] = []
        if question.policy.dense_k:
            jobs += [(r.endpoint.model, self._dense(question, r, timings, tokens)) for r in reaches]
        if question.policy.sparse_k:
            jobs += [("keyword search", self._sparse(question, r, timings)) for r in reaches if r.sparse_for]
        outcomes = await asyncio.gather(*(job for _, job in jobs), return_exceptions=True)
        lists: list[RankedList] = []
        warnings: list[str] = []
        for (name, _), outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, RankedList):
                lists.append(outcome)
            elif isinstance(outcome, AppError):
                warnings.append(_done_without(name, outcome))
            else:
                raise outcome
        if outcomes and not lists:
            raise next(outcome for outcome in outcomes if isinstance(outcome, AppError))
        return Searched(tuple(lists), timings, tokens, tuple(warnings))

    async def _dense(
        self, question: Question, reach: Reach, timings: dict[str, float], tokens: dict[str, int]
    ) -> RankedList:
        began = time.perf_counter()
        embedded = await self._embedder.embed(reach.endpoint, [question.text], "query")
        tokens[reach.endpoint.model] = tokens.get(reach.endpoint.model, 0) + embedded.tokens
        _slowest(timings, "embed", began)
        began = time.perf_counter()
        scope = SearchScope(reach.knowledge_base_ids, question.conditions)
        hits = await self._vectors.search_dense(
            question.tenant_id, reach.space, embedded.vectors[0], scope, question.policy.dense_k
        )
        _slowest(timings, "dense", began)
        return RankedList("dense", reach.endpoint.model, tuple(hits))

    async def _sparse(self, question: Question, reach: Reach, timings: dict[str, float]) -> RankedList:
        began = time.perf_counter()
        terms = sparse_query(question.text)
        hits: list[Hit] = []
        if terms.indices:
            scope = SearchScope(reach.sparse_for, question.conditions)
            hits = await self._vectors.search_sparse(
                question.tenant_id, reach.space, terms, scope, question.policy.sparse_k
            )
        _slowest(timings, "sparse", began)
        return RankedList("sparse", None, tuple(hits))


def _slowest(timings: dict[str, float], step: str, began: float) -> None:
    timings[step] = max(timings.get(step, 0.0), round((time.perf_counter() - began) * 1000, 3))


def _done_without(name: str, fault: AppError) -> str:
    FAILED_OPEN.labels(step="search").inc()
    log.warning("search.failed_open", what=name, code=fault.code, detail=fault.detail)
    return f"{name} could not be searched: {fault.detail}"
