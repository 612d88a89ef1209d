"""A stream of bare ``data:`` lines, as this protocol has it: no event names, no ids, nothing to resume.

The same manners as our own streams: a comment now and then for proxies that cut what is silent, a reader that takes
nothing is dropped, and a client that goes ends nothing but this response.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
import structlog
from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, Receive, Scope, Send

from app.http.event_stream import PING_S, SEND_TIMEOUT_S

HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
PING = b": ping\n\n"

log = structlog.get_logger(__name__)


class DataStream:
    """An ASGI response that sends pieces until they end; it closes what makes them."""

    def __init__(self, pieces: AsyncGenerator[bytes], *, ping_s: float = PING_S, timeout_s: float = SEND_TIMEOUT_S):
        self._pieces = pieces
        self._ping_s = ping_s
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream; its end is missing where the reader was dropped."""
        start: HTTPResponseStartEvent = {"type": "http.response.start", "status": 200, "headers": HEADERS}
        try:
            await send(start)
            async with anyio.create_task_group() as group:
                group.start_soon(_leave_with_client, receive, group.cancel_scope)
                group.start_soon(self._ping, send)
                async with aclosing(self._pieces) as pieces:
                    async for piece in pieces:
                        with anyio.fail_after(self._timeout_s):
                            await send(_body(piece))
                group.cancel_scope.cancel()
            await send(_body(b"", more=False))
        except* TimeoutError:
            log.info("stream.reader_dropped", after_s=self._timeout_s)

    async def _ping(self, send: Send) -> None:
        while True:
            await anyio.sleep(self._ping_s)
            await send(_body(PING))


async def _leave_with_client(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _body(body: bytes, *, more: bool = True) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": more}
