"""LiteLLM at our door, as its users write it: ``openai/<bot>`` with an ``api_base``."""

from typing import Any

import pytest

from tests.protocols.served import PAID, Served, a_bot, a_token, limit
from tests.support.house import Office
from tests.support.provider import ScriptedProvider

pytestmark = [pytest.mark.litellm, pytest.mark.filterwarnings("ignore")]  # Its own warnings are not ours to mend.

USER: Any = [{"role": "user", "content": PAID}]


@pytest.fixture
def door(served: Served, office: Office) -> dict[str, Any]:
    return {"api_base": f"{served.url}/openai/v1", "api_key": office.token, "max_retries": 0, "timeout": 20}


async def test_whole_and_streamed_with_citations_and_usage(
    door: dict[str, Any], office: Office, provider: ScriptedProvider
) -> None:
    import litellm

    await a_bot(office, provider)
    whole: Any = await litellm.acompletion(model="openai/scripted", messages=USER, temperature=0.2, **door)
    choice = whole.choices[0]
    assert choice.finish_reason == "stop"
    assert choice.message.provider_specific_fields["citations"][0]["title"] == "Handbook"
    assert whole.usage.total_tokens > 0
    stream: Any = await litellm.acompletion(
        model="openai/scripted", messages=USER, stream=True, stream_options={"include_usage": True}, **door
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == choice.message.content
    assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
    assert any(getattr(chunk, "citations", None) for chunk in chunks)


async def test_embeddings(door: dict[str, Any]) -> None:
    import litellm

    made: Any = await litellm.aembedding(model="openai/granite-embedding-30m-english", input=["leave", "pay"], **door)
    assert [len(item["embedding"]) for item in made.data] == [384, 384]
    assert made.usage.prompt_tokens > 0


async def test_errors_are_its_own_exceptions(door: dict[str, Any], office: Office, provider: ScriptedProvider) -> None:
    import litellm
    from litellm import exceptions

    await a_bot(office, provider, "scripted-500")
    scoped = await a_token(office, "search")
    cases: list[tuple[type[Exception], dict[str, Any]]] = [
        (exceptions.AuthenticationError, {"api_key": "mr_wrong"}),
        (exceptions.APIError, {"api_key": scoped}),  # It has no name for 403 from OpenAI.
        (exceptions.NotFoundError, {"model": "openai/nobody"}),
        (exceptions.BadRequestError, {"messages": [{"role": "user", "content": " "}]}),
        (exceptions.BadGatewayError, {"model": "openai/scripted-500"}),
    ]
    ask: Any = {"model": "openai/Assistant", "messages": USER, **door}
    for kind, changed in cases:
        with pytest.raises(kind):
            await litellm.acompletion(**{**ask, **changed})
    await limit(office, requests_per_minute=0)
    with pytest.raises(exceptions.RateLimitError):
        await litellm.acompletion(**ask)
