"""How a bot finds, judges, remembers and presents: every policy bounded, every field with a default.

The defaults are what the evaluation chose; ``docs/quality.md`` has the figures.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.kit.schema import NoNul, Schema

Sentence = Annotated[str, StringConstraints(max_length=2000), NoNul]
Question = Annotated[str, StringConstraints(min_length=1, max_length=300), NoNul]


class FusionPolicy(Schema):
    """How the lists of dense and sparse search become one.

    ``rrf`` adds 1 / (rrf_k + rank) over the lists; ``score`` adds normalised scores, the dense share being
    ``dense_weight``.
    """

    method: Literal["rrf", "score"] = "score"
    rrf_k: int = Field(default=10, ge=1, le=1000)
    dense_weight: float = Field(default=0.6, ge=0, le=1)


class RerankPolicy(Schema):
    """A model that judges the found chunks again. After ``timeout_ms`` its opinion is done without."""

    model: Annotated[str, StringConstraints(min_length=1, max_length=200), NoNul]
    credential_id: str | None = None
    timeout_ms: int = Field(default=3000, ge=50, le=30_000)
    min_score: float = Field(default=0.15, ge=0, le=1)


class RetrievalPolicy(Schema):
    """How evidence is looked for, and how much of it a model gets to read."""

    dense_k: int = Field(default=50, ge=0, le=500)
    sparse_k: int = Field(default=50, ge=0, le=500)
    fusion: FusionPolicy = FusionPolicy()
    rewrite: Literal["auto", "off"] = "auto"
    rerank: RerankPolicy | None = None
    max_chunks: int = Field(default=12, ge=1, le=100)
    context_tokens: int = Field(default=6000, ge=200, le=200_000)


class AbstainPolicy(Schema):
    """When to say that the documents do not answer. ``min_score`` None is the threshold calibrated for the model."""

    enabled: bool = True
    min_score: float | None = Field(default=None, ge=0, le=1)
    message: Sentence | None = None


class CachePolicy(Schema):
    """Whether an answer may be given again to the same, or to nearly the same, question."""

    exact: bool = True
    semantic: Literal["off", "shadow", "on"] = "off"
    min_similarity: float = Field(default=0.95, ge=0.5, le=1)
    ttl_s: int = Field(default=3600, ge=1, le=30 * 24 * 3600)


class WidgetPolicy(Schema):
    """What the embedded chat shows before anybody has asked."""

    title: Annotated[str, StringConstraints(max_length=100), NoNul] = ""
    greeting: Sentence = ""
    accent: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")] = "#2f5d50"
    suggested_questions: list[Question] = Field(default=[], max_length=10)
