"""Conversations: chats, their messages and the citations under them."""

# SQLModel declares __tablename__ as a method; a string is what it takes.
# pyright: reportAssignmentType=false

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from app.chat.folding import question_key
from app.kit.columns import JSON_DOCUMENT, TenantOwned, Usd, enum_column, json_field, time_field


class MessageRole(StrEnum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"


class FinishReason(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    LENGTH = "length"
    ABSTAINED = "abstained"
    CANCELLED = "cancelled"
    ERROR = "error"


class Chat(TenantOwned, table=True):
    """A conversation with one bot. It outlives the bot, and the token it was begun with may narrow who reads it."""

    __tablename__ = "chats"
    __table_args__ = (sa.Index("ix_chats_tenant_visitor", "tenant_id", "end_user"),)

    bot_id: UUID | None = Field(default=None, foreign_key="bots.id", ondelete="SET NULL", nullable=True, index=True)
    title: str = Field(max_length=200)
    end_user: str | None = Field(default=None, max_length=256)
    token_id: UUID | None = Field(default=None)
    metadata_: dict[str, Any] = Field(
        sa_column=sa.Column("metadata", JSON_DOCUMENT, nullable=False), default_factory=dict
    )
    updated_at: datetime = time_field()


def _key_of_question(context: Any) -> str | None:
    """The default of ``question_key``, from the other columns of the row that is inserted."""
    row = context.get_current_parameters()
    return question_key(row["content"]) if row["role"] == MessageRole.USER else None


class Message(TenantOwned, table=True):
    """A question or an answer. An answer without a ``finish_reason`` is still being written.

    ``usage``, ``sources``, ``abstained`` and ``error`` are stored exactly as they were sent, so that a reload shows
    the same thing.
    """

    __tablename__ = "messages"
    __table_args__ = (
        sa.Index("ix_messages_unfinished", "role", "finish_reason"),
        sa.Index("ix_messages_tenant_time", "tenant_id", "role", "created_at", "finish_reason"),
        sa.Index(
            "ix_messages_unanswered",
            "tenant_id",
            "reply_to",
            "id",
            sqlite_where=sa.text("finish_reason = 'abstained'"),
            postgresql_where=sa.text("finish_reason = 'abstained'"),
        ),
    )

    chat_id: UUID = Field(foreign_key="chats.id", ondelete="CASCADE", index=True)
    role: MessageRole = Field(sa_type=enum_column(MessageRole))
    reply_to: UUID | None = Field(default=None)
    bot_id: UUID | None = Field(default=None)
    content: str = Field(default="", sa_type=sa.Text)
    question_key: str | None = Field(
        sa_column=sa.Column(sa.String(32), nullable=True, default=_key_of_question), default=None
    )
    """The same for questions that differ only in case, white space and closing marks; set by the database layer."""
    finish_reason: FinishReason | None = Field(default=None, sa_type=enum_column(FinishReason), nullable=True)
    sources: dict[str, Any] | None = json_field(nullable=True)
    usage: dict[str, Any] | None = json_field(nullable=True)
    abstained: dict[str, Any] | None = json_field(nullable=True)
    error: dict[str, Any] | None = json_field(nullable=True)
    feedback: dict[str, Any] | None = json_field(nullable=True)


class Citation(TenantOwned, table=True):
    """That a sentence of an answer rests on a chunk. Title and page are copied: later versions change nothing."""

    __tablename__ = "citations"
    __table_args__ = (sa.UniqueConstraint("message_id", "ordinal"),)

    message_id: UUID = Field(foreign_key="messages.id", ondelete="CASCADE")
    ordinal: int
    n: int
    chunk_id: UUID
    document_id: UUID
    version_id: UUID
    title: str = Field(max_length=500)
    page: int | None = Field(default=None)
    char_start: int
    char_end: int
    heading_path: list[str] = Field(sa_type=JSON_DOCUMENT, default_factory=list)
    answer_start: int
    answer_end: int
    quote: str | None = Field(default=None, sa_type=sa.Text)
    verified: bool = Field(default=False)


class CachedAnswer(TenantOwned, table=True):
    """That an answer may be given again to the question it answered; the answer itself stays with its message.

    ``partition`` names everything that must be unchanged, ``key`` the question; ``vector`` has length 1 and is there
    where the bot looks for the same question in other words. ``created_at`` is when the answer was kept.
    """

    __tablename__ = "answer_cache"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "partition", "key"),)

    partition: str = Field(max_length=32)
    key: str = Field(max_length=32)
    question: str = Field(sa_type=sa.Text)
    message_id: UUID = Field(foreign_key="messages.id", ondelete="CASCADE", index=True)
    cost_usd: Decimal = Field(default=Decimal(0), sa_type=Usd)
    vector: bytes | None = Field(default=None, sa_type=sa.LargeBinary, nullable=True)
    expires_at: datetime = time_field(index=True)


class CacheTrial(TenantOwned, table=True):
    """A hit that shadow mode did not serve: how alike the questions were, and whether it would have been wrong."""

    __tablename__ = "cache_trials"
    __table_args__ = (sa.Index("ix_cache_trials_tenant_time", "tenant_id", "created_at"),)

    bot_id: UUID | None = Field(default=None)
    similarity: float
    would_err: bool
