"""Carrying a source's new title and metadata to its documents, and on to what the index repeats of them."""

from uuid import UUID

from sqlmodel import col

from app.kit.clock import now
from app.kit.database import Session
from app.kit.ownership import owned_by, owned_update
from app.knowledge.bases import bump_version
from app.knowledge.models import Document, DocumentVersion, Source, SourceType, VersionStatus


async def touch_documents(session: Session, tenant_id: UUID, source: Source) -> tuple[UUID, ...]:
    """Give a source's documents its metadata and, unless they are a site's pages, its title and external id.

    Returns the active versions whose points repeat what has changed. They are noted as not indexed in the same
    transaction, so that a sweep finds them even where the caller dies before refreshing them.
    """
    documents = (await session.exec(owned_by(tenant_id, Document).where(col(Document.source_id) == source.id))).all()
    touched: list[UUID] = []
    for document in documents:
        title = document.title if source.type is SourceType.SITEMAP else source.title
        external_id = None if source.type is SourceType.SITEMAP else source.external_id
        if (document.title, document.metadata_) != (title, source.metadata_):
            touched.append(document.id)
        document.title, document.external_id, document.metadata_ = title, external_id, source.metadata_
        document.updated_at = now()
        session.add(document)
    if not touched:
        return ()
    await session.flush()
    await bump_version(session, tenant_id, source.knowledge_base_id)
    return await _mark_stale(session, tenant_id, touched)


async def _mark_stale(session: Session, tenant_id: UUID, document_ids: list[UUID]) -> tuple[UUID, ...]:
    query = owned_by(tenant_id, DocumentVersion).where(
        col(DocumentVersion.document_id).in_(document_ids), col(DocumentVersion.status) == VersionStatus.ACTIVE
    )
    versions = tuple(version.id for version in (await session.exec(query)).all())
    await session.exec(
        owned_update(tenant_id, DocumentVersion).where(col(DocumentVersion.id).in_(versions)).values(indexed=False)
    )
    return versions
