"""A whole answer for callers that do not stream, put together from the same events that streaming callers get."""

from typing import Any

import msgspec

from app.adapters.event_log import LoggedEvent
from app.chat.schemas import ChatAnswer


def assemble(events: list[LoggedEvent]) -> "ChatAnswer | dict[str, Any]":
    """The answer, or the problem object of one that failed before any text, with its ``message_id``."""
    by_type: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        by_type.setdefault(event.type, []).append(msgspec.json.decode(event.data))
    started, done = by_type["started"][0], by_type["done"][0]
    text = "".join(delta["text"] for delta in by_type.get("delta", []))
    error = _first(by_type, "error")
    if error is not None and not text:
        return {**error, "message_id": started["message_id"]}
    abstained = _first(by_type, "abstained")
    sources = _first(by_type, "sources") or {}
    return ChatAnswer(
        chat_id=started["chat_id"],
        message_id=started["message_id"],
        answer=text if abstained is None else abstained["message"],
        finish_reason=done["finish_reason"],
        citations=by_type.get("citation", []),
        sources=sources.get("sources", []),
        usage=by_type["usage"][0],
        abstained=abstained,
        error=error,
        trace=sources.get("trace"),
    )


def _first(by_type: dict[str, list[dict[str, Any]]], name: str) -> dict[str, Any] | None:
    found = by_type.get(name)
    return found[0] if found else None
