"""How to answer: bots, and the knowledge bases each may use."""

# SQLModel declares __tablename__ as a method; a string is what it takes.
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from app.kit.columns import TenantOwned, json_field, time_field


class Bot(TenantOwned, table=True):
    """A model with a prompt, policies and the knowledge bases it answers from."""

    __tablename__ = "bots"

    name: str = Field(max_length=200)
    model: str = Field(max_length=200)
    credential_id: UUID | None = Field(default=None, foreign_key="credentials.id", ondelete="SET NULL", nullable=True)
    system_prompt: str | None = Field(default=None, sa_type=sa.Text)
    temperature: float | None = Field(default=None)
    max_tokens: int | None = Field(default=None)
    retrieval: dict[str, Any] = json_field()
    abstain: dict[str, Any] = json_field()
    cache: dict[str, Any] = json_field()
    widget: dict[str, Any] = json_field()
    is_default: bool = Field(default=False)
    updated_at: datetime = time_field()


class BotKnowledgeBase(TenantOwned, table=True):
    """That a bot answers from a knowledge base."""

    __tablename__ = "bot_knowledge_bases"
    __table_args__ = (sa.UniqueConstraint("bot_id", "knowledge_base_id"),)

    bot_id: UUID = Field(foreign_key="bots.id", ondelete="CASCADE")
    knowledge_base_id: UUID = Field(foreign_key="knowledge_bases.id", ondelete="CASCADE", index=True)
