"""Knowledge bases and embedding models as clients send and see them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.kit.schema import Description, Draft, Moment, Name, Schema
from app.knowledge.models import ModelStatus
from app.knowledge.policies import ChunkingSettings

ModelString = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}$")
]
"""The embedded ``local/…`` model, or a LiteLLM model string such as ``ollama/nomic-embed-text``."""

Address = Annotated[str, StringConstraints(strip_whitespace=True, min_length=8, max_length=2000)]
"""Where a provider is reached: an http or https URL."""


class EmbeddingModelDraft(Schema):
    """An embedding model to use, and how to reach it where it is not the embedded one."""

    model: ModelString
    credential_id: str | None = None
    api_base: Address | None = None


ModelDrafts = Annotated[list[EmbeddingModelDraft], Field(min_length=1, max_length=5)]


class EmbeddingModelView(Schema):
    """An embedding model of a knowledge base, and how many of its chunks it covers."""

    model: str
    dimension: int
    status: ModelStatus
    chunks_done: int
    chunks_total: int
    error: str | None
    credential_id: UUID | None
    api_base: str | None


class KnowledgeBaseCreate(Schema):
    """A new knowledge base; without ``embedding_models`` it uses the embedded one."""

    name: Name
    description: Description = ""
    embedding_models: ModelDrafts | None = None
    chunking: ChunkingSettings = ChunkingSettings()


class KnowledgeBasePatch(Draft):
    """A change to a knowledge base. A list of models or a chunking policy that is named is replaced whole."""

    name: Name = ""
    description: Description = ""
    embedding_models: ModelDrafts = Field(default=[])
    chunking: ChunkingSettings = ChunkingSettings()


class KnowledgeBaseView(Schema):
    """A set of sources that bots answer from."""

    id: UUID
    name: str
    description: str
    embedding_models: list[EmbeddingModelView]
    chunking: ChunkingSettings
    is_default: bool
    created_at: Moment
    updated_at: Moment


class KnowledgeBaseList(Schema):
    """A page of knowledge bases."""

    items: list[KnowledgeBaseView]
    next_cursor: str | None


class KnownModelView(Schema):
    """An embedding model whose ways are known; any other can be used too."""

    model: str
    dimension: int
    context_tokens: int
    query_prefix: str
    document_prefix: str


class ChatModelView(Schema):
    """A chat model on offer."""

    model: str
    description: str


class ModelsView(Schema):
    """The models that can be named without further knowledge."""

    embedding: list[KnownModelView]
    chat: list[ChatModelView]
