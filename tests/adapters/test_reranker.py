"""Reranking over HTTP: one contract for the roads, then what each road says and what is refused."""

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.provider_http import ProviderHttp
from app.adapters.reranker.dispatch import RoutedReranker
from app.adapters.reranker.local import LocalRerankers
from app.adapters.reranker.port import Ranking
from app.kit.errors import (
    Forbidden,
    ProviderAuthFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderRefused,
    ProviderTimeout,
)
from app.kit.models import ModelEndpoint
from tests.support.provider import ScriptedProvider
from tests.support.raw_server import answer, raw_server

pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")  # LiteLLM's own habit.
KEY = "sk-a-secret-of-the-tenant"
QUERY = "old stone bridge"
TEXTS = ("a new road", "the old stone bridge", "an old road", "nothing at all")


@dataclass
class Road:
    prefix: str
    provider: ScriptedProvider
    http: ProviderHttp
    gate: LiteLLMGate

    async def rerank(
        self,
        model: str = "scripted",
        texts: Sequence[str] = TEXTS,
        timeout_s: float = 10,
        api_base: str | None = None,
    ) -> Ranking:
        own = self.provider.openai_base if self.prefix in {"openai", "hosted_vllm"} else self.provider.url
        endpoint = ModelEndpoint(f"{self.prefix}/{model}", KEY, api_base or own)
        local = LocalRerankers(None)
        try:
            return await RoutedReranker(local, self.http, self.gate).rerank(endpoint, QUERY, texts, timeout_s)
        finally:
            await local.aclose()


def by_litellm(prefix: str) -> Any:
    return pytest.param(prefix, marks=pytest.mark.litellm)


@pytest.fixture(params=["openai", by_litellm("cohere"), by_litellm("jina_ai")])
async def road(request: pytest.FixtureRequest, provider: ScriptedProvider) -> AsyncGenerator[Road]:
    gate = LiteLLMGate()
    if request.param != "openai":
        await gate.load()  # Else its three seconds would count against the deadlines below.
    async with ProviderHttp() as http:
        yield Road(request.param, provider, http, gate)
    await gate.aclose()


@pytest.fixture
async def direct(provider: ScriptedProvider) -> AsyncGenerator[Road]:
    async with ProviderHttp() as http:
        yield Road("openai", provider, http, LiteLLMGate())


async def test_scores_stand_in_the_order_of_the_texts(road: Road) -> None:
    found = await road.rerank()
    assert found.scores == pytest.approx((0, 1, 1 / 3, 0), abs=1e-6)
    assert found.tokens == 15
    assert not found.estimated
    assert [seen.key for seen in road.provider.requests] == [KEY]


async def test_a_refused_key_is_not_tried_again(road: Road) -> None:
    with pytest.raises(ProviderAuthFailed) as caught:
        await road.rerank("scripted-401")
    assert KEY not in caught.value.detail
    assert len(road.provider.requests) == 1


async def test_a_rate_limit_is_called_one(road: Road) -> None:
    with pytest.raises(ProviderRateLimited):
        await road.rerank("scripted-429", timeout_s=0.95)


async def test_a_wait_longer_than_the_deadline_is_not_begun(direct: Road) -> None:
    with pytest.raises(ProviderRateLimited) as caught:
        await direct.rerank("scripted-429", timeout_s=0.95)
    assert caught.value.retry_after_s == 1
    assert len(direct.provider.requests) == 1


async def test_a_passing_fault_is_not_noticed(road: Road) -> None:
    assert max((await road.rerank("scripted-flaky-2")).scores) == 1
    assert len(road.provider.requests) == 3


async def test_silence_is_a_timeout_and_the_upstream_is_closed(road: Road) -> None:
    with pytest.raises(ProviderTimeout):
        await road.rerank("scripted-hang", timeout_s=0.6)
    assert await road.provider.aborted()


@pytest.mark.parametrize("fault", ["html", "error-200", "garbage", "cut-early"])
async def test_nonsense_is_an_error_and_stays_unsaid(road: Road, fault: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await road.rerank(f"scripted-{fault}", timeout_s=2)
    assert "<html>" not in caught.value.detail


async def test_every_address_is_vetted(provider: ScriptedProvider, road: Road) -> None:
    async def refuse(_url: str) -> None:
        raise Forbidden("This address may not be reached.")

    async with ProviderHttp(vet=refuse) as http:
        with pytest.raises(Forbidden):
            await Road(road.prefix, provider, http, road.gate).rerank()
    assert provider.requests == []


@pytest.mark.parametrize(
    "results",
    [
        [{"index": 0, "relevance_score": 0.4}],
        [{"index": 0, "relevance_score": 0.4}, {"index": 0, "relevance_score": 0.5}],
        [{"index": 0, "relevance_score": 0.4}, {"index": 7, "relevance_score": 0.5}],
        [{"index": 0, "relevance_score": 0.4}, {"index": -1, "relevance_score": 0.5}],
        [{"index": 0, "relevance_score": 0.4}, {"index": 1}],
        [],
        None,
    ],
)
async def test_scores_that_do_not_fit_the_texts_are_refused(road: Road, results: Any) -> None:
    async with raw_server(answer(json.dumps({"results": results}).encode())) as server:
        with pytest.raises(ProviderError):
            await road.rerank(texts=TEXTS[:2], timeout_s=2, api_base=server.url())


@pytest.mark.parametrize(
    ("prefix", "body"),
    [
        ("openai", {"data": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.2}]}),
        ("hosted_vllm", {"results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.2}]}),
        ("tei", [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.2}]),
    ],
)
async def test_compatible_servers_are_understood(direct: Road, prefix: str, body: Any) -> None:
    async with raw_server(answer(json.dumps(body).encode())) as server:
        road = Road(prefix, direct.provider, direct.http, direct.gate)
        found = await road.rerank(texts=TEXTS[:2], api_base=f"{server.url()}/v9/")
        request = server.heard[0]
    assert found.scores == (0.2, 0.9)
    assert found.estimated
    assert found.tokens > 0
    assert request.startswith(b"POST /v9/rerank ")
    assert (b'"texts":' in request) == (prefix == "tei")


async def test_logits_become_probabilities(direct: Road) -> None:
    scores = [{"index": at, "relevance_score": logit} for at, logit in enumerate((-800.0, 0.0, 800.0))]
    async with raw_server(answer(json.dumps({"results": scores}).encode())) as server:
        found = await direct.rerank(texts=TEXTS[:3], api_base=server.url())
    assert found.scores == (0, 0.5, 1)


async def test_a_direct_model_needs_an_address(direct: Road) -> None:
    local = LocalRerankers(None)
    reranker = RoutedReranker(local, direct.http, direct.gate)
    with pytest.raises(ProviderRefused, match="api_base"):
        await reranker.rerank(ModelEndpoint("openai/bge", KEY), QUERY, TEXTS, 1)
    with pytest.raises(ValueError, match="nothing to rerank"):
        await reranker.rerank(ModelEndpoint("openai/bge", KEY), QUERY, [], 1)
    await local.aclose()
