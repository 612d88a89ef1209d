"""Answer events as they go over the wire and into the log: one name and one JSON object each."""

from dataclasses import asdict
from enum import StrEnum
from typing import Any, assert_never

import msgspec

from app.chat.events import (
    Abstained,
    AnswerEvent,
    Cited,
    Delta,
    Done,
    Failed,
    Metered,
    SourcesFound,
    SourceView,
    Started,
)
from app.kit.errors import problem


def encode(event: AnswerEvent, request_id: str) -> tuple[str, str]:
    """The event's name and its data as JSON text."""
    name, data = to_wire(event, request_id)
    return name, msgspec.json.encode(data).decode()


def to_wire(event: AnswerEvent, request_id: str) -> tuple[str, dict[str, Any]]:
    """The event's name and its data."""
    match event:
        case Delta(text):
            return "delta", {"text": text}
        case Cited():
            return "citation", citation_view(event)
        case SourcesFound():
            return "sources", sources_view(event)
        case Metered():
            return "usage", usage_view(event)
        case Failed(error):
            return "error", problem(error, request_id)
        case Started() | Abstained() | Done():
            return _NAMES[type(event)], {name: _plain(value) for name, value in asdict(event).items()}
        case _:
            assert_never(event)


_NAMES: dict[type, str] = {Started: "started", Abstained: "abstained", Done: "done"}


def _plain(value: object) -> str:
    return value.value if isinstance(value, StrEnum) else str(value)


def sources_view(event: SourcesFound) -> dict[str, Any]:
    """The ``sources`` event; a trace is present only where it was asked for."""
    view: dict[str, Any] = {
        "query": event.query,
        "sources": [source_view(source) for source in event.sources],
        "timings_ms": event.timings_ms,
    }
    return view if event.trace is None else {**view, "trace": event.trace}


def source_view(source: SourceView) -> dict[str, Any]:
    """One numbered source."""
    return {
        "n": source.n,
        "chunk_id": str(source.chunk_id),
        "document_id": str(source.document_id),
        "version_id": str(source.version_id),
        "title": source.title,
        "heading_path": list(source.heading_path),
        "page": source.page,
        "score": round(source.score, 6),
        "snippet": source.snippet,
    }


def citation_view(citation: Cited) -> dict[str, Any]:
    """One citation."""
    return {
        "n": citation.n,
        "chunk_id": str(citation.chunk_id),
        "document_id": str(citation.document_id),
        "version_id": str(citation.version_id),
        "title": citation.title,
        "page": citation.page,
        "heading_path": list(citation.heading_path),
        "char_start": citation.char_start,
        "char_end": citation.char_end,
        "answer_start": citation.answer_start,
        "answer_end": citation.answer_end,
        "quote": citation.quote,
        "verified": citation.verified,
    }


def usage_view(metered: Metered) -> dict[str, Any]:
    """The ``usage`` event."""
    return {
        "model": metered.model,
        "prompt_tokens": metered.prompt_tokens,
        "completion_tokens": metered.completion_tokens,
        "total_tokens": metered.prompt_tokens + metered.completion_tokens,
        "embedding_tokens": metered.embedding_tokens,
        "cost_usd": metered.cost_usd,
        "estimated": metered.estimated,
        "cache": {"hit": metered.cache.hit, "type": metered.cache.type, "similarity": metered.cache.similarity},
        "timings_ms": metered.timings_ms,
    }
