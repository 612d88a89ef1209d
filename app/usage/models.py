"""How much: the append-only ledger and the limits."""

# SQLModel declares __tablename__ as a method; a string is what it takes.
# pyright: reportAssignmentType=false

from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kit.columns import JSON_DOCUMENT, TenantOwned, Usd, enum_column, tenant_field


class UsageKind(StrEnum):
    """What was used."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    CACHE_HIT = "cache_hit"


class UsageEvent(TenantOwned, table=True):
    """One use of a model, with the price it was charged at. Rows are only ever added.

    ``once`` is what makes adding idempotent: the same use, told twice, is one row.
    """

    __tablename__ = "usage_events"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "once"),
        sa.Index("ix_usage_events_tenant_time", "tenant_id", "created_at"),
        sa.Index("ix_usage_events_tenant_order", "tenant_id", "id"),
    )

    once: str = Field(max_length=200)
    kind: UsageKind = Field(sa_type=enum_column(UsageKind))
    model: str = Field(max_length=200)
    prompt_tokens: int = Field(default=0, sa_type=sa.BigInteger)
    completion_tokens: int = Field(default=0, sa_type=sa.BigInteger)
    embedding_tokens: int = Field(default=0, sa_type=sa.BigInteger)
    cost_usd: Decimal = Field(default=Decimal(0), sa_type=Usd)
    saved_usd: Decimal = Field(default=Decimal(0), sa_type=Usd)
    estimated: bool = Field(default=False)
    price: dict[str, Any] = Field(sa_type=JSON_DOCUMENT, default_factory=dict)
    price_known: bool = Field(default=True)
    """Whether anybody knew the price; where not, the cost of 0 is no fact."""
    bot_id: UUID | None = Field(default=None, index=True)
    chat_id: UUID | None = Field(default=None)
    message_id: UUID | None = Field(default=None, index=True)
    run_id: UUID | None = Field(default=None)
    token_id: UUID | None = Field(default=None)
    end_user: str | None = Field(default=None, max_length=256)


class Quota(SQLModel, table=True):
    """A tenant's limits; NULL is unlimited. Its row is also the lock under which what is left is given away."""

    __tablename__ = "quotas"

    tenant_id: UUID = tenant_field(primary_key=True)
    requests_per_minute: int | None = Field(default=None)
    concurrent_streams: int | None = Field(default=None)
    monthly_tokens: int | None = Field(default=None, sa_type=sa.BigInteger)
    monthly_cost_usd: Decimal | None = Field(default=None, sa_type=Usd)
    storage_bytes: int | None = Field(default=None, sa_type=sa.BigInteger)


class UsageMonth(TenantOwned, table=True):
    """What a tenant used of its monthly limits in one month (UTC), kept in step with the ledger by the ledger itself.

    It only grows, in the transaction that adds the event, so it equals the sum of the month's events at any moment.
    """

    __tablename__ = "usage_months"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "month"),)

    month: str = Field(max_length=7)
    """``2026-11``."""
    tokens: int = Field(default=0, sa_type=sa.BigInteger)
    cost_usd: Decimal = Field(default=Decimal(0), sa_type=Usd)


class Reservation(TenantOwned, table=True):
    """What an answer in progress may still use; ``id`` is the answer's message. Its usage event takes its place."""

    __tablename__ = "usage_reservations"

    tokens: int = Field(sa_type=sa.BigInteger)
    cost_usd: Decimal = Field(sa_type=Usd)


class QuotaNotice(TenantOwned, table=True):
    """That the tenant has been told about a limit: once in a month for each limit, its value and level."""

    __tablename__ = "quota_notices"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "month", "told"),)

    month: str = Field(max_length=7)
    told: str = Field(max_length=100)
