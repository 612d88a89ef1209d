"""What a version says: its chunks, its text, and the file it was read from."""

from collections.abc import Mapping
from uuid import UUID

from sqlmodel import col, select

from app.kit.database import Session
from app.kit.errors import NotFound
from app.kit.ownership import get_owned, owned_by
from app.kit.paging import Page, PageRequest, encode_cursor
from app.knowledge.models import Chunk, DocumentVersion, Upload, VersionText
from app.parsing.media import MediaType

CONTENT_TYPES: Mapping[str, str] = {
    MediaType.PDF: "application/pdf",
    MediaType.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    MediaType.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    MediaType.PPTX: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    MediaType.EPUB: "application/epub+zip",
    MediaType.HTML: "text/html",
    MediaType.MD: "text/markdown",
    MediaType.TXT: "text/plain",
    MediaType.CSV: "text/csv",
    MediaType.TSV: "text/tab-separated-values",
}
"""Kinds of document by their names in HTTP; whatever is missing is ``application/octet-stream``."""


async def chunk_page(session: Session, tenant_id: UUID, version: DocumentVersion, page: PageRequest) -> Page[Chunk]:
    """A version's chunks in reading order. The cursor stands for an ordinal, since ids say nothing about order."""
    query = owned_by(tenant_id, Chunk).where(col(Chunk.version_id) == version.id).order_by(col(Chunk.ordinal))
    if page.after is not None:
        query = query.where(col(Chunk.ordinal) > min(page.after.int, 2**31 - 1))
    rows = (await session.exec(query.limit(page.limit + 1))).all()
    if len(rows) <= page.limit:
        return Page(rows, None)
    shown = rows[: page.limit]
    return Page(shown, encode_cursor(UUID(int=shown[-1].ordinal)))


async def text_of(session: Session, tenant_id: UUID, version: DocumentVersion) -> str:
    """The normalised text all offsets count in. Raises NotFound for a version that was never read."""
    query = select(VersionText.text).where(  # unowned: the tenant is named in the next line.
        col(VersionText.tenant_id) == tenant_id, col(VersionText.version_id) == version.id
    )
    text = (await session.exec(query)).first()
    if text is None:
        raise NotFound("This version has no text: it was never read to its end.")
    return text


async def file_of(session: Session, tenant_id: UUID, version: DocumentVersion) -> Upload:
    """The upload a version was made from. Raises NotFound when it is gone."""
    if version.upload_id is None:
        raise NotFound("The file of this version is no longer kept.")
    return await get_owned(session, tenant_id, Upload, version.upload_id)
