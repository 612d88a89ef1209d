"""A scripted model provider over real HTTP: OpenAI's and Ollama's protocols, with every fault a provider has.

In a test: ``async with ScriptedProvider() as provider: … provider.openai_base …``. As a process of its own:
``python -m tests.support.provider --port 8099``. ``GET /_log`` tells what it saw, ``DELETE /_log`` forgets it,
``POST /_script {"answer": "…"}`` sets the next answers (``null`` restores the default). The model's name (or the
API key) chooses the behaviour: see ``provider_behaviour``.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.support.provider_behaviour import Behaviour, behaviour_of, default_answer, embedding, relevance, tokens_in
from tests.support.provider_streams import Dialect, OllamaDialect, OpenAIDialect
from tests.support.provider_wire import Reply, Request, WatchedProtocol, serve_connection


@dataclass(slots=True)
class Seen:
    """One request the provider served. ``sent`` counts the tokens written before it ended or was aborted."""

    path: str
    model: str
    key: str
    body: dict[str, Any]
    aborted: bool = False
    sent: int = 0


@dataclass(slots=True)
class Log:
    """What the provider saw since the start or the last ``DELETE /_log``."""

    requests: list[Seen] = field(default_factory=list[Seen])
    open_streams: int = 0

    @property
    def aborts(self) -> int:
        """How many answers were given up by the client."""
        return sum(seen.aborted for seen in self.requests)


class ScriptedProvider:
    """The provider itself. Set ``script`` to a function from the prompt's text to the answer to override it."""

    def __init__(self, port: int = 0, dimension: int = 64) -> None:
        self.port = port
        self.dimension = dimension
        self.script: Callable[[str], str] | None = None
        self.log = Log()
        self._failures = Counter[str]()
        self._server: asyncio.Server | None = None
        self._by_request: dict[int, Seen] = {}
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address of the server; Ollama's ``api_base``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_base(self) -> str:
        """The ``api_base`` of the OpenAI-compatible protocol."""
        return f"{self.url}/v1"

    @property
    def requests(self) -> list[Seen]:
        """What was asked, in order."""
        return self.log.requests

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: WatchedProtocol(asyncio.StreamReader(), self._connected), "127.0.0.1", self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def aborted(self, count: int = 1, within_s: float = 3) -> bool:
        """Wait until that many answers were given up by the client; false when the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.log.aborts < count:
                    await asyncio.sleep(0.005)
        return self.log.aborts >= count

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await serve_connection(reader, writer, self._answer, self._on_abort)
        except asyncio.CancelledError:
            writer.close()  # The provider is shutting down; asyncio logs a connection task that ends cancelled.
        finally:
            self._connections.discard(task)

    def _on_abort(self, request: Request) -> None:
        if seen := self._by_request.pop(id(request), None):
            seen.aborted = True

    async def _answer(self, request: Request, reply: Reply) -> None:
        if request.path.startswith("/_"):
            await self._control(request, reply)
            return
        body = request.json()
        model = str(body.get("model", ""))
        seen = Seen(request.path, model, request.key, body)
        self.log.requests.append(seen)
        self._by_request[id(request)] = seen
        behaviour = behaviour_of(model, request.key)
        if not await self._refused(behaviour, seen, reply):
            await self._serve(behaviour, seen, reply)
        self._by_request.pop(id(request), None)

    async def _control(self, request: Request, reply: Reply) -> None:
        if request.path == "/_script":
            answer = request.json().get("answer")
            self.script = None if answer is None else lambda _text: str(answer)
        elif request.method == "DELETE":
            self.log, self._failures = Log(), Counter[str]()
        await reply.send_json(200, asdict(self.log) | {"aborts": self.log.aborts, "count": len(self.log.requests)})

    async def _refused(self, behaviour: Behaviour, seen: Seen, reply: Reply) -> bool:
        """Answer with the fault the name asks for, where it comes before any token."""
        status = behaviour.status
        if behaviour.flaky and self._failures[seen.model] < behaviour.flaky:
            self._failures[seen.model] += 1
            status = 500
        if status != 200:
            headers = {"retry-after": "1"} if status == 429 else {}
            message = f"scripted failure {status} for key {seen.key}"
            await reply.send_json(status, {"error": {"message": message, "type": "scripted"}}, headers)
        elif behaviour.fault == "html":
            await reply.send(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")
        elif behaviour.fault == "error-200":
            await reply.send_json(200, {"error": {"message": "scripted error with 200", "code": 500}})
        elif behaviour.fault == "garbage":
            await reply.send(200, b"this is not JSON", "application/json")
        elif behaviour.fault == "hang":
            await asyncio.Event().wait()
        elif behaviour.fault == "cut-early":
            reply.cut()
        else:
            return False
        return True

    async def _serve(self, behaviour: Behaviour, seen: Seen, reply: Reply) -> None:
        match seen.path:
            case "/v1/chat/completions" | "/chat/completions":
                await self._chat(OpenAIDialect(seen.body), behaviour, seen, reply)
            case "/api/chat":
                await self._chat(OllamaDialect(seen.body), behaviour, seen, reply)
            case "/v1/embeddings" | "/embeddings":
                await reply.send_json(200, self._openai_embeddings(seen.body, behaviour))
            case "/api/embed":
                texts = _texts(seen.body)
                vectors = [embedding(text, self._dimension(seen.body)) for text in texts]
                usage = {"prompt_eval_count": sum(map(tokens_in, texts))} if behaviour.usage else {}
                await reply.send_json(200, {"model": seen.model, "embeddings": vectors} | usage)
            case "/v1/rerank" | "/v2/rerank" | "/rerank":
                await reply.send_json(200, _rerank(seen.body))
            case _:
                await reply.send_json(404, {"error": {"message": f"no such path: {seen.path}"}})

    async def _chat(self, dialect: Dialect, behaviour: Behaviour, seen: Seen, reply: Reply) -> None:
        text = "\n".join(str(message.get("content", "")) for message in seen.body.get("messages", []))
        answer = (self.script or default_answer)(text)
        if behaviour.tokens:
            answer = "".join(f"word{number} " for number in range(behaviour.tokens))
        self.log.open_streams += 1
        try:
            async for sent in dialect.speak(answer, text, behaviour, reply):
                seen.sent = sent
        finally:
            self.log.open_streams -= 1

    def _openai_embeddings(self, body: dict[str, Any], behaviour: Behaviour) -> dict[str, Any]:
        texts, dimension = _texts(body), self._dimension(body)
        data = [
            {"object": "embedding", "index": index, "embedding": embedding(text, dimension)}
            for index, text in enumerate(texts)
        ]
        total = sum(map(tokens_in, texts))
        usage = {"usage": {"prompt_tokens": total, "total_tokens": total}} if behaviour.usage else {}
        # Out of order on purpose: the protocol gives an index, so a client must not trust the order.
        return {"object": "list", "model": body.get("model"), "data": data[::-1]} | usage

    def _dimension(self, body: dict[str, Any]) -> int:
        """Take ``dimensions`` from the request, else from a name such as ``scripted-embed-384``, else our own."""
        last = str(body.get("model", "")).rsplit("-", 1)[-1]
        named = int(last) if last.isdigit() and "embed" in str(body.get("model")) else self.dimension
        return int(body.get("dimensions") or named)


def _texts(body: dict[str, Any]) -> list[str]:
    texts = body.get("input", [])
    return [texts] if isinstance(texts, str) else [str(text) for text in texts]


def _rerank(body: dict[str, Any]) -> dict[str, Any]:
    documents = [item["text"] if isinstance(item, dict) else str(item) for item in body.get("documents", [])]
    scored = [
        {"index": index, "relevance_score": relevance(str(body.get("query", "")), text)}
        for index, text in enumerate(documents)
    ]
    scored.sort(key=lambda result: -result["relevance_score"])
    meta = {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": sum(map(tokens_in, documents))}}
    usage = {"total_tokens": sum(map(tokens_in, documents))}
    return {"id": "rerank-1", "results": scored[: body.get("top_n") or None], "meta": meta, "usage": usage}


async def _serve_forever(port: int) -> None:
    async with ScriptedProvider(port) as provider:
        sys.stdout.write(json.dumps({"port": provider.port}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A scripted model provider for tests.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve_forever(parser.parse_args().port))
