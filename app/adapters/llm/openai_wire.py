"""The OpenAI chat protocol on the wire: how a request is written and what a streamed chunk means.

Protocol: https://platform.openai.com/docs/api-reference/chat-streaming. Compatible servers bend it, so what is not
needed is not read: ``choices`` may be empty or null, ``content`` a string or a list of parts, reasoning may come
under two names.
"""

from typing import Literal, assert_never

import msgspec

from app.adapters.llm.port import Completion, ModelUsage
from app.adapters.openai_address import is_openai_itself
from app.adapters.provider_errors import error_in_body
from app.kit.errors import ProviderError, ProviderRefused
from app.kit.models import ModelEndpoint


class _Part(msgspec.Struct):
    type: str | None = None
    text: str | None = None


class _Delta(msgspec.Struct):
    content: str | list[_Part] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None


class Piece(msgspec.Struct, frozen=True):
    """What one chunk says: text to pass on, whether the model thinks, why it ended, what it counted."""

    text: str = ""
    thinking: bool = False
    finished: Literal["stop", "length"] | None = None
    usage: ModelUsage | None = None


_decoder = msgspec.json.Decoder(_Chunk, strict=False)
_encoder = msgspec.json.Encoder()


def request_body(completion: Completion, model: str) -> bytes:
    """Write the request. OpenAI's newer models refuse ``max_tokens``; other servers know no other name for it."""
    body: dict[str, object] = {
        "model": model,
        "messages": [{"role": turn.role, "content": turn.content} for turn in completion.turns],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if completion.temperature is not None:
        body["temperature"] = completion.temperature
    if completion.max_tokens is not None:
        limit = "max_completion_tokens" if is_openai_itself(completion.endpoint) else "max_tokens"
        body[limit] = completion.max_tokens
    return _encoder.encode(body)


def read_chunk(endpoint: ModelEndpoint, payload: bytes) -> Piece:
    """Read one chunk. Raises the ProviderError it reports, and ProviderError when it is not a chunk at all."""
    if error := error_in_body(endpoint, payload):
        raise error
    try:
        chunk = _decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise ProviderError(f"{endpoint.model}: the provider sent something that is not a chat chunk.") from error
    usage = _usage(chunk.usage)
    if not chunk.choices:
        return Piece(usage=usage)
    choice = chunk.choices[0]
    said = choice.delta or choice.message or _Delta()
    thinking = bool(said.reasoning_content or said.reasoning)
    return Piece(_text(said.content), thinking, finish_reason(endpoint, choice.finish_reason), usage)


def finish_reason(endpoint: ModelEndpoint, word: str | None) -> Literal["stop", "length"] | None:
    """Translate a provider's reason for ending. Raises for the two that are not proper ends of an answer."""
    match word:
        case None | "":
            return None
        case "length" | "max_tokens":
            return "length"
        case "content_filter":
            raise ProviderRefused(f"{endpoint.model}: the provider's content filter stopped the answer.")
        case "error":
            raise ProviderError(f"{endpoint.model}: the provider gave the answer up with an error.")
        case _:
            return "stop"


def _text(content: str | list[_Part] | None) -> str:
    match content:
        case None:
            return ""
        case str():
            return content
        case list():
            return "".join(part.text or "" for part in content if part.type in (None, "text"))
        case _:
            assert_never(content)


def _usage(usage: _Usage | None) -> ModelUsage | None:
    if usage is None or usage.prompt_tokens is None:
        return None
    return ModelUsage(usage.prompt_tokens, usage.completion_tokens or 0)
