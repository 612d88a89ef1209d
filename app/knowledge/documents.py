"""Documents: finding or making the one a source's bytes belong to, reading and deleting them."""

from uuid import UUID

from sqlmodel import col

from app.events.service import Recorder
from app.events.types import EventType
from app.kit.database import Session
from app.kit.errors import NotFound
from app.kit.ids import parse_id
from app.kit.ownership import get_owned, owned_by
from app.knowledge.bases import bump_version, lock_base
from app.knowledge.erasing import Leftovers, leftovers_of_document
from app.knowledge.models import Document, DocumentVersion, Source, SourceType, VersionStatus


async def ensure_document(session: Session, tenant_id: UUID, source: Source, uri: str, title: str) -> Document:
    """The document of a source at ``uri``, made where there is none, with ``title`` and the source's metadata.

    Only a site map has several documents; any other source has one, which may come from another address or under
    another file name than before.
    """
    query = owned_by(tenant_id, Document).where(col(Document.source_id) == source.id)
    is_site = source.type is SourceType.SITEMAP
    if is_site:
        query = query.where(col(Document.uri) == uri)
    document = (await session.exec(query.order_by(col(Document.id)))).first()
    if document is None:
        document = Document(
            tenant_id=tenant_id,
            source_id=source.id,
            knowledge_base_id=source.knowledge_base_id,
            title=title[:500],
            uri=uri,
        )
    document.uri = uri
    document.title = title[:500]
    document.external_id = None if is_site else source.external_id
    document.metadata_ = source.metadata_
    session.add(document)
    await session.flush()
    return document


async def lock_document(session: Session, tenant_id: UUID, document_id: UUID) -> Document:
    """The document, kept from other writers until the commit (see ``bases.lock_base``). Raises NotFound."""
    query = owned_by(tenant_id, Document).where(col(Document.id) == document_id).with_for_update(key_share=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound("There is no document with this id.")
    return found


async def lock_with_base(session: Session, tenant_id: UUID, document_id: UUID) -> Document:
    """The document, locked after its knowledge base: the order in which everybody does who needs both."""
    document = await get_owned(session, tenant_id, Document, document_id)
    await lock_base(session, tenant_id, document.knowledge_base_id)
    return await lock_document(session, tenant_id, document_id)


async def active_versions(session: Session, tenant_id: UUID, document_ids: list[UUID]) -> dict[UUID, UUID]:
    """The active version's id of each document that has one."""
    query = owned_by(tenant_id, DocumentVersion).where(
        col(DocumentVersion.document_id).in_(document_ids), col(DocumentVersion.status) == VersionStatus.ACTIVE
    )
    return {version.document_id: version.id for version in (await session.exec(query)).all()}


async def find_version(session: Session, tenant_id: UUID, document_id: UUID, version_id: str | None) -> DocumentVersion:
    """The named version of a document; without a name the active one, else the newest.

    Raises NotFound for an unknown document, for a version of another one, and where there is no version at all.
    """
    await get_owned(session, tenant_id, Document, document_id)
    query = owned_by(tenant_id, DocumentVersion).where(col(DocumentVersion.document_id) == document_id)
    if version_id is not None:
        query = query.where(col(DocumentVersion.id) == parse_id(version_id))
    versions = (await session.exec(query.order_by(col(DocumentVersion.number).desc()))).all()
    if not versions:
        raise NotFound("There is no document version with this id.")
    return next((version for version in versions if version.status is VersionStatus.ACTIVE), versions[0])


async def delete_document(
    session: Session, recorder: Recorder, tenant_id: UUID, document_id: UUID, actor: str | None
) -> Leftovers:
    """Delete a document with its versions; returns what to remove outside SQL after the commit.

    The bytes it came from stay with its source, which can be ingested again.
    """
    document = await lock_with_base(session, tenant_id, document_id)
    active = await active_versions(session, tenant_id, [document.id])
    leftovers = await leftovers_of_document(session, tenant_id, document)
    if active:
        data = {"source_id": str(document.source_id), "knowledge_base_id": str(document.knowledge_base_id)}
        data["title"] = document.title
        await recorder.record(session, tenant_id, EventType.DOCUMENT_DEACTIVATED, document.id, data, actor=actor)
    await session.delete(document)
    await session.flush()
    await bump_version(session, tenant_id, document.knowledge_base_id)
    return leftovers
