"""Putting a version's text and chunks into the database.

Ids are derived from the version, the place and the text, so doing it again changes nothing. Where the chunks differ
from those of an earlier attempt (another parser, another policy), the earlier ones are removed first.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, delete

from app.chunking.drafts import ChunkDraft, ParentDraft
from app.chunking.embedding_text import embedding_text
from app.kit.clock import now
from app.kit.database import Session
from app.kit.ids import derived_id
from app.kit.ownership import get_owned, owned_columns, owned_delete
from app.knowledge.bulk import insert_rows
from app.knowledge.embeddings import hash_of
from app.knowledge.models import Chunk, Document, DocumentVersion, ParentChunk, VersionText
from app.knowledge.rows import all_of


async def store_chunks(
    session: Session,
    tenant_id: UUID,
    version: DocumentVersion,
    text: str,
    page_starts: Sequence[int],
    notes: Sequence[str],
    parents: Sequence[ParentDraft],
    chunks: Sequence[ChunkDraft],
) -> int:
    """Store what was read of a document: its text, where its pages begin, notes for people, parents and chunks.

    Returns how many chunks the version has. Raises NotFound when the version is gone.
    """
    row = await get_owned(session, tenant_id, DocumentVersion, version.id)
    document = await get_owned(session, tenant_id, Document, row.document_id)
    row.title, row.page_starts, row.notes = document.title, list(page_starts), list(notes)
    session.add(row)
    await session.flush()
    parent_rows = [_parent_row(tenant_id, row.id, text, parent) for parent in parents]
    parent_ids = {parent["ordinal"]: parent["id"] for parent in parent_rows}
    chunk_rows = [_chunk_row(tenant_id, row, document, parent_ids[chunk.parent], chunk) for chunk in chunks]
    await _remove_others(session, tenant_id, row.id, {chunk["id"] for chunk in chunk_rows})
    await insert_rows(
        session, VersionText, [{"version_id": row.id, "tenant_id": tenant_id, "text": text}], update=("text",)
    )
    await insert_rows(session, ParentChunk, parent_rows)
    await insert_rows(session, Chunk, chunk_rows)
    return len(chunk_rows)


async def _remove_others(session: Session, tenant_id: UUID, version_id: UUID, wanted: set[UUID]) -> None:
    """Remove everything an earlier attempt stored, unless it is exactly what is wanted."""
    query = owned_columns(tenant_id, Chunk, col(Chunk.id)).where(col(Chunk.version_id) == version_id)
    stored = set(await all_of(session, query))
    if stored and stored != wanted:
        await session.exec(owned_delete(tenant_id, ParentChunk).where(col(ParentChunk.version_id) == version_id))
        await session.exec(delete(VersionText).where(col(VersionText.version_id) == version_id))  # unowned: see caller.


def _parent_row(tenant_id: UUID, version_id: UUID, text: str, parent: ParentDraft) -> dict[str, Any]:
    content = text[parent.char_start : parent.char_end]
    return {
        "id": derived_id("parent", version_id, parent.ordinal, hash_of(content)),
        "tenant_id": tenant_id,
        "created_at": now(),
        "version_id": version_id,
        "ordinal": parent.ordinal,
        "content": content,
        "char_start": parent.char_start,
        "char_end": parent.char_end,
    }


def _chunk_row(
    tenant_id: UUID, version: DocumentVersion, document: Document, parent_id: UUID, chunk: ChunkDraft
) -> dict[str, Any]:
    text_hash = hash_of(embedding_text(version.title, chunk.heading_path, chunk.content))
    return {
        "id": derived_id(version.id, chunk.ordinal, text_hash),
        "tenant_id": tenant_id,
        "created_at": now(),
        "knowledge_base_id": document.knowledge_base_id,
        "document_id": document.id,
        "version_id": version.id,
        "parent_id": parent_id,
        "ordinal": chunk.ordinal,
        "content": chunk.content,
        "prefix": chunk.prefix,
        "char_start": chunk.char_start,
        "char_end": chunk.char_end,
        "page": chunk.page,
        "heading_path": list(chunk.heading_path),
        "token_count": chunk.token_count,
        "text_hash": text_hash,
    }
