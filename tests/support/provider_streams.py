"""The two chat protocols the scripted provider speaks, token by token."""

import asyncio
import json
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any

from tests.support.provider_behaviour import Behaviour, tokens_in
from tests.support.provider_wire import Reply

FAULTY_AFTER = 2  # Tokens sent before a fault in mid-stream.


class Dialect(ABC):
    """How a protocol writes an answer; ``speak`` yields the number of tokens sent so far."""

    content_type: str
    streams_by_default: bool

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.model = str(body.get("model", ""))

    async def speak(self, answer: str, prompt: str, behaviour: Behaviour, reply: Reply) -> AsyncIterator[int]:
        """Write the answer, or the part of it that comes before the fault."""
        pieces = re.findall(r"\S+\s*|\s+", answer)
        limit = self.limit()
        reason, pieces = ("length", pieces[:limit]) if limit and len(pieces) > limit else ("stop", pieces)
        counts = (tokens_in(prompt), len(pieces)) if behaviour.usage else None
        if not self.body.get("stream", self.streams_by_default):
            await reply.send_json(200, self.whole("".join(pieces), reason, counts))
            yield len(pieces)
            return
        await reply.start(self.content_type)
        for number, piece in enumerate(pieces, 1):
            if behaviour.delay_ms:
                await asyncio.sleep(behaviour.delay_ms / 1000)
            await reply.piece(self.delta(piece))
            yield number
            if number == FAULTY_AFTER and behaviour.fault:
                await self._fail(behaviour.fault, reply)
                return
        for data in self.ending(reason, counts):
            await reply.piece(data)
        await reply.finish()

    async def _fail(self, fault: str, reply: Reply) -> None:
        if fault == "stall":
            await asyncio.Event().wait()
        elif fault == "cut":
            reply.cut()
        elif fault == "cut-clean":
            await reply.finish()
        else:
            await reply.piece(self.error())
            await reply.finish()

    @abstractmethod
    def limit(self) -> int | None:
        """The number of tokens the request allows."""

    @abstractmethod
    def delta(self, text: str) -> bytes:
        """One token on the wire."""

    @abstractmethod
    def error(self) -> bytes:
        """An error in mid-stream."""

    @abstractmethod
    def ending(self, reason: str, counts: tuple[int, int] | None) -> list[bytes]:
        """What follows the last token."""

    @abstractmethod
    def whole(self, text: str, reason: str, counts: tuple[int, int] | None) -> dict[str, Any]:
        """The answer of a request that does not stream."""


class OpenAIDialect(Dialect):
    """``/v1/chat/completions``: server-sent events."""

    content_type = "text/event-stream"
    streams_by_default = False

    def limit(self) -> int | None:
        return self.body.get("max_tokens") or self.body.get("max_completion_tokens")

    def delta(self, text: str) -> bytes:
        return self._chunk([{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}])

    def error(self) -> bytes:
        return _event({"error": {"message": "scripted failure in mid-stream", "type": "server_error", "code": 500}})

    def ending(self, reason: str, counts: tuple[int, int] | None) -> list[bytes]:
        pieces = [self._chunk([{"index": 0, "delta": {}, "finish_reason": reason}])]
        if counts and (self.body.get("stream_options") or {}).get("include_usage"):
            pieces.append(self._chunk([], usage=_usage(counts)))
        return [*pieces, b"data: [DONE]\n\n"]

    def whole(self, text: str, reason: str, counts: tuple[int, int] | None) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": reason}
        answer = {"id": "chat-1", "object": "chat.completion", "created": 1, "model": self.model, "choices": [choice]}
        return answer | ({"usage": _usage(counts)} if counts else {})

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        head = {"id": "chat-1", "object": "chat.completion.chunk", "created": 1, "model": self.model}
        return _event(head | {"choices": choices} | more)


class OllamaDialect(Dialect):
    """``/api/chat``: one JSON object a line."""

    content_type = "application/x-ndjson"
    streams_by_default = True

    def limit(self) -> int | None:
        return (self.body.get("options") or {}).get("num_predict")

    def delta(self, text: str) -> bytes:
        return _line({"model": self.model, "message": {"role": "assistant", "content": text}, "done": False})

    def error(self) -> bytes:
        return _line({"error": "scripted failure in mid-stream"})

    def ending(self, reason: str, counts: tuple[int, int] | None) -> list[bytes]:
        return [_line(self.whole("", reason, counts))]

    def whole(self, text: str, reason: str, counts: tuple[int, int] | None) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        usage = {"prompt_eval_count": counts[0], "eval_count": counts[1]} if counts else {}
        return {"model": self.model, "message": message, "done": True, "done_reason": reason} | usage


def _usage(counts: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": counts[0], "completion_tokens": counts[1], "total_tokens": sum(counts)}


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def _line(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode() + b"\n"
