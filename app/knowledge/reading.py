"""What a search gets to see of the chunks it found: SQL decides which of them still count.

An index can lag behind, keep what was deleted or lose what was not. So every hit passes here, and whatever is not
part of an active version of the tenant, in one of the asked knowledge bases, is left out without a word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col

from app.kit.database import Session
from app.kit.ownership import is_owned, owned_columns
from app.knowledge.models import Chunk, Document, DocumentVersion, ParentChunk, VersionStatus
from app.knowledge.rows import all_of


@dataclass(frozen=True, slots=True)
class Evidence:
    """A chunk with its place: ``content == prefix + text[char_start:char_end]`` of its version's text.

    ``parent_content == text[parent_start:parent_end]`` is the passage around it, ``page_starts`` the offsets at which
    the version's pages begin, ``metadata`` the document's.
    """

    chunk_id: UUID
    version_id: UUID
    version: int
    document_id: UUID
    title: str
    source_id: UUID
    uri: str
    knowledge_base_id: UUID
    content: str
    prefix: str
    char_start: int
    char_end: int
    page: int | None
    heading_path: tuple[str, ...]
    metadata: dict[str, Any]
    parent_id: UUID
    parent_content: str
    parent_start: int
    parent_end: int
    page_starts: tuple[int, ...]
    token_count: int


async def hydrate(
    session: Session, tenant_id: UUID, chunk_ids: Sequence[UUID], knowledge_base_ids: Sequence[UUID]
) -> dict[UUID, Evidence]:
    """The chunks among ``chunk_ids`` that count at this moment, by id: two queries, whatever their number."""
    if not chunk_ids:
        return {}
    rows = await all_of(session, _chunks(tenant_id, chunk_ids, knowledge_base_ids))
    places = await _places(session, tenant_id, {row.parent_id for row in rows})
    # A parent can be deleted between the two queries; its chunk then counts no more.
    return {row.id: _evidence(row, places[row.parent_id]) for row in rows if row.parent_id in places}


def _chunks(tenant_id: UUID, chunk_ids: Sequence[UUID], knowledge_base_ids: Sequence[UUID]) -> Any:
    """Without the parents' texts, which several chunks may share."""
    return (
        owned_columns(
            tenant_id,
            Chunk,
            *(getattr(Chunk, name) for name in _CHUNK_COLUMNS),
            col(DocumentVersion.number),
            col(Document.title),
            col(Document.source_id),
            col(Document.uri),
            col(Document.metadata_),
        )
        .join(DocumentVersion, col(DocumentVersion.id) == col(Chunk.version_id))
        .join(Document, col(Document.id) == col(Chunk.document_id))
        .where(is_owned(tenant_id, DocumentVersion, Document))
        .where(col(DocumentVersion.status) == VersionStatus.ACTIVE)
        .where(col(Chunk.id).in_(chunk_ids), col(Chunk.knowledge_base_id).in_(knowledge_base_ids))
    )


_CHUNK_COLUMNS = (
    "id",
    "version_id",
    "document_id",
    "knowledge_base_id",
    "content",
    "prefix",
    "char_start",
    "char_end",
    "page",
    "heading_path",
    "parent_id",
    "token_count",
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A parent's text and offsets, and its version's pages."""

    content: str
    start: int
    end: int
    page_starts: tuple[int, ...]


async def _places(session: Session, tenant_id: UUID, parent_ids: set[UUID]) -> dict[UUID, _Place]:
    query = (
        owned_columns(
            tenant_id,
            ParentChunk,
            col(ParentChunk.id),
            col(ParentChunk.content),
            col(ParentChunk.char_start),
            col(ParentChunk.char_end),
            col(DocumentVersion.page_starts),
        )
        .join(DocumentVersion, col(DocumentVersion.id) == col(ParentChunk.version_id))
        .where(is_owned(tenant_id, DocumentVersion), col(ParentChunk.id).in_(parent_ids))
    )
    rows = await all_of(session, query)
    return {row[0]: _Place(row[1], row[2], row[3], tuple(row[4])) for row in rows}


def _evidence(row: Any, place: _Place) -> Evidence:
    return Evidence(
        chunk_id=row.id,
        version_id=row.version_id,
        version=row.number,
        document_id=row.document_id,
        title=row.title,
        source_id=row.source_id,
        uri=row.uri,
        knowledge_base_id=row.knowledge_base_id,
        content=row.content,
        prefix=row.prefix,
        char_start=row.char_start,
        char_end=row.char_end,
        page=row.page,
        heading_path=tuple(row.heading_path),
        metadata=row.metadata_,
        parent_id=row.parent_id,
        parent_content=place.content,
        parent_start=place.start,
        parent_end=place.end,
        page_starts=place.page_starts,
        token_count=row.token_count,
    )
