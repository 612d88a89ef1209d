"""Who: tenants, their people, their tokens and their sealed credentials."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kit.columns import JSON_DOCUMENT, TenantOwned, enum_column, id_field, optional_time_field, time_field


class Role(StrEnum):
    """What a person may do in the console."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class TokenKind(StrEnum):
    """Whether a token is a secret of a server or stands in a public page."""

    SECRET = "secret"
    PUBLISHABLE = "publishable"


class Tenant(SQLModel, table=True):
    """An organisation; everything else belongs to exactly one."""

    __tablename__ = "tenants"  # pyright: ignore[reportAssignmentType]  # A plain name is what SQLModel wants.

    id: UUID = id_field()
    name: str = Field(max_length=200)
    created_at: datetime = time_field()


class User(TenantOwned, table=True):
    """A person who signs in to the console. E-mails are unique in the installation."""

    __tablename__ = "users"  # pyright: ignore[reportAssignmentType]  # A plain name is what SQLModel wants.

    email: str = Field(max_length=320, unique=True)
    password_hash: str = Field(max_length=200)
    role: Role = Field(sa_type=enum_column(Role))
    session_epoch: int = Field(default=0)
    """Raised when the password changes or the person signs out, so that older sessions end."""


class ApiToken(TenantOwned, table=True):
    """A bearer token, kept only as an HMAC digest. A revoked token is a deleted row."""

    __tablename__ = "api_tokens"  # pyright: ignore[reportAssignmentType]  # A plain name is what SQLModel wants.

    name: str = Field(max_length=200)
    kind: TokenKind = Field(sa_type=enum_column(TokenKind))
    prefix: str = Field(max_length=16)
    digest: str = Field(max_length=64, unique=True)
    scopes: list[str] = Field(sa_type=JSON_DOCUMENT, default_factory=list)
    bot_ids: list[str] | None = Field(sa_type=JSON_DOCUMENT, default=None, nullable=True)
    allowed_origins: list[str] | None = Field(sa_type=JSON_DOCUMENT, default=None, nullable=True)
    expires_at: datetime | None = optional_time_field()
    last_used_at: datetime | None = optional_time_field()


class Credential(TenantOwned, table=True):
    """A provider's secret, sealed; ``key_fingerprint`` tells which key sealed it, so that rotation can be queried."""

    __tablename__ = "credentials"  # pyright: ignore[reportAssignmentType]  # A plain name is what SQLModel wants.
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"),)

    name: str = Field(max_length=200)
    provider: str = Field(max_length=64)
    api_base: str | None = Field(default=None, max_length=2000)
    sealed: str = Field(sa_type=sa.Text)
    key_fingerprint: str = Field(max_length=16, index=True)
    last4: str = Field(max_length=4)
    updated_at: datetime = time_field()


class IdempotencyKey(TenantOwned, table=True):
    """The first result of a request that carried an ``Idempotency-Key``, kept for 24 hours."""

    __tablename__ = "idempotency_keys"  # pyright: ignore[reportAssignmentType]  # A plain name is what SQLModel wants.
    __table_args__ = (sa.UniqueConstraint("tenant_id", "route", "key"),)

    route: str = Field(max_length=64)
    key: str = Field(max_length=255)
    body_digest: str = Field(max_length=64)
    status: int | None = Field(default=None)
    response: dict[str, Any] | None = Field(sa_type=JSON_DOCUMENT, default=None, nullable=True)
