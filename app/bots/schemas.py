"""Bots as clients send and see them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.bots.policies import AbstainPolicy, CachePolicy, RetrievalPolicy, WidgetPolicy
from app.kit.schema import Draft, Moment, Name, NoNul, Schema

ModelName = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}$")]
"""``extractive`` or a LiteLLM model string such as ``openai/gpt-4o-mini`` or ``ollama/llama3.2``."""

Prompt = Annotated[str, StringConstraints(max_length=20_000), NoNul]
Temperature = Annotated[float, Field(ge=0, le=2)]
MaxTokens = Annotated[int, Field(ge=1, le=200_000)]
KnowledgeBaseIds = Annotated[list[str], Field(max_length=50)]


class BotCreate(Schema):
    """A new bot; without ``knowledge_base_ids`` it answers from the tenant's default knowledge base."""

    name: Name
    model: ModelName = "extractive"
    credential_id: str | None = None
    system_prompt: Prompt | None = None
    temperature: Temperature | None = None
    max_tokens: MaxTokens | None = None
    knowledge_base_ids: KnowledgeBaseIds | None = None
    retrieval: RetrievalPolicy = RetrievalPolicy()
    abstain: AbstainPolicy = AbstainPolicy()
    cache: CachePolicy = CachePolicy()
    widget: WidgetPolicy = WidgetPolicy()


class BotPatch(Draft):
    """A change to a bot. A policy that is named is replaced whole."""

    name: Name = ""
    model: ModelName = "extractive"
    credential_id: str | None = None
    system_prompt: Prompt | None = None
    temperature: Temperature | None = None
    max_tokens: MaxTokens | None = None
    knowledge_base_ids: KnowledgeBaseIds = Field(default=[])
    retrieval: RetrievalPolicy = RetrievalPolicy()
    abstain: AbstainPolicy = AbstainPolicy()
    cache: CachePolicy = CachePolicy()
    widget: WidgetPolicy = WidgetPolicy()


class BotView(Schema):
    """A bot with every policy spelled out."""

    id: UUID
    name: str
    model: str
    credential_id: UUID | None
    system_prompt: str | None
    temperature: float | None
    max_tokens: int | None
    knowledge_base_ids: list[UUID]
    retrieval: RetrievalPolicy
    abstain: AbstainPolicy
    cache: CachePolicy
    widget: WidgetPolicy
    is_default: bool
    created_at: Moment
    updated_at: Moment


class BotList(Schema):
    """A page of bots."""

    items: list[BotView]
    next_cursor: str | None
