"""What the tools give back: text that an agent can read, and the same as data for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.chat.schemas import ChatAnswer
from app.ingestion.models import RunStatus
from app.ingestion.schemas import RunView
from app.kit.text import excerpt
from app.knowledge.schemas import SourceView
from app.retrieval.schemas import FoundChunk, SearchResponse

QUOTE_CHARS = 200


@dataclass(frozen=True, slots=True)
class ToolResult:
    """One tool's answer. ``is_error`` marks one from which nothing should be concluded but its own words."""

    text: str
    data: dict[str, Any] | None = None
    is_error: bool = False


def found(response: SearchResponse) -> ToolResult:
    """Passages, numbered, best first."""
    passages = [_passage(place, result) for place, result in enumerate(response.results, start=1)]
    data = {"results": passages, "abstain": response.abstain.model_dump(mode="json")}
    if not response.results:
        return ToolResult("Nothing was found.", data)
    blocks = [f"[{item['n']}] {_where(item)}\n{item['content']}" for item in passages]
    if response.abstain.would_abstain:
        blocks.insert(0, "The evidence is weak: a bot would not answer from these passages.")
    return ToolResult("\n\n".join(blocks), data)


def answered(answer: ChatAnswer | Mapping[str, Any]) -> ToolResult:
    """An answer with its footnotes, and the chat to go on with."""
    if not isinstance(answer, ChatAnswer):
        return ToolResult(f"There is no answer: {answer['detail']}", is_error=True)
    data = answer.model_dump(mode="json", include=_ANSWER, exclude_none=True)
    blocks = [answer.answer]
    if answer.error is not None:
        blocks.append(f"The answer broke off here: {answer.error['detail']}")
    if answer.citations:
        blocks.append("Sources:\n" + "\n".join(_footnote(citation) for citation in answer.citations))
    blocks.append(f"(To ask further in this conversation: chat_id {answer.chat_id})")
    return ToolResult("\n\n".join(blocks), data, is_error=answer.error is not None)


def listed(sources: Sequence[SourceView], total: int) -> ToolResult:
    """Sources, newest first."""
    data = {"sources": [source.model_dump(mode="json", include=_SOURCE) for source in sources], "total": total}
    if not sources:
        return ToolResult("There are no sources yet.", data)
    lines = [f"- {source.title} ({source.type.value}, {source.status.value}, id {source.id})" for source in sources]
    if total > len(sources):
        lines.append(f"… and {total - len(sources)} older ones.")
    return ToolResult("\n".join(lines), data)


def added(source: SourceView, run: RunView) -> ToolResult:
    """What became of a text."""
    data = {"source": source.model_dump(mode="json", include=_SOURCE - {"status"}), "run": run.model_dump(mode="json")}
    if run.error is not None and run.status is RunStatus.FAILED:
        return ToolResult(f"'{source.title}' could not be read: {run.error.message}", data, is_error=True)
    state = _STATES.get(run.status, f"is being read (run {run.id} is {run.status.value}); look again in a moment")
    return ToolResult(f"'{source.title}' {state}. Its source id is {source.id}.", data)


_ANSWER = {"chat_id", "message_id", "answer", "finish_reason", "citations", "usage", "abstained", "error"}
_SOURCE = {"id", "type", "title", "status", "knowledge_base_id", "created_at", "updated_at"}
_STATES = {
    RunStatus.SUCCEEDED: "was added and can be searched now",
    RunStatus.SKIPPED: "was known already and can be searched",
    RunStatus.PARTIAL: "was added in part",
    RunStatus.CANCELLED: "was not added: its run was cancelled",
}


def _passage(place: int, result: FoundChunk) -> dict[str, Any]:
    document = result.document
    return {
        "n": place,
        "title": document.title,
        "page": result.page,
        "heading_path": result.heading_path,
        "content": result.content,
        "score": result.score,
        "chunk_id": str(result.chunk_id),
        "document_id": str(document.id),
        "source_id": str(document.source_id),
        "uri": document.uri,
    }


def _footnote(citation: Mapping[str, Any]) -> str:
    line = f"[{citation['n']}] {_where(citation)}"
    if citation.get("quote"):
        line += f": “{excerpt(str(citation['quote']), QUOTE_CHARS)}”"
    return line if citation.get("verified") else f"{line} (not confirmed by the source)"


def _where(place: Mapping[str, Any]) -> str:
    page = f", p. {place['page']}" if place.get("page") else ""
    headings = [str(heading) for heading in place.get("heading_path") or () if heading != place["title"]]
    return " › ".join([f"{place['title']}{page}", *headings])
