"""Just enough HTTP/1.1 over asyncio streams to play a model provider, faults included.

A ready-made server would not let a test cut a connection in mid-stream, stall for ever, or see at once that the
client has gone; here every byte is ours.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}
REASONS |= {422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error", 503: "Unavailable"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came, header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as an object, empty where there is none."""
        return json.loads(self.body) if self.body else {}

    @property
    def key(self) -> str:
        """The bearer token, or an empty string."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Reply:
    """Writes one answer: whole by ``send``, or piece by piece between ``start`` and ``finish``."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.started = False
        self.finished = False

    async def send(
        self, status: int, body: bytes, content_type: str = "application/json", headers: Mapping[str, str] = {}
    ) -> None:
        """Send a complete answer."""
        self.started = self.finished = True
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", f"content-type: {content_type}"]
        lines += [f"content-length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self._writer.drain()

    async def send_json(self, status: int, body: object, headers: Mapping[str, str] = {}) -> None:
        """Send a complete JSON answer."""
        await self.send(status, json.dumps(body).encode(), headers=headers)

    async def start(self, content_type: str) -> None:
        """Send the head of a chunked answer."""
        self.started = True
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
        self._writer.write(head.encode())
        await self._writer.drain()

    async def piece(self, data: bytes) -> None:
        """Send one chunk."""
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self._writer.drain()

    async def finish(self) -> None:
        """End a chunked answer properly."""
        self.finished = True
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def cut(self) -> None:
        """Drop the connection as a crashing provider does."""
        self.finished = True
        self._writer.transport.abort()


Handler = Callable[[Request, Reply], Awaitable[None]]


class WatchedProtocol(asyncio.StreamReaderProtocol):
    """The protocol of asyncio streams that also says when the peer has closed, without reading what it sends."""

    def __init__(self, reader: asyncio.StreamReader, connected: Callable[..., Awaitable[None]]) -> None:
        super().__init__(reader, connected)
        self.gone = asyncio.Event()

    def eof_received(self) -> bool | None:
        """Note that the peer has said its last."""
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is no more."""
        self.gone.set()
        super().connection_lost(exc)


async def serve_connection(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    handler: Handler,
    on_abort: Callable[[Request], None],
) -> None:
    """Answer requests on one connection until it ends; ``on_abort`` hears of a client that left in mid-answer."""
    protocol = writer.transport.get_protocol()
    assert isinstance(protocol, WatchedProtocol)
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):  # An idle connection may just close.
        while (request := await _read_request(reader)) is not None:
            reply = Reply(writer)
            await _answer(protocol.gone, request, reply, handler)
            if not reply.finished:
                on_abort(request)
                break
            if writer.is_closing():
                break
    writer.close()


async def _answer(gone: asyncio.Event, request: Request, reply: Reply, handler: Handler) -> None:
    """Run the handler until it is done or the client has left."""
    work = asyncio.ensure_future(handler(request, reply))
    watch = asyncio.ensure_future(gone.wait())
    try:
        await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        work.cancel()
        watch.cancel()
        outcome, _ = await asyncio.gather(work, watch, return_exceptions=True)
    if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
        raise outcome


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path.split("?", 1)[0], headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).strip(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body
