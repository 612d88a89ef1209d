"""The direct road to Ollama: ``/api/chat``, one JSON object a line.

Protocol: https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion.
"""

from collections.abc import AsyncGenerator

import msgspec

from app.adapters.llm.openai_wire import finish_reason
from app.adapters.llm.port import Completion, ModelEvent, ModelFinished, ModelUsage, TextDelta
from app.adapters.ollama_address import ollama_headers, ollama_model, ollama_url
from app.adapters.provider_errors import StreamCut, error_in_body
from app.adapters.provider_http import ProviderHttp, body_chunks, drain
from app.kit.errors import ProviderError
from app.kit.models import ModelEndpoint

LINE_LIMIT_BYTES = 4 * 1024 * 1024
SMALLEST_WINDOW = 4096  # Tokens; what Ollama takes by itself.


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None


class _Line(msgspec.Struct):
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None


_decoder = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder()


class OllamaRoad:
    """Streams ``/api/chat`` of ``api_base``, by default the one on this machine."""

    def __init__(self, http: ProviderHttp) -> None:
        self._http = http

    async def attempt(self, completion: Completion) -> AsyncGenerator[ModelEvent]:
        """Ask once. Raises ProviderError and its kin; StreamCut when the answer ends unfinished."""
        endpoint = completion.endpoint
        url = ollama_url(endpoint, "api/chat")
        body = _request_body(completion)
        last: _Line | None = None
        async with self._http.stream(endpoint, url, ollama_headers(endpoint), body) as response:
            chunks = body_chunks(response)
            async for payload in _lines(endpoint, chunks):
                line = _read_line(endpoint, payload)
                if line.message and (line.message.content or line.message.thinking):
                    yield TextDelta(line.message.content or "")
                if line.done:
                    last = line
                    await drain(chunks)
                    break
        if last is None:
            raise StreamCut(f"{endpoint.model}: the answer was cut in mid-stream.")
        if last.prompt_eval_count is not None or last.eval_count is not None:
            yield ModelUsage(last.prompt_eval_count or 0, last.eval_count or 0)
        yield ModelFinished(finish_reason(endpoint, last.done_reason) or "stop")


def _request_body(completion: Completion) -> bytes:
    options: dict[str, float | int] = {"num_ctx": _window(completion)}
    if completion.temperature is not None:
        options["temperature"] = completion.temperature
    if completion.max_tokens is not None:
        options["num_predict"] = completion.max_tokens
    turns = [{"role": turn.role, "content": turn.content} for turn in completion.turns]
    model = ollama_model(completion.endpoint)
    return _encoder.encode({"model": model, "messages": turns, "stream": True, "options": options})


def _window(completion: Completion) -> int:
    """Return the context window to ask for, in tokens.

    Ollama silently drops the beginning of a prompt that exceeds its window, which is where the sources stand. Three
    characters a token is a cautious count; powers of two, because each new size makes Ollama load the model again.
    """
    asked = completion.endpoint.extra.get("num_ctx", "")
    if asked.isdecimal():
        return int(asked)
    needed = sum(len(turn.content) for turn in completion.turns) // 3 + (completion.max_tokens or 1024)
    window = SMALLEST_WINDOW
    while window < needed:
        window *= 2
    return window


async def _lines(endpoint: ModelEndpoint, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LINE_LIMIT_BYTES:
            raise ProviderError(f"{endpoint.model}: the provider sent a line of more than 4 MB.")
        for line in lines:
            if stripped := line.strip():
                yield stripped
    if last := rest.strip():
        yield last


def _read_line(endpoint: ModelEndpoint, payload: bytes) -> _Line:
    if error := error_in_body(endpoint, payload):
        raise error
    try:
        return _decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise ProviderError(f"{endpoint.model}: the provider sent something that is not a chat line.") from error
