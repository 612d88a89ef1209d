"""Which version of a document speaks: at most one, and the database itself refuses a second.

Every change of what is active raises the knowledge base's version in the same transaction, which makes the answers
that were cached before it invalid.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col

from app.events.service import Recorder
from app.events.types import EventType
from app.kit.clock import now
from app.kit.database import Session
from app.kit.errors import Conflict
from app.kit.ownership import get_owned, owned_by, owned_columns, owned_update
from app.knowledge.bases import bump_version
from app.knowledge.documents import lock_with_base
from app.knowledge.models import Document, DocumentVersion, VersionStatus
from app.knowledge.rows import first_of
from app.knowledge.unseen import note_unseen_models


class VersionNotReady(Conflict):
    """The version failed, or the work on it is not done, so there is nothing that could be activated."""

    code = "version_not_ready"
    title = "This version cannot be activated"


class VersionNotIndexed(VersionNotReady):
    """The version's points are not in the index, or somebody took them out meanwhile."""


@dataclass(frozen=True, slots=True)
class Activation:
    """What was activated, and what to do after the commit.

    ``retired`` is the version whose points are to be removed from the index, if any (a sweep does it otherwise).
    ``unseen_models`` are embedding models that were added while the version was being made: they are now marked as
    backfilling.
    """

    document_id: UUID
    knowledge_base_id: UUID
    version_id: UUID
    retired: UUID | None
    unseen_models: tuple[str, ...] = ()


async def activate_version(
    session: Session, recorder: Recorder, tenant_id: UUID, version_id: UUID, actor: str | None = None
) -> Activation:
    """Make a version the one that speaks for its document. It must be complete and its points in the index.

    Does nothing when it is active already. Raises NotFound when it is gone and VersionNotReady when it is failed,
    incomplete or not indexed.
    """
    version = await get_owned(session, tenant_id, DocumentVersion, version_id)
    document = await lock_with_base(session, tenant_id, version.document_id)
    await session.refresh(version)  # Another transaction may have changed it before we got the lock.
    if version.status is VersionStatus.ACTIVE:
        return Activation(document.id, document.knowledge_base_id, version.id, None)
    require_ready(version)
    retired = await _retire_active(session, tenant_id, document.id)
    # One statement looks and acts, so that nobody can take the points away in between.
    indexed = col(DocumentVersion.indexed).is_(True)
    if not await _set_status(session, tenant_id, version.id, VersionStatus.ACTIVE, indexed):
        raise VersionNotIndexed("This version is not in the index yet; try again in a moment.")
    await bump_version(session, tenant_id, document.knowledge_base_id)
    await _touch(session, document)
    unseen = await note_unseen_models(session, tenant_id, document.knowledge_base_id, version.id)
    data = {**_about(document), "version_id": str(version.id), "version": version.number}
    await recorder.record(session, tenant_id, EventType.DOCUMENT_ACTIVATED, document.id, data, actor=actor)
    return Activation(document.id, document.knowledge_base_id, version.id, retired, unseen)


async def deactivate_document(
    session: Session, recorder: Recorder, tenant_id: UUID, document_id: UUID, actor: str | None = None
) -> UUID | None:
    """Let a document be silent; returns the version whose points are to be removed after the commit.

    None when no version was active; nothing is recorded then. Raises NotFound when the document is gone.
    """
    document = await lock_with_base(session, tenant_id, document_id)
    retired = await _retire_active(session, tenant_id, document_id)
    if retired is None:
        return None
    await bump_version(session, tenant_id, document.knowledge_base_id)
    await _touch(session, document)
    data = {**_about(document), "version_id": str(retired)}
    await recorder.record(session, tenant_id, EventType.DOCUMENT_DEACTIVATED, document.id, data, actor=actor)
    return retired


async def active_version(session: Session, tenant_id: UUID, document_id: UUID) -> DocumentVersion | None:
    """The version that speaks for a document."""
    query = owned_by(tenant_id, DocumentVersion).where(
        col(DocumentVersion.document_id) == document_id, col(DocumentVersion.status) == VersionStatus.ACTIVE
    )
    return (await session.exec(query)).first()


async def is_active(session: Session, tenant_id: UUID, version_id: UUID) -> bool:
    """Whether this version speaks for its document; False too when it is gone."""
    query = owned_columns(tenant_id, DocumentVersion, col(DocumentVersion.status))
    return await first_of(session, query.where(col(DocumentVersion.id) == version_id)) is VersionStatus.ACTIVE


async def content_unchanged(session: Session, tenant_id: UUID, document_id: UUID, content_hash: str) -> bool:
    """Whether the document's active version was made from bytes with this hash."""
    version = await active_version(session, tenant_id, document_id)
    return version is not None and version.content_hash == content_hash


def require_ready(version: DocumentVersion) -> None:
    """Raises VersionNotReady for a version that failed or that is not complete."""
    if version.status is VersionStatus.FAILED:
        raise VersionNotReady("The ingestion of this version failed; ingest the source again to get one that works.")
    if not version.complete:
        raise VersionNotReady("This version is still being made; wait for its run to end.")


async def _retire_active(session: Session, tenant_id: UUID, document_id: UUID) -> UUID | None:
    version = await active_version(session, tenant_id, document_id)
    if version is None:
        return None
    await _set_status(session, tenant_id, version.id, VersionStatus.SUPERSEDED)
    return version.id


async def _set_status(
    session: Session, tenant_id: UUID, version_id: UUID, status: VersionStatus, *conditions: ColumnElement[bool]
) -> bool:
    """Set it where the conditions hold; False where they do not."""
    changed = await session.exec(
        owned_update(tenant_id, DocumentVersion)
        .where(col(DocumentVersion.id) == version_id, *conditions)
        .values(status=status)
    )
    return changed.rowcount > 0


async def _touch(session: Session, document: Document) -> None:
    document.updated_at = now()
    session.add(document)
    await session.flush()


def _about(document: Document) -> dict[str, str]:
    return {
        "source_id": str(document.source_id),
        "knowledge_base_id": str(document.knowledge_base_id),
        "title": document.title,
    }
