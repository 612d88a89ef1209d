"""The direct road to every server that speaks OpenAI's chat protocol."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx

from app.adapters.llm.openai_wire import Piece, read_chunk, request_body
from app.adapters.llm.port import Completion, ModelEvent, ModelFinished, ModelUsage, TextDelta
from app.adapters.llm.sse import EventTooLarge, SseDecoder
from app.adapters.openai_address import openai_headers, openai_url
from app.adapters.provider_errors import StreamCut
from app.adapters.provider_http import ANSWER_BYTES, ProviderHttp, body_chunks, drain, read_bounded
from app.kit.errors import ProviderError
from app.kit.models import ModelEndpoint

DONE = b"[DONE]"


class OpenAIRoad:
    """Streams ``/chat/completions`` of ``api_base``, by default OpenAI's own."""

    def __init__(self, http: ProviderHttp) -> None:
        self._http = http

    async def attempt(self, completion: Completion) -> AsyncGenerator[ModelEvent]:
        """Ask once. Raises ProviderError and its kin; StreamCut when the answer ends unfinished."""
        endpoint = completion.endpoint
        url = openai_url(endpoint, "chat/completions")
        body = request_body(completion, endpoint.model.removeprefix("openai/"))
        usage: ModelUsage | None = None
        finished: ModelFinished | None = None
        try:
            async with (
                self._http.stream(endpoint, url, openai_headers(endpoint), body) as response,
                aclosing(_pieces(endpoint, response)) as pieces,
            ):
                async for piece in pieces:
                    usage = piece.usage or usage
                    if piece.finished and finished is None:
                        finished = ModelFinished(piece.finished)
                    if piece.text or piece.thinking:
                        yield TextDelta(piece.text)
        except StreamCut:
            if finished is None:
                raise  # After the reason for ending, only the closing formula was lost.
        if finished is None:
            raise StreamCut(f"{endpoint.model}: the answer was cut in mid-stream.")
        if usage:
            yield usage
        yield finished


async def _pieces(endpoint: ModelEndpoint, response: httpx.Response) -> AsyncGenerator[Piece]:
    """Read the answer to its end, which the transport or ``[DONE]`` marks."""
    if response.headers.get("content-type", "").startswith("application/json"):
        # A server that will not stream, or an error under a status of 200.
        yield read_chunk(endpoint, await read_bounded(response, ANSWER_BYTES))
        return
    decoder = SseDecoder()
    chunks = body_chunks(response)
    async for chunk in chunks:
        for payload in _fed(decoder, chunk, endpoint):
            if payload == DONE:
                yield Piece(finished="stop")
                await drain(chunks)
                return
            yield read_chunk(endpoint, payload)
    for payload in decoder.finish():
        yield Piece(finished="stop") if payload == DONE else read_chunk(endpoint, payload)


def _fed(decoder: SseDecoder, chunk: bytes, endpoint: ModelEndpoint) -> list[bytes]:
    try:
        return decoder.feed(chunk)
    except EventTooLarge as error:
        raise ProviderError(f"{endpoint.model}: the provider sent an event of more than 4 MB.") from error
