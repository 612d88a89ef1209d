"""A server that answers every request with the bytes it was given, for what no proper server would say."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class RawServer:
    """Where it listens and what it heard; ``connections`` counts those that were opened."""

    port: int = 0
    connections: int = 0
    heard: list[bytes] = field(default_factory=list[bytes])

    def url(self, scheme: str = "http") -> str:
        """The address of the server."""
        return f"{scheme}://localhost:{self.port}"


@asynccontextmanager
async def raw_server(
    *parts: bytes, close: bool = False, pause_s: float = 0, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[RawServer]:
    """Answer each request with the parts, ``pause_s`` apart; ``close`` ends the connection after them."""
    server = RawServer()
    open_writers: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        open_writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await _answer_all(server, reader, writer, parts, close=close, pause_s=pause_s)
        open_writers.discard(writer)
        writer.close()

    listening = await asyncio.start_server(connected, "localhost", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for writer in tuple(open_writers):
            writer.transport.abort()
        await asyncio.sleep(0)


async def _answer_all(
    server: RawServer,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    parts: Sequence[bytes],
    *,
    close: bool,
    pause_s: float,
) -> None:
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
        server.heard.append(head + await reader.readexactly(int(length.split(b":")[1])))
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        if close:
            return


def events(*payloads: str, newline: str = "\n") -> bytes:
    """Write payloads as a stream of server-sent events that ends with the connection."""
    head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    return (head + "".join(f"data: {payload}{newline}{newline}" for payload in payloads)).encode()


def answer(body: bytes, status: str = "200 OK", content_type: str = "application/json", more: str = "") -> bytes:
    """Write a whole answer."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body
