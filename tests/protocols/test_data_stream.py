"""A stream of bare data lines keeps its manners: pings, dropped readers, clients that go."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from app.protocols.openai.data_stream import PING, DataStream


class Wire:
    """The other end: what was sent, and a switch to hang up."""

    def __init__(self, stuck: bool = False) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self.stuck = stuck

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if self.stuck and message["type"] == "http.response.body":
            await asyncio.Event().wait()

    @property
    def bodies(self) -> list[bytes]:
        return [message["body"] for message in self.sent if message["type"] == "http.response.body"]


class Source:
    """Two pieces, a pause between them; notes that it was closed."""

    def __init__(self, pause_s: float) -> None:
        self.pause_s = pause_s
        self.closed = False

    async def pieces(self) -> AsyncGenerator[bytes]:
        try:
            yield b"data: 1\n\n"
            await asyncio.sleep(self.pause_s)
            yield b"data: 2\n\n"
        finally:
            self.closed = True


async def test_silence_is_filled_with_comments() -> None:
    wire, source = Wire(), Source(0.2)
    await DataStream(source.pieces(), ping_s=0.03)({}, wire.receive, wire.send)  # type: ignore[arg-type, typeddict-item]
    assert wire.bodies.count(PING) >= 2
    assert [body for body in wire.bodies if body != PING] == [b"data: 1\n\n", b"data: 2\n\n", b""]
    assert wire.sent[-1]["more_body"] is False


async def test_a_client_that_goes_ends_the_response_and_closes_its_source() -> None:
    wire, source = Wire(), Source(60)
    response = asyncio.create_task(DataStream(source.pieces())({}, wire.receive, wire.send))  # type: ignore[arg-type, typeddict-item]
    while not wire.bodies:
        await asyncio.sleep(0.005)
    wire.gone.set()
    await asyncio.wait_for(response, 5)
    assert source.closed


async def test_a_reader_that_takes_nothing_is_dropped() -> None:
    wire, source = Wire(stuck=True), Source(0)
    await asyncio.wait_for(DataStream(source.pieces(), timeout_s=0.05)({}, wire.receive, wire.send), 5)  # type: ignore[arg-type, typeddict-item]
    assert wire.bodies == [b"data: 1\n\n"]
    assert source.closed
