"""Sources for tests of the parts that read them."""

from typing import Any

from app.chat.context import Source
from app.kit.ids import new_id
from app.knowledge.reading import Evidence
from app.retrieval.evidence import Found, Scores


def evidence(text: str, **given: Any) -> Evidence:
    """A chunk that is its own parent, at offset 0 of its version's text."""
    fields: dict[str, Any] = {
        "chunk_id": new_id(),
        "version_id": new_id(),
        "version": 1,
        "document_id": new_id(),
        "title": "Handbook",
        "source_id": new_id(),
        "uri": "handbook.pdf",
        "knowledge_base_id": new_id(),
        "content": text,
        "prefix": "",
        "char_start": 0,
        "char_end": len(text),
        "page": None,
        "heading_path": (),
        "metadata": {},
        "parent_id": new_id(),
        "parent_content": text,
        "parent_start": 0,
        "parent_end": len(text),
        "page_starts": (),
        "token_count": len(text.split()),
    }
    return Evidence(**{**fields, **given})


def source(n: int, text: str, **given: Any) -> Source:
    chunk = evidence(text, **given)
    return Source(n, chunk, 1.0, chunk.parent_content, chunk.prefix, chunk.parent_start, chunk.token_count)


def found(text: str, score: float = 1.0, **given: Any) -> Found:
    return Found(evidence(text, **given), Scores(score, score))
