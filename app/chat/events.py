"""What an answer is made of: a tagged union that every door translates and none repeats.

The order is a grammar that holds on every path:

    started sources (delta | citation)* usage done
    started sources? abstained usage done
    started sources? (delta | citation)* error usage done
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from app.chat.models import FinishReason
from app.kit.errors import AppError


@dataclass(frozen=True, slots=True)
class Started:
    """The question is stored and the answer has begun."""

    chat_id: UUID
    message_id: UUID


@dataclass(frozen=True, slots=True)
class SourceView:
    """A numbered piece of evidence as people see it."""

    n: int
    chunk_id: UUID
    document_id: UUID
    version_id: UUID
    title: str
    heading_path: tuple[str, ...]
    page: int | None
    score: float
    snippet: str


@dataclass(frozen=True, slots=True)
class SourcesFound:
    """What the answer may draw on; ``query`` is the question after rewriting."""

    query: str
    sources: tuple[SourceView, ...]
    timings_ms: dict[str, float]
    trace: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A further piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A marker that was seen and checked.

    ``answer_start`` and ``answer_end`` span, in code points of the answer, the sentence it supports; ``char_start`` and
    ``char_end`` span the passage it rests on, in the version's text.
    """

    n: int
    chunk_id: UUID
    document_id: UUID
    version_id: UUID
    title: str
    page: int | None
    heading_path: tuple[str, ...]
    char_start: int
    char_end: int
    answer_start: int
    answer_end: int
    quote: str | None
    verified: bool


@dataclass(frozen=True, slots=True)
class Abstained:
    """The documents do not answer, and no chat model was asked."""

    reason: Literal["no_results", "weak_evidence"]
    message: str
    suggestion: str


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Whether the answer came from the cache, and by which kind of likeness."""

    hit: bool = False
    type: Literal["exact", "semantic"] | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Metered:
    """What the answer used. ``estimated`` when a provider did not say; costs are decimal strings in USD."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    embedding_tokens: int
    cost_usd: str
    estimated: bool
    cache: CacheUse
    timings_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Failed:
    """Something went wrong after the answer had begun."""

    error: AppError


@dataclass(frozen=True, slots=True)
class Done:
    """The end: always last, exactly once."""

    message_id: UUID
    finish_reason: FinishReason


AnswerEvent = Started | SourcesFound | Delta | Cited | Abstained | Metered | Failed | Done
