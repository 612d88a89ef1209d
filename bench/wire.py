"""A client that costs next to nothing: what it takes from the processor is not there for what is measured.

One connection, HTTP/1.1, kept alive for plain calls; a stream has a connection of its own and is not decoded, only
searched for the words that mark a piece of text and the end.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

CALL_S = 60.0
_READ_BYTES = 65_536


class CallFailed(Exception):  # It is read as a sentence: "except CallFailed".
    """What was measured did not answer as it should; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The bytes that announce a piece of text, and those that end a stream."""

    piece: bytes
    end: bytes


OURS = Marks(b"event: delta\n", b"event: done\n")
OPENAI = Marks(b'"content":', b"data: [DONE]")


@dataclass(slots=True)
class Heard:
    """A stream as a client saw it: when it asked, when the first text came and the last, how often text came."""

    asked: float
    first: float = 0.0
    ended: float = 0.0
    pieces: int = 0
    head: bytearray = field(default_factory=bytearray)

    @property
    def first_ms(self) -> float:
        return (self.first - self.asked) * 1000

    @property
    def total_s(self) -> float:
        return self.ended - self.asked


class Line:
    """A connection to a server."""

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._head = f"Host: {self._host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=1 << 24)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call with a JSON answer. Raises CallFailed for any status but 2xx."""
        assert self._reader is not None
        async with asyncio.timeout(CALL_S):
            self._ask(method, path, body)
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            answer = await self._body(head.lower())
        if head.split(" ", 2)[1][:1] != "2":
            raise CallFailed(f"{method} {path}: {head.splitlines()[0]} {answer[:500]!r}")
        return json.loads(answer) if answer else None

    async def stream(self, path: str, body: Any, marks: Marks, *, until: int | None = None) -> Heard:
        """Ask and listen to the end, or until so many pieces of text came. Raises CallFailed for a broken stream."""
        assert self._reader is not None
        heard = Heard(time.perf_counter())
        self._ask("POST", path, body)
        tail = b""
        kept = max(len(marks.piece), len(marks.end)) - 1
        async with asyncio.timeout(CALL_S):
            while data := await self._reader.read(_READ_BYTES):
                now = time.perf_counter()
                seen = tail + data
                heard.pieces += seen.count(marks.piece) - tail.count(marks.piece)
                if heard.pieces and not heard.first:
                    heard.first = now
                if len(heard.head) < 2000:
                    heard.head += data
                if marks.end in seen or (until is not None and heard.pieces >= until):
                    heard.ended = now
                    break
                tail = seen[-kept:]  # A mark may be cut in two by the network.
        if not heard.ended or not heard.first:
            raise CallFailed(f"The stream of {path} ended without an answer: {bytes(heard.head)!r}")
        return heard

    def _ask(self, method: str, path: str, body: Any) -> None:
        assert self._writer is not None
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(content)}\r\n\r\n"
        self._writer.write(head.encode() + content)

    async def _body(self, head: str) -> bytes:
        assert self._reader is not None
        if "transfer-encoding: chunked" in head:
            raise CallFailed("A plain call was answered in chunks.")
        length = next((line.partition(":")[2] for line in head.splitlines() if line.startswith("content-length")), "0")
        return await self._reader.readexactly(int(length))


async def ask(url: str, token: str, path: str, body: Any, marks: Marks) -> Heard:
    """One stream on a connection of its own, opened beforehand."""
    async with Line(url, token) as line:
        return await line.stream(path, body, marks)
