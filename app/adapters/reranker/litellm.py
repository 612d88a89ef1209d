"""The road through LiteLLM, to Cohere, Jina, Voyage and every other reranking provider it knows."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from app.adapters.litellm_call import litellm_arguments, litellm_errors
from app.adapters.litellm_gate import LiteLLMGate, LiteLLMRanking
from app.adapters.provider_http import Vet
from app.adapters.reranker.answers import ranking_of
from app.adapters.reranker.port import Ranking
from app.kit.errors import ProviderError
from app.kit.models import ModelEndpoint


async def rerank_by_litellm(
    gate: LiteLLMGate, vet: Vet, endpoint: ModelEndpoint, query: str, texts: Sequence[str], timeout_s: float
) -> Ranking:
    """Score texts by one call. Raises ProviderError and its kin; the caller sets the deadline."""
    if endpoint.api_base:
        await vet(endpoint.api_base)
    arguments = litellm_arguments(endpoint) | {
        "query": query,
        "documents": list(texts),
        "top_n": len(texts),
        "return_documents": False,
        "timeout": timeout_s,
    }
    litellm = await gate.load()
    with litellm_errors(endpoint):
        answer = await litellm.arerank(**arguments)
    try:
        scored = [(int(item["index"]), float(item["relevance_score"])) for item in answer.results or ()]
    except (KeyError, TypeError, ValueError) as error:
        raise ProviderError(f"{endpoint.model}: the provider's answer holds no scores.") from error
    return ranking_of(endpoint, scored, query, texts, _tokens(answer))


def _tokens(answer: LiteLLMRanking) -> int | None:
    """Cohere counts tokens in ``tokens.input_tokens``, Voyage and Jina all of them in ``billed_units``."""
    meta = answer.meta or {}
    tokens, billed = (_counts(meta.get(name)) for name in ("tokens", "billed_units"))
    return billed.get("total_tokens") or tokens.get("input_tokens") or tokens.get("total_tokens")


def _counts(value: object) -> dict[str, int]:
    if not isinstance(value, Mapping):
        return {}
    counts = cast(Mapping[str, Any], value)
    return {name: int(count) for name, count in counts.items() if isinstance(count, int | float)}
