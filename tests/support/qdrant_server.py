"""A stand-in for a Qdrant server: the REST calls our driver makes, over the client library's local mode.

No Qdrant server can be installed from the package index, so web and worker processes are tested against this one:
``python -m tests.support.qdrant_server --port N``. What it holds lives in its memory. It does what the local mode
does: exact search, no indexes, one process.
"""

import argparse
import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from pydantic import BaseModel
from qdrant_client import AsyncQdrantClient, models

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class StandIn:
    """The ASGI application. With ``api_key``, requests must carry it."""

    def __init__(self, api_key: str | None = None) -> None:
        self._store = AsyncQdrantClient(":memory:")
        self._lock = asyncio.Lock()  # The local mode corrupts itself under concurrent writes.
        self._api_key = api_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = dict(scope["headers"])
        if self._api_key and headers.get(b"api-key", b"").decode() != self._api_key:
            await _answer(send, 403, "Invalid API key")
            return
        try:
            async with self._lock:
                result = await self._serve(scope["method"], scope["path"], json.loads(body or b"{}"))
        except LookupError:
            await _answer(send, 404, f"Not found: {scope['method']} {scope['path']}")
        except ValueError as error:
            status = 404 if "not found" in str(error) else 409 if "already exists" in str(error) else 400
            await _answer(send, status, str(error))
        else:
            await _answer(send, 200, result)

    async def _serve(self, method: str, path: str, body: Mapping[str, Any]) -> object:
        match method, path.strip("/").split("/"):
            case "GET", ["collections"]:
                return await self._store.get_collections()
            case "PUT", ["collections", name]:
                wanted = models.CreateCollection.model_validate(body)
                return await self._store.create_collection(
                    name, vectors_config=wanted.vectors, sparse_vectors_config=wanted.sparse_vectors
                )
            case "DELETE", ["collections", name]:
                return await self._store.delete_collection(name)
            case "PUT", ["collections", name, "index"]:
                await self._store.get_collection(name)
                return models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)
            case "PUT", ["collections", name, "points"]:
                return await self._store.upsert(name, models.PointsList.model_validate(body).points)
            case "POST", ["collections", name, "points", what]:
                return await self._points(name, what, body)
            case _:
                raise LookupError(path)

    async def _points(self, name: str, what: str, body: Mapping[str, Any]) -> object:
        match what:
            case "query":
                asked = models.QueryRequest.model_validate(body)
                return await self._store.query_points(
                    name,
                    query=getattr(asked.query, "nearest", asked.query),
                    using=asked.using,
                    query_filter=asked.filter,
                    search_params=asked.params,
                    limit=asked.limit or 10,
                    with_payload=asked.with_payload or False,
                )
            case "count":
                return await self._store.count(name, models.CountRequest.model_validate(body).filter)
            case "delete":
                return await self._store.delete(name, models.FilterSelector.model_validate(body))
            case _:
                raise LookupError(what)


async def _answer(send: Send, status: int, result: object) -> None:
    plain = result.model_dump(mode="json") if isinstance(result, BaseModel) else result
    body = {"result": plain, "status": "ok"} if status == 200 else {"status": {"error": plain}}
    start = {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
    await send(start)
    await send({"type": "http.response.body", "body": json.dumps({**body, "time": 0.0}).encode()})


def _server(port: int, api_key: str | None) -> uvicorn.Server:
    # It warns at every search past 20,000 points that it is slow, which is known here.
    warnings.filterwarnings("ignore", module="qdrant_client")
    config = uvicorn.Config(StandIn(api_key), host="127.0.0.1", port=port, lifespan="off", log_level="warning")
    return uvicorn.Server(config)


@asynccontextmanager
async def qdrant_server(api_key: str | None = None) -> AsyncIterator[str]:
    """The stand-in inside the test's own process, on a free port; yields its URL."""
    server = _server(0, api_key)
    serving = asyncio.create_task(server._serve())  # ``serve`` would take over the signals.
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A stand-in for a Qdrant server.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api-key")
    given = parser.parse_args()
    _server(given.port, given.api_key).run()
