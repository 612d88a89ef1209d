"""The direct roads where they differ from the contract: addresses, odd servers, and what keeps a tenant in bounds."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.llm.dispatch import RoutedModel, needs_litellm
from app.adapters.llm.ollama import OllamaRoad
from app.adapters.llm.openai_compatible import OpenAIRoad
from app.adapters.llm.openai_wire import request_body
from app.adapters.llm.port import ChatTurn, Completion, ModelEvent, ModelFinished, ModelUsage, TextDelta
from app.adapters.openai_address import openai_headers, openai_url
from app.adapters.provider_errors import error_for_status, retry_after_s
from app.adapters.provider_http import ProviderHttp
from app.adapters.provider_limits import ProviderLimits
from app.kit.errors import Forbidden, ProviderAuthFailed, ProviderError, ProviderRefused, ProviderTimeout
from app.kit.models import ModelEndpoint
from tests.support.provider import ScriptedProvider
from tests.support.raw_server import answer, events, raw_server

ENDING = '{"choices":[{"delta":{},"finish_reason":"stop"}]}'
TURNS = (ChatTurn("user", "Hello"),)


@pytest.fixture
async def http() -> AsyncGenerator[ProviderHttp]:
    async with ProviderHttp() as opened:
        yield opened


async def ask(
    http: ProviderHttp, endpoint: ModelEndpoint, limits: ProviderLimits | None = None, **options: int
) -> list[ModelEvent]:
    model = RoutedModel(http, LiteLLMGate(), limits)
    async with aclosing(model.stream(Completion(endpoint, TURNS, **options))) as stream:
        return [event async for event in stream]


def at(url: str, model: str = "openai/m", key: str | None = "sk-key-of-tenant") -> ModelEndpoint:
    return ModelEndpoint(model, key, url)


def delta(text: str) -> str:
    return json.dumps({"choices": [{"delta": {"content": text}}]}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("model", "direct"),
    [
        ("openai/gpt-4o", OpenAIRoad),
        ("gpt-4o-mini", OpenAIRoad),
        ("o3-mini", OpenAIRoad),
        ("chatgpt-4o-latest", OpenAIRoad),
        ("ollama/llama3.2:1b", OllamaRoad),
        ("ollama_chat/qwen3", OllamaRoad),
        ("openai/responses/gpt-5", None),
        ("anthropic/claude-sonnet", None),
        ("azure/gpt-4o", None),
        ("gpt-oss/x", None),
    ],
)
async def test_the_models_name_picks_the_road(http: ProviderHttp, model: str, direct: type | None) -> None:
    road = RoutedModel(http, LiteLLMGate()).road(model)
    assert needs_litellm(model) == (direct is None)
    assert direct is None or isinstance(road, direct)


def test_openai_itself_is_asked_with_its_newer_parameter_and_others_with_the_old_one() -> None:
    for base, name in ((None, "max_completion_tokens"), ("http://localhost:1/v1", "max_tokens")):
        body = json.loads(request_body(Completion(ModelEndpoint("openai/m", "k", base), TURNS, None, 5), "m"))
        assert body[name] == 5
        assert "temperature" not in body
    assert openai_url(ModelEndpoint("gpt-4o"), "embeddings") == "https://api.openai.com/v1/embeddings"


def test_headers_name_the_organization_where_there_is_one() -> None:
    assert openai_headers(ModelEndpoint("gpt-4o")) == {}
    headers = openai_headers(ModelEndpoint("gpt-4o", "k", None, {"organization": "o", "other": "x"}))
    assert headers == {"authorization": "Bearer k", "OpenAI-Organization": "o"}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
async def test_an_answer_that_only_says_done_is_finished(http: ProviderHttp, newline: str) -> None:
    async with raw_server(events(delta("Grüße "), delta("🌍"), "[DONE]", newline=newline), close=True) as server:
        assert await ask(http, at(server.url())) == [TextDelta("Grüße "), TextDelta("🌍"), ModelFinished("stop")]


async def test_an_answer_with_a_reason_but_no_done_is_finished(http: ProviderHttp) -> None:
    async with raw_server(events(delta("x"), ENDING), close=True) as server:
        assert (await ask(http, at(server.url())))[-1] == ModelFinished("stop")


async def test_bytes_that_come_one_by_one_are_the_same_answer(http: ProviderHttp) -> None:
    whole = events(delta("Grüße 🌍"), ENDING, "[DONE]", newline="\r\n")
    async with raw_server(*[whole[i : i + 1] for i in range(len(whole))], close=True) as server:
        assert await ask(http, at(server.url())) == [TextDelta("Grüße 🌍"), ModelFinished("stop")]


async def test_a_server_that_will_not_stream_is_understood(http: ProviderHttp) -> None:
    whole = {
        "choices": [{"message": {"content": "All at once."}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 3},
    }
    async with raw_server(answer(json.dumps(whole).encode())) as server:
        found = await ask(http, at(server.url()))
    assert found == [TextDelta("All at once."), ModelUsage(2, 3), ModelFinished("length")]


async def test_thinking_counts_as_life_but_is_not_passed_on(http: ProviderHttp) -> None:
    thought = events('{"choices":[{"delta":{"reasoning_content":"hm"}}]}')
    more = [b'data: {"choices":[{"delta":{"reasoning":"hm"}}]}\n\n'] * 5
    last = f"data: {delta('So.')}\n\ndata: {ENDING}\n\n".encode()
    async with raw_server(thought, *more, last, close=True, pause_s=0.25) as server:
        limits = ProviderLimits(first_token_s=1, idle_s=1)
        assert await ask(http, at(server.url()), limits) == [TextDelta("So."), ModelFinished("stop")]


async def test_keep_alive_comments_do_not_count_as_tokens(http: ProviderHttp) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    async with raw_server(head, *[b": still here\n\n"] * 50, pause_s=0.02) as server:
        with pytest.raises(ProviderError, match=r"no token within 0\.2 s"):
            await ask(http, at(server.url()), ProviderLimits(first_token_s=0.2))


async def test_a_slow_reader_is_not_a_slow_provider(http: ProviderHttp, provider: ScriptedProvider) -> None:
    model = RoutedModel(http, LiteLLMGate(), ProviderLimits(idle_s=0.05))
    endpoint = at(provider.openai_base, "openai/scripted-tokens-3-1")
    count = 0
    async with aclosing(model.stream(Completion(endpoint, TURNS))) as stream:
        async for _ in stream:
            await asyncio.sleep(0.1)
            count += 1
    assert count == 5


async def test_a_redirect_is_not_followed(http: ProviderHttp, provider: ScriptedProvider) -> None:
    moved = answer(b"", "307 Temporary Redirect", more=f"location: {provider.openai_base}/chat/completions\r\n")
    async with raw_server(moved) as server:
        with pytest.raises(ProviderRefused, match="307"):
            await ask(http, at(server.url()))
    assert provider.requests == []


@pytest.mark.parametrize("model", ["openai/m", "ollama/m"])
async def test_every_address_is_vetted_before_anything_is_sent(provider: ScriptedProvider, model: str) -> None:
    vetted: list[str] = []

    async def refuse(url: str) -> None:
        vetted.append(url)
        raise Forbidden("This address may not be reached.")

    async with ProviderHttp(vet=refuse) as http:
        with pytest.raises(Forbidden):
            await ask(http, at(provider.url, model))
    assert len(vetted) == 1
    assert vetted[0].startswith(provider.url)
    assert provider.requests == []


@pytest.mark.parametrize("key", ["sk-ключ", "sk-line\r\nx-injected: 1", "sk-null\0"])
async def test_a_key_that_cannot_be_a_header_is_refused_unsaid(
    http: ProviderHttp, provider: ScriptedProvider, key: str
) -> None:
    with pytest.raises(ProviderAuthFailed) as caught:
        await ask(http, at(provider.openai_base, key=key))
    assert key not in caught.value.detail
    assert provider.requests == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid", "ftp://x", "http://[", "//"])
async def test_an_address_that_leads_nowhere_is_a_provider_error(http: ProviderHttp, url: str) -> None:
    with pytest.raises(ProviderError, match="Check its address"):
        await ask(http, at(url), ProviderLimits(first_token_s=2))


async def test_a_connection_is_used_again_after_an_answer_read_to_its_end(http: ProviderHttp) -> None:
    body = f"data: {delta('x')}\n\ndata: {ENDING}\n\ndata: [DONE]\n\n".encode()
    async with raw_server(answer(body, content_type="text/event-stream")) as server:
        for _ in range(3):
            await ask(http, at(server.url()))
    assert server.connections == 1
    assert len(server.heard) == 3


async def test_ollama_is_given_a_window_the_prompt_fits_in(http: ProviderHttp, provider: ScriptedProvider) -> None:
    model = RoutedModel(http, LiteLLMGate())
    for text, extra, window in (("x", {}, 4096), ("x" * 30_000, {}, 16384), ("x", {"num_ctx": "2048"}, 2048)):
        endpoint = ModelEndpoint("ollama/scripted", None, provider.url, extra)
        async with aclosing(model.stream(Completion(endpoint, (ChatTurn("user", text),)))) as stream:
            assert [event async for event in stream][-1] == ModelFinished("stop")
        assert provider.requests[-1].body["options"]["num_ctx"] == window
        assert provider.requests[-1].key == ""


async def test_ollamas_thinking_errors_and_nonsense(http: ProviderHttp) -> None:
    thinking = b'{"message":{"thinking":"hm"}}\n\n{"message":{"content":"So."},"done":true,"eval_count":2}'
    async with raw_server(answer(thinking)) as server:
        found = await ask(http, at(server.url(), "ollama/m"))
    assert found == [TextDelta("So."), ModelUsage(0, 2), ModelFinished("stop")]
    async with raw_server(answer(b'{"error":"model not found"}\n', "404 Not Found")) as server:
        with pytest.raises(ProviderRefused, match="model not found"):
            await ask(http, at(server.url(), "ollama/m"))
    async with raw_server(answer(b"<html>\n")) as server:
        with pytest.raises(ProviderError, match="not a chat line"):
            await ask(http, at(server.url(), "ollama/m"))
    async with raw_server(answer(b"x" * 5_000_000)) as server:
        with pytest.raises(ProviderError, match="more than 4 MB"):
            await ask(http, at(server.url(), "ollama/m"))


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, None), ("3", 3), ("0.5", 0.5), ("-1", 0), ("soon", None), ("Thu, 01 Jan 2026 00:00:00 GMT", 0)],
)
def test_retry_after_is_read_as_seconds(header: str | None, expected: float | None) -> None:
    assert retry_after_s(header) == expected


@pytest.mark.parametrize(
    ("status", "kind", "again"),
    [
        (302, ProviderRefused, False),
        (403, ProviderAuthFailed, False),
        (408, ProviderTimeout, True),
        (409, ProviderError, True),
        (413, ProviderRefused, False),
        (503, ProviderError, True),
    ],
)
def test_a_status_has_its_own_failure(status: int, kind: type[ProviderError], again: bool) -> None:
    error = error_for_status(ModelEndpoint("m"), status, "words")
    assert type(error) is kind
    assert error.transient is again


async def test_an_event_without_end_is_given_up(http: ProviderHttp) -> None:
    async with raw_server(events("x" * 5_000_000), close=True) as server:
        with pytest.raises(ProviderError, match="more than 4 MB"):
            await ask(http, at(server.url()))


async def test_a_connection_lost_after_the_end_is_no_fault(http: ProviderHttp) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    body = f"data: {delta('x')}\n\ndata: {ENDING}\n\n".encode()
    async with raw_server(head, b"%x\r\n%b\r\n" % (len(body), body), close=True) as server:
        assert await ask(http, at(server.url())) == [TextDelta("x"), ModelFinished("stop")]
