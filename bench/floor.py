"""The floor of an answer: a server that passes a provider's stream on and does nothing else.

``python -m bench.floor --port 8098 --upstream http://127.0.0.1:8099/v1``. ``POST /chat`` with ``{message, model}``
asks the provider and copies its bytes; a client that leaves ends the provider's answer.
"""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx
import uvicorn
import uvloop

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class PassThrough:
    """The application: one route, one client of the provider."""

    def __init__(self, upstream: str) -> None:
        self._url = f"{upstream}/chat/completions"
        self._client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None), trust_env=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        asked = json.loads(await _body(receive))
        copying = asyncio.create_task(self._copy(asked, send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((copying, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            copying.cancel()
            leaving.cancel()
            await asyncio.gather(copying, leaving, return_exceptions=True)

    async def _copy(self, asked: dict[str, Any], send: Send) -> None:
        messages = [{"role": "user", "content": asked["message"]}]
        wanted = {"model": asked["model"], "messages": messages, "stream": True}
        async with self._client.stream("POST", self._url, json=wanted) as answer:
            headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
            async for piece in answer.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _body(receive: Receive) -> bytes:
    parts = bytearray()
    while True:
        message = await receive()
        parts += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(parts)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description="A bare pass-through server to compare with.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True, help="the provider's address, with /v1")
    given = parser.parse_args()
    config = uvicorn.Config(
        PassThrough(given.upstream), port=given.port, lifespan="off", log_level="warning", access_log=False
    )
    uvloop.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
