"""Usage as clients see it."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_serializer

from app.kit.schema import Moment, Money, Schema
from app.usage.models import UsageKind


class UsageSums(Schema):
    """What was used in a period."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    embedding_tokens: int
    cost_usd: Money
    cache_hits: int
    saved_usd: Money
    unpriced: int = Field(description="Uses of models whose price nobody knows: their cost of 0 is no fact")


class UsageGroup(UsageSums):
    """One group; exactly the field that was asked for is present."""

    day: str | None = None
    bot_id: str | None = None
    model: str | None = None
    token_id: str | None = None
    kind: str | None = None

    @model_serializer(mode="wrap")
    def _only_the_group(self, serialize: Any) -> dict[str, Any]:
        sent: dict[str, Any] = serialize(self)
        absent = {"day", "bot_id", "model", "token_id", "kind"} - self.model_fields_set
        return {name: value for name, value in sent.items() if name not in absent}


class UsageReport(Schema):
    """Groups and their total, which is the sum of the groups."""

    items: list[UsageGroup]
    total: UsageSums


class UsageEventView(Schema):
    """One line of the ledger."""

    id: UUID
    kind: UsageKind
    model: str
    prompt_tokens: int
    completion_tokens: int
    embedding_tokens: int
    cost_usd: Money
    saved_usd: Money
    estimated: bool
    price: dict[str, Any]
    bot_id: UUID | None
    chat_id: UUID | None
    message_id: UUID | None
    run_id: UUID | None
    token_id: UUID | None
    end_user: str | None
    created_at: Moment


class UsageEventList(Schema):
    """A page of the ledger."""

    items: list[UsageEventView]
    next_cursor: str | None


Cost = Annotated[Money, Field(ge=0, le=9_000_000, max_digits=19, decimal_places=12)]


class QuotaLimits(Schema):
    """What a tenant may use; null, or left out, is unlimited. The bounds are what the database can count."""

    requests_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    concurrent_streams: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    monthly_tokens: Annotated[int, Field(ge=0, le=10**17)] | None = None
    monthly_cost_usd: Cost | None = None
    storage_bytes: Annotated[int, Field(ge=0, le=10**17)] | None = None


class QuotaUsed(Schema):
    """What a tenant uses at present: this calendar month (UTC), in all, and at this moment."""

    monthly_tokens: int
    monthly_cost_usd: Money
    storage_bytes: int
    concurrent_streams: int


class QuotaView(Schema):
    """Limits and present use."""

    limits: QuotaLimits
    used: QuotaUsed
