"""The trace that ``debug: true`` asks for: every candidate, its scores, why it was dropped, and each stage's time."""

from collections.abc import Sequence

from app.chat.answer import Answer
from app.chat.context import Source
from app.retrieval.evidence import Retrieved
from app.retrieval.wire import scores_view


def trace_of(answer: Answer, query: str, retrieved: Retrieved, sources: Sequence[Source]) -> dict[str, object]:
    """What a developer needs to see why these sources were chosen; nothing here is another tenant's or a secret."""
    numbered = {source.evidence.chunk_id: source.n for source in sources}
    kept = [
        {
            "chunk_id": str(item.evidence.chunk_id),
            "title": item.evidence.title,
            "scores": scores_view(item.scores, by_model=True),
            "n": numbered.get(item.evidence.chunk_id),
            "dropped": None
            if item.evidence.chunk_id in numbered
            else "same passage as a better one, or over the budget",
        }
        for item in retrieved.found
    ]
    lost = [
        {"chunk_id": str(item.chunk_id), "scores": scores_view(item.scores, by_model=True), "dropped": item.reason}
        for item in retrieved.dropped
    ]
    return {
        "question": answer.asked.message,
        "query": query,
        "candidates": [*kept, *lost],
        "confidence": retrieved.judgement.confidence,
        "context_tokens": sum(source.tokens for source in sources),
        "warnings": list(retrieved.warnings),
        "timings_ms": {**retrieved.timings_ms, **answer.watch.timings_ms},
    }
