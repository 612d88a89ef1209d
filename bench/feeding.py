"""Giving the service files as a client does, and knowing when it has learned them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from bench.wire import CallFailed

AT_ONCE = 4
LEARNED_S = 60.0
_LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class Document:
    """A file to upload."""

    name: str
    content: bytes


class Feeder:
    """A client that puts documents into one knowledge base."""

    def __init__(self, client: httpx.AsyncClient, knowledge_base_id: str) -> None:
        self._client = client
        self._base = knowledge_base_id

    async def feed(self, documents: Sequence[Document]) -> float:
        """Upload all, a few at a time; seconds from the first byte to the end of the last run. Raises CallFailed."""
        began = time.time()
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(document: Document) -> str:
            async with turns:
                return await self._upload(document)

        runs = await asyncio.gather(*(one(document) for document in documents))
        # The last one tells that it is nearly over: asking for all of them all the time would be work of its own.
        ended = [await self._ended(run) for run in reversed(runs)]
        return max(ended) - began

    async def searchable(self, document: Document, word: str) -> float:
        """Seconds from the upload to the end of its run, which a search then confirms. Raises CallFailed."""
        began = time.perf_counter()
        run = await self._upload(document)
        async with self._client.stream("GET", f"/v1/runs/{run}/events") as events:
            async for line in events.aiter_lines():
                if line.startswith("event: finished"):
                    break
        took = time.perf_counter() - began
        body = {"query": word, "knowledge_base_ids": [self._base]}
        results = _checked(await self._client.post("/v1/search", json=body))["results"]
        if not any(word in result["content"] for result in results):
            raise CallFailed(f"{document.name} was learned, but a search for its own word does not find it.")
        return took

    async def _upload(self, document: Document) -> str:
        answer = await self._client.post(
            "/v1/sources",
            files={"file": (document.name, document.content)},
            data={"knowledge_base_id": self._base},
        )
        return str(_checked(answer)["run"]["id"])

    async def _ended(self, run_id: str) -> float:
        """When a run ended, as seconds since 1970. Raises CallFailed when it failed, or takes too long."""
        deadline = time.monotonic() + LEARNED_S
        while time.monotonic() < deadline:
            run = _checked(await self._client.get(f"/v1/runs/{run_id}"))
            if run["status"] == "succeeded":
                return datetime.fromisoformat(run["finished_at"]).timestamp()
            if run["status"] not in {"queued", "running"}:
                raise CallFailed(f"A run ended as {run['status']}: {run['error']}")
            await asyncio.sleep(_LOOK_S)
        raise CallFailed(f"A run did not end within {LEARNED_S:g} s.")


def _checked(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise CallFailed(f"{answer.request.url.path}: {answer.status_code} {answer.text[:500]}")
    return answer.json()
