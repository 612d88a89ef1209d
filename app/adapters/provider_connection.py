"""One HTTP/1.1 connection to a provider, seen from the client's side."""

import asyncio
from typing import cast

import httptools
import httpx

HEAD_LIMIT_BYTES = 128 * 1024
BUFFER_LIMIT_BYTES = 1024 * 1024


class Connection(asyncio.Protocol):
    """Sends a request, then gives the head and the parts of the answer as they arrive.

    The transport stops reading while a megabyte waits for the reader. ``on_…`` are httptools' callbacks.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.reset()

    def reset(self) -> None:
        """Make ready for the next request on the same connection."""
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._size = 0
        self._head_size = 0
        self._head_done = False
        self._complete = False
        self._keep_alive = False
        self._failure: httpx.TransportError | None = None
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []

    @property
    def reusable(self) -> bool:
        """Whether the answer was received and read whole, and both sides would go on."""
        alive = self._transport is not None and not self._transport.is_closing()
        return alive and self._complete and self._failure is None and not self._parts and self._keep_alive

    def send(self, data: bytes) -> None:
        """Send a request. Raises httpx.WriteError when the connection is gone."""
        if self._transport is None or self._transport.is_closing():
            raise httpx.WriteError("The connection is closed.")
        self._transport.write(data)

    async def head(self) -> None:
        """Wait for status and headers. Raises httpx.TransportError."""
        while not self._head_done:
            if self._failure is not None:
                raise self._failure
            await self._wait()

    async def part(self) -> bytes:
        """Return what has arrived of the body, waiting for something to; empty at its end. Raises TransportError."""
        while not self._parts:
            if self._failure is not None:
                raise self._failure
            if self._complete:
                return b""
            await self._wait()
        part = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        if self._size > BUFFER_LIMIT_BYTES and self._transport is not None:
            self._transport.resume_reading()
        self._size = 0
        return part

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)  # A stream protocol only ever gets a stream transport.

    def data_received(self, data: bytes) -> None:
        """Parse what came; anything after a complete answer is a fault of the server."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"The provider does not speak HTTP: {error}")
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the body if it is of the kind that ends so, else fail."""
        if not self._complete:
            if self._head_done and exc is None and self._ends_with_connection:
                self._complete = True
            else:
                self._fail("The provider closed the connection in the middle of its answer.")
        self._wake()

    # httptools' side

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._head_size += len(name) + len(value)
        if self._head_size > HEAD_LIMIT_BYTES:
            self._fail("The provider's headers exceed 128 KB.")
        else:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the status; a head of 1xx only precedes the real one."""
        status = self._parser.get_status_code()
        if status < 200:
            self.headers.clear()
            return
        self.status = status
        self._head_done = True
        self._keep_alive = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body for the reader."""
        before, self._size = self._size, self._size + len(body)
        self._parts.append(body)
        if before <= BUFFER_LIMIT_BYTES < self._size and self._transport is not None:
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """Note the end of the answer."""
        self._complete = self._head_done

    @property
    def _ends_with_connection(self) -> bool:
        return not any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self.headers)

    def _fail(self, reason: str) -> None:
        if self._failure is None:
            self._failure = httpx.RemoteProtocolError(reason)
        self.abort()

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
