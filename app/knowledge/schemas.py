"""Sources, documents, versions and chunks as clients send and see them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from app.kit.schema import Draft, ExternalId, Metadata, Moment, Schema
from app.kit.text import is_printable_name
from app.knowledge.models import (
    Chunk,
    Document,
    DocumentVersion,
    Refresh,
    Source,
    SourceStatus,
    SourceType,
    VersionStatus,
)


def _printable(text: str) -> str:
    if not is_printable_name(text):
        raise ValueError("must not hold control characters")
    return text


Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_printable)
]
"""What a source or document is called: 1 to 500 characters."""


class SourceView(Schema):
    """Something to learn from, and what it is worth to a search at present."""

    id: UUID
    type: SourceType
    title: str
    status: SourceStatus
    knowledge_base_id: UUID
    external_id: str | None
    url: str | None
    metadata: dict[str, Any]
    refresh: Refresh
    created_at: Moment
    updated_at: Moment


class SourceList(Schema):
    """A page of sources."""

    items: list[SourceView]
    next_cursor: str | None


class SourcePatch(Draft):
    """A change to a source. Its documents follow; what they say is not touched."""

    title: Title = ""
    metadata: Metadata = Field(default={})
    external_id: ExternalId | None = None
    refresh: Refresh = Refresh.NONE


class DocumentView(Schema):
    """One readable thing of a source."""

    id: UUID
    title: str
    source_id: UUID
    knowledge_base_id: UUID
    external_id: str | None
    uri: str
    metadata: dict[str, Any]
    active_version_id: UUID | None
    created_at: Moment
    updated_at: Moment


class DocumentList(Schema):
    """A page of documents."""

    items: list[DocumentView]
    next_cursor: str | None


class VersionView(Schema):
    """A document as it was at one time. ``notes`` say what could not be read."""

    id: UUID
    version: int
    status: VersionStatus
    run_id: UUID
    content_hash: str
    media_type: str
    notes: list[str]
    created_at: Moment


class VersionList(Schema):
    """A page of versions."""

    items: list[VersionView]
    next_cursor: str | None


class ChunkView(Schema):
    """A passage that is found: ``content == prefix + text[char_start:char_end]``, in code points."""

    id: UUID
    version_id: UUID
    ordinal: int
    content: str
    prefix: str
    char_start: int
    char_end: int
    page: int | None
    heading_path: list[str]
    token_count: int


class ChunkList(Schema):
    """A page of chunks, in reading order."""

    items: list[ChunkView]
    next_cursor: str | None


def source_view(source: Source) -> SourceView:
    """The public side of a source's row."""
    return SourceView(
        id=source.id,
        type=source.type,
        title=source.title,
        status=source.status,
        knowledge_base_id=source.knowledge_base_id,
        external_id=source.external_id,
        url=source.url,
        metadata=source.metadata_,
        refresh=source.refresh,
        created_at=source.created_at,
        updated_at=source.updated_at,
    )


def document_view(document: Document, active_version_id: UUID | None) -> DocumentView:
    """The public side of a document's row."""
    return DocumentView(
        id=document.id,
        title=document.title,
        source_id=document.source_id,
        knowledge_base_id=document.knowledge_base_id,
        external_id=document.external_id,
        uri=document.uri,
        metadata=document.metadata_,
        active_version_id=active_version_id,
        created_at=document.created_at,
        updated_at=document.updated_at,
    )


def version_view(version: DocumentVersion) -> VersionView:
    """The public side of a version's row."""
    return VersionView(
        id=version.id,
        version=version.number,
        status=version.status,
        run_id=version.run_id,
        content_hash=version.content_hash,
        media_type=version.media_type,
        notes=version.notes,
        created_at=version.created_at,
    )


def chunk_view(chunk: Chunk) -> ChunkView:
    """The public side of a chunk's row."""
    return ChunkView.model_validate(chunk.model_dump(include=set(ChunkView.model_fields)))
