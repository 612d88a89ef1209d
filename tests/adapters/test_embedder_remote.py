"""Embeddings over HTTP: one contract for the three roads, then what each road is told and what is refused."""

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from app.adapters.embedder.dispatch import RoutedEmbedder
from app.adapters.embedder.local import LocalEmbedder
from app.adapters.embedder.port import Embeddings, Purpose
from app.adapters.embedder.registry import KNOWN_EMBEDDING_MODELS, LOCAL_MODEL, input_type, known, with_prefix
from app.adapters.embedder.slices import CHARACTERS_PER_REQUEST
from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.provider_http import ProviderHttp
from app.adapters.provider_limits import ProviderLimits
from app.kit.errors import Forbidden, ProviderAuthFailed, ProviderError, ProviderRateLimited, ProviderTimeout
from app.kit.models import ModelEndpoint
from tests.support.provider import ScriptedProvider
from tests.support.raw_server import answer, raw_server

pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")  # LiteLLM's own habit.
KEY = "sk-a-secret-of-the-tenant"


@dataclass
class Road:
    prefix: str
    provider: ScriptedProvider
    http: ProviderHttp
    gate: LiteLLMGate

    async def embed(
        self,
        model: str,
        texts: Sequence[str],
        purpose: Purpose = "document",
        limits: ProviderLimits | None = None,
        api_base: str | None = None,
    ) -> Embeddings:
        own = self.provider.url if self.prefix == "ollama" else self.provider.openai_base
        local = LocalEmbedder()
        embedder = RoutedEmbedder(local, self.http, self.gate, limits)
        try:
            return await embedder.embed(ModelEndpoint(f"{self.prefix}/{model}", KEY, api_base or own), texts, purpose)
        finally:
            await local.aclose()


@pytest.fixture(params=["openai", "ollama", pytest.param("hosted_vllm", marks=pytest.mark.litellm)])
async def road(request: pytest.FixtureRequest, provider: ScriptedProvider) -> AsyncGenerator[Road]:
    gate = LiteLLMGate()
    if request.param == "hosted_vllm":
        await gate.load()  # Else its three seconds would count against the deadlines below.
    async with ProviderHttp() as http:
        yield Road(request.param, provider, http, gate)
    await gate.aclose()


@pytest.fixture
async def openai(provider: ScriptedProvider) -> AsyncGenerator[Road]:
    async with ProviderHttp() as http:
        yield Road("openai", provider, http, LiteLLMGate())


async def test_vectors_come_in_the_order_of_the_texts_and_have_length_1(road: Road) -> None:
    texts = ["one bridge", "two rivers", "three old towns"]
    found = await road.embed("scripted-embed-32", texts)
    assert found.vectors.shape == (3, 32)
    assert found.vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)
    assert (found.tokens, found.estimated) == (10, False)
    for text, vector in zip(texts, found.vectors, strict=True):
        assert np.allclose((await road.embed("scripted-embed-32", [text])).vectors[0], vector)
    assert road.provider.requests[0].key == KEY


async def test_many_texts_go_in_several_requests_and_come_back_in_order(road: Road) -> None:
    texts = [f"text number {number}" for number in range(250)]
    found = await road.embed("scripted", texts)
    assert found.vectors.shape == (250, road.provider.dimension)
    assert sorted(len(seen.body["input"]) for seen in road.provider.requests) == [58, 96, 96]
    last = await road.embed("scripted", texts[-1:])
    assert np.allclose(found.vectors[-1], last.vectors[0])


async def test_a_provider_that_does_not_count_is_counted_for(road: Road) -> None:
    found = await road.embed("scripted-no-usage", ["x" * 400])
    assert found.estimated
    assert found.tokens == 101


async def test_a_refused_key_is_not_tried_again(road: Road) -> None:
    with pytest.raises(ProviderAuthFailed) as caught:
        await road.embed("scripted-401", ["x"])
    assert KEY not in caught.value.detail
    assert len(road.provider.requests) == 1


async def test_a_rate_limit_keeps_the_providers_word(road: Road) -> None:
    with pytest.raises(ProviderRateLimited) as caught:
        await road.embed("scripted-429", ["x"], limits=ProviderLimits(first_token_s=0.95))
    assert caught.value.retry_after_s == 1
    assert len(road.provider.requests) == 1


async def test_a_passing_fault_is_not_noticed(road: Road) -> None:
    assert (await road.embed("scripted-flaky-2", ["x"])).vectors.shape[0] == 1
    assert len(road.provider.requests) == 3


async def test_a_lasting_fault_is_an_error_after_three_tries(road: Road) -> None:
    with pytest.raises(ProviderError):
        await road.embed("scripted-500", ["x"])
    assert len(road.provider.requests) == 3


async def test_silence_is_a_timeout_and_the_upstream_is_closed(road: Road) -> None:
    with pytest.raises(ProviderTimeout):
        await road.embed("scripted-hang", ["x"], limits=ProviderLimits(first_token_s=0.6))
    assert await road.provider.aborted()


@pytest.mark.parametrize("fault", ["html", "error-200", "garbage", "cut-early"])
async def test_nonsense_is_an_error_and_stays_unsaid(road: Road, fault: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await road.embed(f"scripted-{fault}", ["x"])
    assert "<html>" not in caught.value.detail


async def test_every_address_is_vetted(provider: ScriptedProvider, road: Road) -> None:
    async def refuse(_url: str) -> None:
        raise Forbidden("This address may not be reached.")

    async with ProviderHttp(vet=refuse) as http:
        with pytest.raises(Forbidden):
            await Road(road.prefix, provider, http, road.gate).embed("scripted", ["x"])
    assert provider.requests == []


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"embedding": []}],
        [{"embedding": [0.0, 0.0]}],
        [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}],
        [{"embedding": [1e39, 1.0]}],
    ],
)
async def test_vectors_that_cannot_be_right_are_refused(openai: Road, data: list[dict[str, list[float]]]) -> None:
    async with raw_server(answer(json.dumps({"data": data}).encode())) as server:
        with pytest.raises(ProviderError):
            await openai.embed("m", ["x"] * max(len(data), 1), api_base=server.url())


async def test_one_failing_slice_ends_all(openai: Road) -> None:
    with pytest.raises(ProviderAuthFailed):
        await openai.embed("scripted-401", ["x"] * 3000)
    assert len(openai.provider.requests) < 10


async def test_long_texts_are_spread_over_requests(openai: Road) -> None:
    await openai.embed("scripted", ["x" * (CHARACTERS_PER_REQUEST // 2 + 1)] * 3)
    assert [len(seen.body["input"]) for seen in openai.provider.requests] == [1, 1, 1]


async def test_a_known_model_gets_its_prefixes(provider: ScriptedProvider) -> None:
    async with ProviderHttp() as http:
        road = Road("ollama", provider, http, LiteLLMGate())
        await road.embed("nomic-embed-text:latest", ["river"], "query")
        await road.embed("nomic-embed-text", ["river"], "document")
        await road.embed("other", ["river"], "query")
    sent = [seen.body["input"] for seen in provider.requests]
    assert sent == [["search_query: river"], ["search_document: river"], ["river"]]


@pytest.mark.litellm
async def test_a_model_that_wants_an_input_type_gets_it(provider: ScriptedProvider) -> None:
    gate = LiteLLMGate()
    async with ProviderHttp() as http:
        road = Road("voyage", provider, http, gate)
        await road.embed("voyage-3.5", ["river"], "query")
        await road.embed("voyage-3.5", ["river"], "document")
    await gate.aclose()
    assert [seen.body["input_type"] for seen in provider.requests] == ["query", "document"]


async def test_nothing_to_embed_is_a_mistake_of_the_caller(openai: Road) -> None:
    with pytest.raises(ValueError, match="nothing to embed"):
        await openai.embed("m", [])


def test_what_is_known_of_models() -> None:
    assert known("text-embedding-3-small") is known("openai/text-embedding-3-small")
    assert known(LOCAL_MODEL) is KNOWN_EMBEDDING_MODELS[0]
    assert known("unheard/of") is None
    assert with_prefix("ollama/mxbai-embed-large", ["x"], "query")[0].endswith("passages: x")
    assert input_type("cohere/embed-v4.0", "query") == "search_query"
    assert input_type("openai/text-embedding-3-small", "query") is None
    assert len({entry.model for entry in KNOWN_EMBEDDING_MODELS}) == len(KNOWN_EMBEDDING_MODELS)
