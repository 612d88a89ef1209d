"""Which driver judges for a model: one of the operator's own, a direct road, or LiteLLM."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.provider_http import ProviderHttp
from app.adapters.provider_limits import ProviderLimits
from app.adapters.provider_retry import with_retries
from app.adapters.reranker.http import has_direct_road, rerank_by_http
from app.adapters.reranker.litellm import rerank_by_litellm
from app.adapters.reranker.local import SCHEME, LocalRerankers
from app.adapters.reranker.port import Ranking
from app.kit.errors import ProviderTimeout
from app.kit.models import ModelEndpoint

LIMITS = ProviderLimits()


class RoutedReranker:
    """The Reranker the service uses: picks the driver by the model's name, keeps the deadline, tries again within it.

    LiteLLM is loaded inside the first caller's deadline, who may have to do without; the loading goes on.
    """

    def __init__(self, local: LocalRerankers, http: ProviderHttp, gate: LiteLLMGate) -> None:
        self._local = local
        self._http = http
        self._gate = gate

    async def rerank(self, endpoint: ModelEndpoint, query: str, texts: Sequence[str], timeout_s: float) -> Ranking:
        """Score at least one text; see Reranker."""
        if not texts:
            raise ValueError("There is nothing to rerank.")
        if endpoint.model.startswith(SCHEME):
            return await self._by_the_operators_own(endpoint, query, texts, timeout_s)
        limits = replace(LIMITS, first_token_s=timeout_s)
        return await with_retries(lambda: self._call(endpoint, query, texts, timeout_s), limits, endpoint.model)

    async def _call(self, endpoint: ModelEndpoint, query: str, texts: Sequence[str], timeout_s: float) -> Ranking:
        if has_direct_road(endpoint.model):
            return await rerank_by_http(self._http, endpoint, query, texts)
        return await rerank_by_litellm(self._gate, self._http.vet, endpoint, query, texts, timeout_s)

    async def _by_the_operators_own(
        self, endpoint: ModelEndpoint, query: str, texts: Sequence[str], timeout_s: float
    ) -> Ranking:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._local.rerank(endpoint.model, query, texts)
        except TimeoutError as error:
            raise ProviderTimeout(f"{endpoint.model}: no answer within {timeout_s:g} s.") from error
