"""Versions of documents while they are made; this module is the door to all that concerns versions.

begin_version → store_chunks → complete_version → activate_version        superseded by the next one
              ↘ fail_version                    ↘ (stays staged until somebody activates it)
"""

from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from app.kit.database import Session
from app.kit.errors import NotFound
from app.kit.ownership import owned_by, owned_columns, owned_update
from app.knowledge.activation import (
    Activation,
    VersionNotReady,
    activate_version,
    active_version,
    content_unchanged,
    deactivate_document,
    is_active,
    require_ready,
)
from app.knowledge.chunks import store_chunks
from app.knowledge.documents import ensure_document, lock_document
from app.knowledge.models import DocumentVersion, Upload, VersionStatus
from app.knowledge.rows import first_of

__all__ = [
    "Activation",
    "VersionNotReady",
    "activate_version",
    "active_version",
    "begin_version",
    "complete_version",
    "content_unchanged",
    "deactivate_document",
    "ensure_document",
    "fail_version",
    "is_active",
    "require_ready",
    "store_chunks",
]


async def begin_version(
    session: Session, tenant_id: UUID, *, document_id: UUID, upload: Upload, run_id: UUID
) -> DocumentVersion:
    """The version of a document that a run makes: a new staged one, or the one an earlier attempt began.

    The document is locked, because its versions are numbered without gaps. Raises NotFound when it is gone.
    """
    await lock_document(session, tenant_id, document_id)
    mine = owned_by(tenant_id, DocumentVersion).where(
        col(DocumentVersion.document_id) == document_id, col(DocumentVersion.run_id) == run_id
    )
    begun = (await session.exec(mine)).first()
    if begun is not None:
        if begun.status is VersionStatus.FAILED:
            begun.status = VersionStatus.STAGED
            session.add(begun)
        return begun
    newest = owned_columns(tenant_id, DocumentVersion, func.max(col(DocumentVersion.number)))
    last: int | None = await first_of(session, newest.where(col(DocumentVersion.document_id) == document_id))
    version = DocumentVersion(
        tenant_id=tenant_id,
        document_id=document_id,
        upload_id=upload.id,
        run_id=run_id,
        number=(last or 0) + 1,
        content_hash=upload.content_hash,
        media_type=upload.media_type,
    )
    session.add(version)
    await session.flush()
    return version


async def complete_version(session: Session, tenant_id: UUID, version_id: UUID) -> None:
    """Note that every stage before activation has been committed. Raises NotFound when the version is gone."""
    changed = await session.exec(
        owned_update(tenant_id, DocumentVersion).where(col(DocumentVersion.id) == version_id).values(complete=True)
    )
    if changed.rowcount == 0:
        raise NotFound("There is no document version with this id.")


async def fail_version(session: Session, tenant_id: UUID, version_id: UUID) -> None:
    """Note that a version will not come to anything; one that was activated before keeps its status."""
    await session.exec(
        owned_update(tenant_id, DocumentVersion)
        .where(col(DocumentVersion.id) == version_id, col(DocumentVersion.status) == VersionStatus.STAGED)
        .values(status=VersionStatus.FAILED)
    )
