"""Statistics as the dashboard reads them."""

import datetime
from uuid import UUID

from app.kit.schema import Moment, Money, Schema
from app.usage.schemas import QuotaLimits


class QuantilesView(Schema):
    """Milliseconds; null without answers."""

    p50: float | None
    p95: float | None


class LatencyView(Schema):
    """How long the last day's answers took; of ``answers`` that wrote text, cached ones included."""

    answers: int
    first_token_ms: QuantilesView
    total_ms: QuantilesView


class ContentView(Schema):
    """What there is to answer from."""

    documents: int
    chunks: int
    sources: dict[str, int]
    storage_bytes: int


class MonthView(Schema):
    """This calendar month (UTC)."""

    questions: int
    answers: dict[str, int]
    cache_hits: int
    saved_usd: Money
    tokens: int
    cost_usd: Money


class DayView(Schema):
    """One day (UTC)."""

    day: datetime.date
    questions: int
    abstained: int
    prompt_tokens: int
    completion_tokens: int
    embedding_tokens: int
    cost_usd: Money
    cache_hits: int
    saved_usd: Money


class StatsView(Schema):
    """What the dashboard shows; ``days`` are the last thirty, oldest first."""

    content: ContentView
    month: MonthView
    limits: QuotaLimits
    latency: LatencyView
    days: list[DayView]


class UnansweredView(Schema):
    """A question the documents could not answer; what stands beside ``count`` is of the last time it was asked."""

    question: str
    count: int
    last_asked_at: Moment
    reason: str
    nearest_title: str | None
    last_message_id: UUID


class UnansweredList(Schema):
    """A page of unanswered questions."""

    items: list[UnansweredView]
    next_cursor: str | None
