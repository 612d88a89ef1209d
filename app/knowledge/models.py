"""What we know: knowledge bases, sources, documents, versions, chunks and their embeddings."""

# SQLModel declares __tablename__ as a method; a string is what it takes.
# pyright: reportAssignmentType=false

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kit.columns import (
    JSON_DOCUMENT,
    TenantOwned,
    big_integer_field,
    enum_column,
    json_field,
    optional_time_field,
    tenant_field,
    time_field,
)


class SourceType(StrEnum):
    """Where a source's bytes come from."""

    FILE = "file"
    TEXT = "text"
    URL = "url"
    SITEMAP = "sitemap"


class SourceStatus(StrEnum):
    """What a source is worth to a search at present."""

    PENDING = "pending"
    INGESTING = "ingesting"
    READY = "ready"
    PARTIAL = "partial"
    FAILED = "failed"


class Refresh(StrEnum):
    """How often a web source is fetched again."""

    NONE = "none"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


class VersionStatus(StrEnum):
    """Which version of a document speaks for it; at most one is active."""

    STAGED = "staged"
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    FAILED = "failed"


class ModelStatus(StrEnum):
    """Whether an embedding model covers its knowledge base."""

    READY = "ready"
    BACKFILLING = "backfilling"
    FAILED = "failed"


class EmbeddingStatus(StrEnum):
    """Whether a chunk's vector under one model exists in the embedding cache."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class KnowledgeBase(TenantOwned, table=True):
    """A set of sources that bots answer from. ``version`` grows with every change of what is active in it."""

    __tablename__ = "knowledge_bases"

    name: str = Field(max_length=200)
    description: str = Field(default="", max_length=2000)
    chunking: dict[str, Any] = json_field()
    version: int = Field(default=0, sa_type=sa.BigInteger)
    is_default: bool = Field(default=False)
    updated_at: datetime = time_field()


class KnowledgeBaseModel(TenantOwned, table=True):
    """An embedding model of a knowledge base, and how far it covers it."""

    __tablename__ = "embedding_models"
    __table_args__ = (sa.UniqueConstraint("knowledge_base_id", "model"),)

    knowledge_base_id: UUID = Field(foreign_key="knowledge_bases.id", ondelete="CASCADE")
    model: str = Field(max_length=200)
    dimension: int
    credential_id: UUID | None = Field(default=None, foreign_key="credentials.id", ondelete="SET NULL", nullable=True)
    api_base: str | None = Field(default=None, max_length=2000)
    status: ModelStatus = Field(default=ModelStatus.READY, sa_type=enum_column(ModelStatus))
    error: str | None = Field(default=None, max_length=1000)


class Source(TenantOwned, table=True):
    """Something to learn from: a file, a text, a page or a site map."""

    __tablename__ = "sources"
    __table_args__ = (sa.UniqueConstraint("knowledge_base_id", "external_id"),)

    knowledge_base_id: UUID = Field(foreign_key="knowledge_bases.id", ondelete="CASCADE")
    type: SourceType = Field(sa_type=enum_column(SourceType))
    title: str = Field(max_length=500)
    external_id: str | None = Field(default=None, max_length=512)
    url: str | None = Field(default=None, max_length=2000)
    max_pages: int | None = Field(default=None)
    metadata_: dict[str, Any] = Field(
        sa_column=sa.Column("metadata", JSON_DOCUMENT, nullable=False), default_factory=dict
    )
    refresh: Refresh = Field(default=Refresh.NONE, sa_type=enum_column(Refresh))
    next_refresh_at: datetime | None = optional_time_field(index=True)
    status: SourceStatus = Field(default=SourceStatus.PENDING, sa_type=enum_column(SourceStatus))
    updated_at: datetime = time_field()


class Upload(TenantOwned, table=True):
    """Bytes as they arrived for a source, kept in the blob store: what a run reads, also when it is tried again."""

    __tablename__ = "uploads"

    source_id: UUID = Field(foreign_key="sources.id", ondelete="CASCADE", index=True)
    blob_key: str = Field(max_length=300)
    content_hash: str = Field(max_length=64)
    media_type: str = Field(max_length=16)
    file_name: str = Field(max_length=500)
    size_bytes: int = big_integer_field()


class Document(TenantOwned, table=True):
    """One readable thing of a source: a file is one document, a site map has one for each page."""

    __tablename__ = "documents"
    __table_args__ = (sa.UniqueConstraint("source_id", "uri"),)

    source_id: UUID = Field(foreign_key="sources.id", ondelete="CASCADE")
    knowledge_base_id: UUID = Field(foreign_key="knowledge_bases.id", ondelete="CASCADE", index=True)
    title: str = Field(max_length=500)
    external_id: str | None = Field(default=None, max_length=512)
    uri: str = Field(max_length=2000)
    metadata_: dict[str, Any] = Field(
        sa_column=sa.Column("metadata", JSON_DOCUMENT, nullable=False), default_factory=dict
    )
    updated_at: datetime = time_field()


class DocumentVersion(TenantOwned, table=True):
    """A document as it was at one time. ``complete`` once every stage before activation has been committed.

    ``indexed`` says that its points are in the index, or are being put there. Only an active version's belong there:
    whatever else this column says about a version of another status is put right by ``indexing.settle``.
    """

    __tablename__ = "document_versions"
    __table_args__ = (
        sa.UniqueConstraint("document_id", "number"),
        sa.UniqueConstraint("document_id", "run_id"),
        sa.Index("ix_document_versions_index_state", "status", "indexed"),
        sa.Index(
            "uq_document_versions_active",
            "document_id",
            unique=True,
            sqlite_where=sa.text("status = 'active'"),
            postgresql_where=sa.text("status = 'active'"),
        ),
    )

    document_id: UUID = Field(foreign_key="documents.id", ondelete="CASCADE")
    upload_id: UUID | None = Field(default=None, foreign_key="uploads.id", ondelete="SET NULL", nullable=True)
    run_id: UUID = Field(index=True)
    number: int
    status: VersionStatus = Field(default=VersionStatus.STAGED, sa_type=enum_column(VersionStatus))
    complete: bool = Field(default=False)
    indexed: bool = Field(default=False)
    content_hash: str = Field(max_length=64)
    media_type: str = Field(max_length=16)
    title: str = Field(default="", max_length=500)
    """The document's title when it was cut into chunks: part of what was embedded, so it never changes."""
    page_starts: list[int] = Field(sa_type=JSON_DOCUMENT, default_factory=list)
    notes: list[str] = Field(sa_type=JSON_DOCUMENT, default_factory=list)


class VersionText(SQLModel, table=True):
    """The normalised text of a version, apart from its row because it can be large."""

    __tablename__ = "version_texts"

    version_id: UUID = Field(foreign_key="document_versions.id", ondelete="CASCADE", primary_key=True)
    tenant_id: UUID = tenant_field()
    text: str = Field(sa_type=sa.Text)


class ParentChunk(TenantOwned, table=True):
    """The larger passage a chunk was cut from, which is what a model gets to read."""

    __tablename__ = "parent_chunks"

    version_id: UUID = Field(foreign_key="document_versions.id", ondelete="CASCADE", index=True)
    ordinal: int
    content: str = Field(sa_type=sa.Text)
    char_start: int
    char_end: int


class Chunk(TenantOwned, table=True):
    """A passage that is embedded and found. ``content == prefix + text[char_start:char_end]``."""

    __tablename__ = "chunks"
    __table_args__ = (sa.UniqueConstraint("version_id", "ordinal"),)

    knowledge_base_id: UUID = Field(foreign_key="knowledge_bases.id", ondelete="CASCADE", index=True)
    document_id: UUID = Field(foreign_key="documents.id", ondelete="CASCADE", index=True)
    version_id: UUID = Field(foreign_key="document_versions.id", ondelete="CASCADE")
    parent_id: UUID = Field(foreign_key="parent_chunks.id", ondelete="CASCADE")
    ordinal: int
    content: str = Field(sa_type=sa.Text)
    prefix: str = Field(default="", sa_type=sa.Text)
    char_start: int
    char_end: int
    page: int | None = Field(default=None)
    heading_path: list[str] = Field(sa_type=JSON_DOCUMENT, default_factory=list)
    token_count: int
    text_hash: str = Field(max_length=64)
    """SHA-256 of the text that is embedded (title, heading path and content): the key of the embedding cache."""


class ChunkEmbedding(SQLModel, table=True):
    """Whether one chunk is embedded under one model."""

    __tablename__ = "chunk_embeddings"
    __table_args__ = (sa.Index("ix_chunk_embeddings_version", "version_id", "model", "status"),)

    chunk_id: UUID = Field(foreign_key="chunks.id", ondelete="CASCADE", primary_key=True)
    model: str = Field(max_length=200, primary_key=True)
    tenant_id: UUID = tenant_field()
    version_id: UUID = Field(foreign_key="document_versions.id", ondelete="CASCADE")
    status: EmbeddingStatus = Field(default=EmbeddingStatus.PENDING, sa_type=enum_column(EmbeddingStatus))


class CachedEmbedding(SQLModel, table=True):
    """A vector that has been paid for: (tenant, model, text) → little-endian float32 values."""

    __tablename__ = "embedding_cache"

    tenant_id: UUID = tenant_field(primary_key=True)
    model: str = Field(max_length=200, primary_key=True)
    text_hash: str = Field(max_length=64, primary_key=True)
    vector: bytes = Field(sa_type=sa.LargeBinary)
    tokens: int = Field(default=0)
    created_at: datetime = time_field()
