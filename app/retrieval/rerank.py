"""A second opinion on the best chunks, by a model that reads them together with the question.

It may fail: then the order of fusion stands, and the search says so. Chunks it was not shown follow those it judged,
in the order they had.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from app.adapters.reranker.port import Reranker, estimated_tokens
from app.bots.policies import RerankPolicy
from app.chunking.embedding_text import embedding_text
from app.kit.database import Database
from app.kit.errors import AppError, ProviderTimeout
from app.kit.ids import parse_id
from app.kit.metrics import FAILED_OPEN
from app.kit.models import ModelEndpoint
from app.retrieval.evidence import Found, Question, RerankUse
from app.tenants.endpoints import EndpointResolver

RERANKED = 50
"""How many chunks are judged at most: more costs more, and what fusion put lower is hardly ever the best."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reranked:
    """The chunks in their new order, what judging them used, and what to tell where it failed."""

    found: tuple[Found, ...]
    use: RerankUse | None = None
    warning: str | None = None


class Reranking:
    """Judges chunks by the model a policy names."""

    def __init__(self, database: Database, reranker: Reranker, endpoints: EndpointResolver) -> None:
        self._database = database
        self._reranker = reranker
        self._endpoints = endpoints

    async def rerank(self, question: Question, policy: RerankPolicy, found: Sequence[Found]) -> Reranked:
        """The chunks, best first by the model's opinion, or as they came where it cannot be had."""
        if not found:
            return Reranked(())
        judged, rest = found[:RERANKED], found[RERANKED:]
        texts = [_text(item) for item in judged]
        try:
            endpoint = await self._endpoint(question, policy)
            ranking = await self._reranker.rerank(endpoint, question.text, texts, policy.timeout_ms / 1000)
        except AppError as fault:
            return Reranked(tuple(found), _lost(policy, fault, question.text, texts), _done_without(policy, fault))
        scored = [
            Found(item.evidence, replace(item.scores, rerank=score))
            for item, score in zip(judged, ranking.scores, strict=True)
        ]
        best_first = sorted(scored, key=lambda item: -(item.scores.rerank or 0.0))  # Stable: ties keep fusion's order.
        return Reranked((*best_first, *rest), RerankUse(policy.model, ranking.tokens, ranking.estimated))

    async def _endpoint(self, question: Question, policy: RerankPolicy) -> ModelEndpoint:
        credential_id = None if policy.credential_id is None else parse_id(policy.credential_id)
        async with self._database.reading(question.tenant_id) as session:
            return await self._endpoints.resolve(session, question.tenant_id, policy.model, credential_id)


def _text(item: Found) -> str:
    evidence = item.evidence
    return embedding_text(evidence.title, evidence.heading_path, evidence.content)


def _lost(policy: RerankPolicy, fault: AppError, query: str, texts: Sequence[str]) -> RerankUse | None:
    """A call given up in the middle was most likely served, and charged, all the same; a refused one was not."""
    if not isinstance(fault, ProviderTimeout):
        return None
    return RerankUse(policy.model, estimated_tokens(query, texts), estimated=True)


def _done_without(policy: RerankPolicy, fault: AppError) -> str:
    FAILED_OPEN.labels(step="rerank").inc()
    log.warning("rerank.failed_open", model=policy.model, code=fault.code, detail=fault.detail)
    return f"{policy.model} could not rerank, so the order is that of the search: {fault.detail}"
