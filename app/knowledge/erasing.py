"""Removing what lies outside SQL after rows have been deleted: vectors and files.

The rows go first, in one transaction, and from then on nothing shows what they described. What follows here only
gives back room, so a failure is logged and does not undo the deletion.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlmodel import col

from app.adapters.blob_store import BlobStore
from app.adapters.vector_store.port import EmbeddingSpace, VectorStore
from app.kit.database import Session
from app.kit.errors import AppError
from app.kit.ownership import is_owned, owned_columns
from app.knowledge.model_list import spaces_of
from app.knowledge.models import Document, Source, Upload
from app.knowledge.rows import all_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What deleted rows leave behind. ``kind`` says what ``ids`` are the points of."""

    tenant_id: UUID
    kind: Literal["document", "knowledge_base"]
    ids: tuple[UUID, ...]
    spaces: tuple[EmbeddingSpace, ...]
    blob_keys: tuple[str, ...] = ()


async def leftovers_of_base(session: Session, tenant_id: UUID, knowledge_base_id: UUID) -> Leftovers:
    """What a knowledge base will leave behind; called before its row is deleted."""
    files = (
        owned_columns(tenant_id, Upload, col(Upload.blob_key))
        .join(Source, col(Source.id) == col(Upload.source_id))
        .where(is_owned(tenant_id, Source), col(Source.knowledge_base_id) == knowledge_base_id)
    )
    spaces = await _spaces(session, tenant_id, knowledge_base_id)
    return Leftovers(tenant_id, "knowledge_base", (knowledge_base_id,), spaces, await _all(session, files))


async def leftovers_of_source(session: Session, tenant_id: UUID, source: Source) -> Leftovers:
    """What a source will leave behind; called before its row is deleted."""
    documents = owned_columns(tenant_id, Document, col(Document.id)).where(col(Document.source_id) == source.id)
    files = owned_columns(tenant_id, Upload, col(Upload.blob_key)).where(col(Upload.source_id) == source.id)
    spaces = await _spaces(session, tenant_id, source.knowledge_base_id)
    return Leftovers(tenant_id, "document", await _all(session, documents), spaces, await _all(session, files))


async def leftovers_of_document(session: Session, tenant_id: UUID, document: Document) -> Leftovers:
    """What a document will leave behind; its files stay with its source."""
    spaces = await _spaces(session, tenant_id, document.knowledge_base_id)
    return Leftovers(tenant_id, "document", (document.id,), spaces)


async def erase(vectors: VectorStore, blobs: BlobStore, leftovers: Leftovers) -> None:
    """Remove what is left behind, after the commit."""
    remove = vectors.delete_document if leftovers.kind == "document" else vectors.delete_knowledge_base
    for space in leftovers.spaces:
        for row_id in leftovers.ids:
            await _try(remove, leftovers.tenant_id, space, row_id)
    for key in leftovers.blob_keys:
        await _try(blobs.delete_prefix, key)


async def erase_spaces(
    vectors: VectorStore, tenant_id: UUID, knowledge_base_id: UUID, spaces: Iterable[EmbeddingSpace]
) -> None:
    """Remove a knowledge base's points from spaces it no longer uses."""
    for space in spaces:
        await _try(vectors.delete_knowledge_base, tenant_id, space, knowledge_base_id)


async def _try(step: Callable[..., Awaitable[object]], *arguments: object) -> None:
    try:
        await step(*arguments)
    except AppError as fault:
        log.warning("erase.left_over", code=fault.code, detail=fault.detail)


async def _spaces(session: Session, tenant_id: UUID, knowledge_base_id: UUID) -> tuple[EmbeddingSpace, ...]:
    return tuple(space.space for space in await spaces_of(session, tenant_id, [knowledge_base_id]))


async def _all(session: Session, query: Any) -> tuple[Any, ...]:
    return tuple(await all_of(session, query))
