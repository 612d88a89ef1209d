"""An answer in OpenAI's words: whole, and in chunks.

An abstention is its message, and ends with ``stop``. An answer that was stopped halfway ends with ``length``: its text
is not all there would have been. A failure is never dressed as an end: see ``answers``.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from app.chat.models import FinishReason
from app.chat.schemas import ChatAnswer
from app.protocols.openai.schemas import AnswerMessage, Choice, Completion, TokenUsage

DONE: Final = b"data: [DONE]\n\n"

_REASONS: Final[Mapping[str, Literal["stop", "length"]]] = {
    FinishReason.STOP: "stop",
    FinishReason.ABSTAINED: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.CANCELLED: "length",
}


def completion_of(answer: ChatAnswer, model: str, created: int) -> Completion:
    """A whole answer that did not fail."""
    return Completion(
        id=completion_id(str(answer.message_id)),
        created=created,
        model=model,
        choices=[
            Choice(
                message=AnswerMessage(content=answer.answer, citations=answer.citations),
                finish_reason=_REASONS[answer.finish_reason],
            )
        ],
        usage=TokenUsage.model_validate(tokens_of(answer.usage)),
        chat_id=str(answer.chat_id),
        message_id=str(answer.message_id),
    )


def completion_id(message_id: str) -> str:
    """The id of a completion, which names the message it is."""
    return f"chatcmpl-{message_id}"


def tokens_of(usage: Mapping[str, Any]) -> dict[str, int]:
    """Our usage as OpenAI counts it."""
    return {name: int(usage[name]) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}


def encode(value: Mapping[str, Any]) -> bytes:
    """One object as a piece of the stream."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


class Chunks:
    """Makes the chunks of one answer. ``with_usage``: the client asked for a last chunk with the tokens."""

    def __init__(self, message_id: str, chat_id: str, model: str, created: int, *, with_usage: bool) -> None:
        self._frame: dict[str, Any] = {
            "id": completion_id(message_id),
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        self._ids = {"chat_id": chat_id, "message_id": message_id}
        self._with_usage = with_usage
        self._usage: dict[str, int] = {}
        self._citations: list[Any] = []

    def first(self) -> bytes:
        """Who speaks."""
        return self._chunk({"role": "assistant", "content": ""}, None)

    def pieces(self, kind: str, data: Mapping[str, Any]) -> list[bytes]:
        """The chunks for one event of the answer."""
        match kind:
            case "delta":
                return [self._chunk({"content": data["text"]}, None)]
            case "abstained":
                return [self._chunk({"content": data["message"]}, None)]
            case "citation":
                self._citations.append(data)
            case "usage":
                self._usage = tokens_of(data)
            case "done" if data["finish_reason"] in _REASONS:
                return self._last(_REASONS[data["finish_reason"]])
            case _:
                pass
        return []

    def _last(self, reason: str) -> list[bytes]:
        """The end, with everything that was cited; the same in the chunk with the tokens, where there is one."""
        beside = {"citations": self._citations, **self._ids}
        pieces = [self._chunk({}, reason, **beside)]
        if self._with_usage:
            pieces.append(encode({**self._frame, "choices": [], "usage": self._usage, **beside}))
        return pieces

    def _chunk(self, delta: Mapping[str, Any], reason: str | None, **beside: object) -> bytes:
        usage = {"usage": None} if self._with_usage else {}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return encode({**self._frame, "choices": [choice], **usage, **beside})
