"""The direct road to servers with a ``/rerank`` of their own, at the credential's ``api_base``.

    openai/<model>, hosted_vllm/<model>   the shape Cohere began and Jina, vLLM, Infinity, llama.cpp and others share:
        POST {api_base}/rerank  {"model", "query", "documents", "top_n"}
        → {"results": [{"index", "relevance_score"}], "usage"?: {"total_tokens"}, "meta"?: {"tokens": …}}
    tei/<any name>                        Text Embeddings Inference, which serves one model:
        POST {api_base}/rerank  {"query", "texts", "raw_scores": false, "truncate": true}
        → [{"index", "score"}]

Either answer, and Voyage's ``data`` for ``results``, is understood from either kind. The base carries its version,
as people write it for chat: ``http://reranker:8000/v1``.
"""

from collections.abc import Sequence

import msgspec

from app.adapters.openai_address import openai_headers
from app.adapters.provider_errors import error_in_body
from app.adapters.provider_http import ProviderHttp
from app.adapters.reranker.answers import ranking_of
from app.adapters.reranker.port import Ranking
from app.kit.errors import ProviderError, ProviderRefused
from app.kit.models import ModelEndpoint

TEI = "tei/"
DIRECT = ("openai/", "hosted_vllm/", TEI)


class _Item(msgspec.Struct):
    index: int
    relevance_score: float | None = None
    score: float | None = None


class _Usage(msgspec.Struct):
    total_tokens: int | None = None
    prompt_tokens: int | None = None


class _Tokens(msgspec.Struct):
    input_tokens: float | None = None


class _Meta(msgspec.Struct):
    tokens: _Tokens | None = None


class _Answer(msgspec.Struct):
    results: list[_Item] | None = None
    data: list[_Item] | None = None
    usage: _Usage | None = None
    meta: _Meta | None = None


_Answers = _Answer | list[_Item]
_decoder: "msgspec.json.Decoder[_Answers]" = msgspec.json.Decoder(_Answers)
_encoder = msgspec.json.Encoder()


def has_direct_road(model: str) -> bool:
    """Tell whether a model is reached at its own ``/rerank`` rather than through LiteLLM."""
    return model.startswith(DIRECT)


async def rerank_by_http(http: ProviderHttp, endpoint: ModelEndpoint, query: str, texts: Sequence[str]) -> Ranking:
    """Score texts by one request. Raises ProviderError and its kin; the caller sets the deadline."""
    if not endpoint.api_base:
        raise ProviderRefused(f"{endpoint.model}: the credential needs an api_base, the address of the reranker.")
    url = f"{endpoint.api_base.rstrip('/')}/rerank"
    body = await http.post(endpoint, url, openai_headers(endpoint), _encoder.encode(_request(endpoint, query, texts)))
    try:
        answer = _decoder.decode(body)
    except msgspec.DecodeError as error:
        reported = error_in_body(endpoint, body)
        raise reported or ProviderError(f"{endpoint.model}: the provider's answer holds no scores.") from error
    items = answer if isinstance(answer, list) else answer.results or answer.data
    if items is None:
        raise error_in_body(endpoint, body) or ProviderError(f"{endpoint.model}: the answer holds no scores.")
    return ranking_of(endpoint, [(item.index, _score(endpoint, item)) for item in items], query, texts, _tokens(answer))


def _request(endpoint: ModelEndpoint, query: str, texts: Sequence[str]) -> dict[str, object]:
    if endpoint.model.startswith(TEI):
        return {"query": query, "texts": texts, "raw_scores": False, "truncate": True}
    model = endpoint.model.partition("/")[2]
    return {"model": model, "query": query, "documents": texts, "top_n": len(texts), "return_documents": False}


def _score(endpoint: ModelEndpoint, item: _Item) -> float:
    score = item.score if item.relevance_score is None else item.relevance_score
    if score is None:
        raise ProviderError(f"{endpoint.model}: the provider's answer holds no scores.")
    return score


def _tokens(answer: _Answers) -> int | None:
    if isinstance(answer, list):
        return None
    if answer.usage is not None:
        return answer.usage.total_tokens or answer.usage.prompt_tokens
    counted = None if answer.meta is None or answer.meta.tokens is None else answer.meta.tokens.input_tokens
    return None if counted is None else int(counted)
