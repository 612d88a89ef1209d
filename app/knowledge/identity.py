"""Which source a submission belongs to.

With an ``external_id`` it is the source of that name in the knowledge base, whatever its content. Without one, the
same bytes in the same knowledge base are the existing source, and so is the same address on the web; anything else
is a new source.
"""

from uuid import UUID

from sqlmodel import col

from app.kit.database import Session
from app.kit.ownership import is_owned, owned_by, owned_columns
from app.knowledge.models import Document, DocumentVersion, Source, SourceType, Upload, VersionStatus
from app.knowledge.rows import first_of

UPLOADED = (SourceType.FILE, SourceType.TEXT)
"""Sources whose bytes come with the request; those of the others are fetched."""


async def by_external_id(session: Session, tenant_id: UUID, knowledge_base_id: UUID, external_id: str) -> Source | None:
    """The source the client calls ``external_id``."""
    query = owned_by(tenant_id, Source).where(
        col(Source.knowledge_base_id) == knowledge_base_id, col(Source.external_id) == external_id
    )
    return (await session.exec(query)).first()


async def by_content(session: Session, tenant_id: UUID, knowledge_base_id: UUID, content_hash: str) -> Source | None:
    """The source whose present bytes have this hash: those of an earlier upload do not count."""
    query = (
        owned_by(tenant_id, Source)
        .join(Upload, col(Upload.source_id) == col(Source.id))
        .where(is_owned(tenant_id, Upload), col(Upload.content_hash) == content_hash)
        .where(col(Source.knowledge_base_id) == knowledge_base_id, col(Source.type).in_(UPLOADED))
        .order_by(col(Source.id))
    )
    for source in (await session.exec(query)).unique().all():
        newest = await newest_upload(session, tenant_id, source.id)
        if newest is not None and newest.content_hash == content_hash:
            return source
    return None


async def by_address(
    session: Session, tenant_id: UUID, knowledge_base_id: UUID, kind: SourceType, url: str
) -> Source | None:
    """The oldest source of this kind for this address."""
    query = (
        owned_by(tenant_id, Source)
        .where(col(Source.knowledge_base_id) == knowledge_base_id, col(Source.type) == kind, col(Source.url) == url)
        .order_by(col(Source.id))
    )
    return (await session.exec(query)).first()


async def newest_upload(session: Session, tenant_id: UUID, source_id: UUID) -> Upload | None:
    """The bytes a source has at present, or None when nothing was ever uploaded or fetched for it."""
    query = owned_by(tenant_id, Upload).where(col(Upload.source_id) == source_id)
    return (await session.exec(query.order_by(col(Upload.id).desc()).limit(1))).first()


async def has_active_content(session: Session, tenant_id: UUID, source_id: UUID, content_hash: str) -> bool:
    """Whether an active version of the source was made from bytes with this hash."""
    query = (
        owned_columns(tenant_id, DocumentVersion, col(DocumentVersion.id))
        .join(Document, col(Document.id) == col(DocumentVersion.document_id))
        .where(is_owned(tenant_id, Document), col(Document.source_id) == source_id)
        .where(col(DocumentVersion.status) == VersionStatus.ACTIVE, col(DocumentVersion.content_hash) == content_hash)
    )
    return await first_of(session, query.limit(1)) is not None
