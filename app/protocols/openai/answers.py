"""From an answer's events to a response: one object, or chunks.

A failure before any text is an HTTP error in both, so that clients raise and retry as they do elsewhere: a stream is
opened only when the first text, the abstention or the end has come. After text, a stream carries an ``error`` object
and no finish reason, and a whole answer is an error as well, since this protocol has no place for half of one; what
was written is stored and can be read at ``/v1/messages``.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from math import ceil
from typing import Any

import msgspec
from litestar.response import Response

from app.adapters.event_log import LoggedEvent
from app.chat.schemas import ChatAnswer
from app.chat.whole import assemble
from app.protocols.openai.data_stream import DataStream
from app.protocols.openai.errors import error_of, status_of
from app.protocols.openai.schemas import Completion
from app.protocols.openai.wire import DONE, Chunks, completion_of, encode

DECISIVE = frozenset({"delta", "abstained", "error", "done"})
"""Events that tell whether there will be an answer."""

Events = AsyncGenerator[LoggedEvent]


async def whole(events: Events, model: str, created: int) -> Response[Any]:
    """The answer as one object."""
    async with aclosing(events):
        answer = assemble([event async for event in events])
    if not isinstance(answer, ChatAnswer):
        return failure(answer)
    if answer.error is not None:
        return failure({**answer.error, "message_id": str(answer.message_id)})
    return Response[Completion](completion_of(answer, model, created), status_code=200)


async def streamed(events: Events, model: str, created: int, *, with_usage: bool) -> Response[Any] | DataStream:
    """The answer as a stream of chunks."""
    begun: list[LoggedEvent] = []
    async for event in events:
        begun.append(event)
        if event.type in DECISIVE:
            break
    if begun[-1].type == "error":
        await events.aclose()
        return failure(_data(begun[-1]))
    started = _data(begun[0])
    chunks = Chunks(started["message_id"], started["chat_id"], model, created, with_usage=with_usage)
    return DataStream(_pieces(begun, events, chunks))


def failure(problem: Mapping[str, Any]) -> Response[Any]:
    """A problem as an error of this protocol."""
    wait = problem.get("retry_after_s")
    headers = {} if wait is None else {"Retry-After": str(max(1, ceil(wait)))}
    return Response(error_of(problem), status_code=status_of(problem), headers=headers)


async def _pieces(begun: list[LoggedEvent], rest: Events, chunks: Chunks) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        yield chunks.first()
        for event in begun:
            for piece in _piece(event, chunks):
                yield piece
        async for event in rest:
            for piece in _piece(event, chunks):
                yield piece
        yield DONE


def _piece(event: LoggedEvent, chunks: Chunks) -> list[bytes]:
    data = _data(event)
    return [encode(error_of(data))] if event.type == "error" else chunks.pieces(event.type, data)


def _data(event: LoggedEvent) -> dict[str, Any]:
    return msgspec.json.decode(event.data, type=dict[str, Any])
