"""The promise of the LLM port, kept by all three roads: over real HTTP, with every fault a provider has."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.llm.dispatch import RoutedModel
from app.adapters.llm.port import ChatTurn, Completion, ModelEvent, ModelFinished, ModelUsage, TextDelta
from app.adapters.provider_errors import StreamCut
from app.adapters.provider_http import ProviderHttp
from app.adapters.provider_limits import ProviderLimits
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

pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")  # LiteLLM's own habit.
KEY = "sk-a-secret-of-the-tenant"
PROMPT = "Sources:\n[1] The bridge was opened in 1932. It is long.\n[2] Rome is old.\n\nWhen was it opened?"


@dataclass
class Road:
    prefix: str
    provider: ScriptedProvider
    http: ProviderHttp
    gate: LiteLLMGate

    @property
    def api_base(self) -> str:
        return self.provider.url if self.prefix == "ollama" else self.provider.openai_base

    def stream(
        self, model: str, limits: ProviderLimits | None = None, max_tokens: int | None = None
    ) -> AsyncGenerator[ModelEvent]:
        endpoint = ModelEndpoint(f"{self.prefix}/{model}", KEY, self.api_base)
        turns = (ChatTurn("system", "Answer from the sources."), ChatTurn("user", PROMPT))
        completion = Completion(endpoint, turns, temperature=0.5, max_tokens=max_tokens)
        return RoutedModel(self.http, self.gate, limits).stream(completion)

    async def ask(
        self, model: str, limits: ProviderLimits | None = None, max_tokens: int | None = None
    ) -> list[ModelEvent]:
        async with aclosing(self.stream(model, limits, max_tokens)) as events:
            return [event async for event in events]

    async def fails(self, model: str, limits: ProviderLimits | None = None) -> tuple[str, ProviderError]:
        """Return the text that came before the failure, and the failure."""
        said: list[str] = []

        async def read() -> None:
            async with aclosing(self.stream(model, limits)) as events:
                async for event in events:
                    assert isinstance(event, TextDelta)
                    said.append(event.text)

        with pytest.raises(ProviderError) as caught:
            await read()
        assert KEY not in caught.value.detail
        return "".join(said), caught.value


@pytest.fixture(params=["openai", "ollama", pytest.param("hosted_vllm", marks=pytest.mark.litellm)])
async def road(request: pytest.FixtureRequest, provider: ScriptedProvider) -> AsyncGenerator[Road]:
    gate = LiteLLMGate()
    if request.param == "hosted_vllm":
        await gate.load()  # Else its three seconds would count against the deadlines below.
    async with ProviderHttp() as http:
        yield Road(request.param, provider, http, gate)
    await gate.aclose()


async def test_an_answer_is_text_then_usage_then_an_end(road: Road) -> None:
    *deltas, usage, finished = await road.ask("scripted")
    assert (
        "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == "The bridge was opened in 1932 [1]."
    )
    assert len(deltas) > 3
    assert isinstance(usage, ModelUsage)
    assert usage.prompt_tokens > 10
    assert usage == ModelUsage(usage.prompt_tokens, 7)
    assert finished == ModelFinished("stop")


async def test_the_request_carries_turns_key_and_parameters(road: Road) -> None:
    await road.ask("scripted", max_tokens=50)
    (seen,) = road.provider.requests
    assert seen.key == KEY
    assert seen.model == "scripted"
    assert [turn["role"] for turn in seen.body["messages"]] == ["system", "user"]
    options = seen.body.get("options", seen.body)
    assert options["temperature"] == 0.5
    assert (options.get("max_tokens") or options.get("num_predict")) == 50


async def test_without_a_count_of_the_providers_there_is_no_usage(road: Road) -> None:
    events = await road.ask("scripted-no-usage")
    assert not any(isinstance(event, ModelUsage) for event in events)
    assert events[-1] == ModelFinished("stop")


async def test_an_answer_at_its_limit_says_so(road: Road) -> None:
    events = await road.ask("scripted", max_tokens=2)
    assert events[-1] == ModelFinished("length")


async def test_a_refused_key_is_not_tried_again(road: Road) -> None:
    _, error = await road.fails("scripted-401")
    assert isinstance(error, ProviderAuthFailed)
    assert len(road.provider.requests) == 1


async def test_a_refused_request_is_not_tried_again(road: Road) -> None:
    _, error = await road.fails("scripted-400")
    assert isinstance(error, ProviderRefused)
    assert len(road.provider.requests) == 1


async def test_a_rate_limit_keeps_the_providers_word_and_is_not_outwaited_past_the_deadline(road: Road) -> None:
    _, error = await road.fails("scripted-429", ProviderLimits(first_token_s=0.95))
    assert isinstance(error, ProviderRateLimited)
    assert error.retry_after_s == 1
    assert len(road.provider.requests) == 1


async def test_a_rate_limit_is_waited_out_where_time_allows(road: Road) -> None:
    await road.fails("scripted-429", ProviderLimits(first_token_s=2.9))
    assert len(road.provider.requests) > 1


async def test_a_server_error_is_tried_three_times_in_all(road: Road) -> None:
    _, error = await road.fails("scripted-500")
    assert type(error) is ProviderError
    assert len(road.provider.requests) == 3


async def test_a_passing_fault_is_not_noticed(road: Road) -> None:
    events = await road.ask("scripted-flaky-2")
    assert events[-1] == ModelFinished("stop")
    assert len(road.provider.requests) == 3


@pytest.mark.parametrize("fault", ["midstream-500", "cut", "cut-clean"])
async def test_a_fault_in_mid_stream_is_an_error_and_not_tried_again(road: Road, fault: str) -> None:
    text, error = await road.fails(f"scripted-{fault}")
    assert text == "The bridge "
    assert error.status == 502
    assert isinstance(error, StreamCut) or fault == "midstream-500"
    assert len(road.provider.requests) == 1


@pytest.mark.parametrize("fault", ["html", "error-200", "garbage", "cut-early"])
async def test_nonsense_before_the_first_token_is_an_error_and_its_body_stays_unsaid(road: Road, fault: str) -> None:
    text, error = await road.fails(f"scripted-{fault}")
    assert text == ""
    assert "<html>" not in error.detail
    assert "this is not JSON" not in error.detail
    assert len(road.provider.requests) == 3


async def test_no_first_token_in_time_is_a_timeout_and_the_upstream_is_closed(road: Road) -> None:
    _, error = await road.fails("scripted-hang", ProviderLimits(first_token_s=0.6))
    assert isinstance(error, ProviderTimeout)
    assert await road.provider.aborted()
    assert len(road.provider.requests) == 1


async def test_silence_between_tokens_is_a_timeout_and_the_upstream_is_closed(road: Road) -> None:
    text, error = await road.fails("scripted-stall", ProviderLimits(idle_s=0.5))
    assert text == "The bridge "
    assert isinstance(error, ProviderTimeout)
    assert await road.provider.aborted()


async def test_an_endless_answer_ends_at_the_total_deadline(road: Road) -> None:
    text, error = await road.fails("scripted-tokens-1000-20", ProviderLimits(total_s=0.3))
    assert text.startswith("word0 ")
    assert isinstance(error, ProviderTimeout)
    assert await road.provider.aborted()


async def test_closing_the_stream_closes_the_upstream(road: Road) -> None:
    async with aclosing(road.stream("scripted-tokens-1000-5")) as events:
        await anext(events)
    assert await road.provider.aborted()
    assert road.provider.requests[0].sent < 1000


async def test_cancelling_the_task_closes_the_upstream(road: Road) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async with aclosing(road.stream("scripted-stall")) as events:
            async for _ in events:
                begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await road.provider.aborted()


async def test_streams_do_not_disturb_one_another(road: Road) -> None:
    answers = await asyncio.gather(*[road.ask("scripted-tokens-20-1") for _ in range(10)])
    assert all(len([event for event in events if isinstance(event, TextDelta)]) == 20 for events in answers)


async def test_the_address_is_vetted_before_anything_is_sent(road: Road) -> None:
    async def refuse(_url: str) -> None:
        raise Forbidden("This address may not be reached.")

    async with ProviderHttp(vet=refuse) as http:
        with pytest.raises(Forbidden):
            await Road(road.prefix, road.provider, http, road.gate).ask("scripted")
    assert road.provider.requests == []
