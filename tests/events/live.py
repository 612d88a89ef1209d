"""Reading an endless stream: the application is spoken to directly, since httpx waits for the end of a body."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.support.house import Event, Office, read_events


class LiveStream:
    """A request that is being answered."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.left = asyncio.Event()
        self.headers: dict[str, str] = {}
        self._text = ""
        self._read = 0
        self._more = asyncio.Event()

    async def next(self) -> Event:
        """The next event."""
        async with asyncio.timeout(10):
            while len(events := read_events(self._text.rpartition("\n\n")[0])) <= self._read:
                self._more.clear()
                await self._more.wait()
        self._read += 1
        return events[self._read - 1]

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            self.begun.set()
        else:
            self._text += message.get("body", b"").decode()
            self._more.set()


@asynccontextmanager
async def live(office: Office, headers: Mapping[str, str] | None = None) -> AsyncGenerator[LiveStream]:
    """``GET /v1/events`` as a stream, until the block ends; then the client leaves and the server must notice."""
    sent = {"authorization": f"Bearer {office.token}", "accept": "text/event-stream", **(headers or {})}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/v1/events", "raw_path": b"/v1/events", "root_path": "", "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 1), "server": ("minirag.test", 80),
    }  # fmt: skip
    stream = LiveStream()
    serving = asyncio.create_task(office.house.app(scope, stream.receive, stream.send))
    try:
        yield stream
    finally:
        stream.left.set()
        async with asyncio.timeout(10):
            await serving
