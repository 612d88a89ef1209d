"""Searches as clients send them, and what they find."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from app.bots.policies import RerankPolicy
from app.kit.schema import NoNul, Schema

FilterName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Scalar = str | int | float | bool


class AnyOf(Schema):
    """The value is one of these, or a list that holds one of them."""

    in_: Annotated[list[Scalar], Field(alias="in", min_length=1, max_length=100)]


class Range(Schema):
    """The value lies in a range; dates in ISO 8601 compare as dates."""

    gte: int | float | str | None = None
    gt: int | float | str | None = None
    lte: int | float | str | None = None
    lt: int | float | str | None = None


class Filter(Schema):
    """Conditions on documents' metadata, all of which must hold."""

    metadata: Annotated[dict[FilterName, Scalar | AnyOf | Range], Field(max_length=20)]


class SearchRequest(Schema):
    """A search, by the policies of a bot (the default one unless ``bot_id`` names another)."""

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000), NoNul]
    knowledge_base_ids: Annotated[list[str], Field(max_length=50)] | None = None
    bot_id: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    min_score: float | None = None
    models: Annotated[list[str], Field(min_length=1, max_length=20)] | None = None
    filter: Filter | None = None
    rerank: RerankPolicy | None = None
    debug: bool = False


class FoundDocument(Schema):
    """The document a chunk is from."""

    id: UUID
    version_id: UUID
    version: int
    title: str
    source_id: UUID
    uri: str


class FoundChunk(Schema):
    """A chunk, the passage around it, and what every judge said of it."""

    chunk_id: UUID
    content: str
    context: str
    score: float
    scores: dict[str, Any]
    heading_path: list[str]
    page: int | None
    char_start: int
    char_end: int
    metadata: dict[str, Any]
    document: FoundDocument


class AbstainView(Schema):
    """Whether a bot would refuse to answer from this, and why."""

    would_abstain: bool
    reason: str | None
    confidence: float


class SearchResponse(Schema):
    """What was found, best first."""

    results: list[FoundChunk]
    abstain: AbstainView
    timings_ms: dict[str, float]
    warnings: list[str]
    trace: dict[str, Any] | None = None
