"""Sources: finding the one a submission belongs to or making it, its uploads, its state, and changing it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col

from app.events.service import Recorder
from app.events.types import EventType
from app.kit.clock import now
from app.kit.database import Session
from app.kit.errors import Conflict
from app.kit.ownership import get_owned, owned_update
from app.knowledge import identity
from app.knowledge.bases import bump_version, lock_base
from app.knowledge.erasing import Leftovers, leftovers_of_source
from app.knowledge.identity import newest_upload
from app.knowledge.intake import Received
from app.knowledge.models import Refresh, Source, SourceStatus, SourceType, Upload
from app.knowledge.source_changes import WEB, change_source, next_refresh, require_refreshable

__all__ = [
    "FoundSource",
    "SourceDraft",
    "attach_upload",
    "change_source",
    "delete_source",
    "find_or_create_source",
    "newest_upload",
    "next_refresh",
    "set_status",
]


@dataclass(frozen=True, slots=True)
class SourceDraft:
    """What a client submits. ``title`` and ``metadata`` None: keep what there is, else ``default_title`` and nothing.

    ``content_hash`` is that of uploaded bytes, None where they are still to be fetched.
    """

    knowledge_base_id: UUID
    type: SourceType
    title: str | None = None
    default_title: str = "Untitled"
    external_id: str | None = None
    url: str | None = None
    max_pages: int | None = None
    metadata: dict[str, Any] | None = None
    refresh: Refresh | None = None
    content_hash: str | None = None


@dataclass(frozen=True, slots=True)
class FoundSource:
    """The source of a submission.

    ``unchanged``: the bytes are those of its active version, so there is nothing to learn. ``stale_versions`` are
    active versions whose points in the index tell an older title or metadata: pass them to ``indexing.refresh`` after
    the commit (a sweep does it otherwise).
    """

    source: Source
    created: bool
    unchanged: bool
    stale_versions: tuple[UUID, ...] = ()


async def find_or_create_source(session: Session, tenant_id: UUID, draft: SourceDraft) -> FoundSource:
    """The source that ``draft`` belongs to, by the rules of ``identity``; its title and metadata become the draft's.

    The knowledge base is locked, so that the same submission sent twice at once makes one source. Raises NotFound for
    a knowledge base the tenant does not have, Conflict where ``external_id`` names a source of another kind.
    """
    await lock_base(session, tenant_id, draft.knowledge_base_id)
    existing = await _existing(session, tenant_id, draft)
    if existing is None:
        return FoundSource(await _create(session, tenant_id, draft), created=True, unchanged=False)
    stale = await change_source(session, tenant_id, existing, _differences(draft, existing))
    unchanged = draft.content_hash is not None and await identity.has_active_content(
        session, tenant_id, existing.id, draft.content_hash
    )
    return FoundSource(existing, created=False, unchanged=unchanged, stale_versions=stale)


async def attach_upload(session: Session, tenant_id: UUID, source_id: UUID, received: Received) -> Upload:
    """Note bytes that arrived for a source; they are its present ones from now on."""
    upload = Upload(
        tenant_id=tenant_id,
        source_id=source_id,
        blob_key=received.blob_key,
        content_hash=received.content_hash,
        media_type=received.media_type,
        file_name=received.file_name,
        size_bytes=received.size_bytes,
    )
    session.add(upload)
    await session.flush()
    return upload


async def set_status(session: Session, tenant_id: UUID, source_id: UUID, status: SourceStatus) -> None:
    """Say what a source is worth at present; nothing happens when it is gone."""
    await session.exec(
        owned_update(tenant_id, Source).where(col(Source.id) == source_id).values(status=status, updated_at=now())
    )


async def delete_source(
    session: Session, recorder: Recorder, tenant_id: UUID, source_id: UUID, actor: str | None
) -> Leftovers:
    """Delete a source with all that was learned from it; returns what to remove outside SQL after the commit."""
    source = await get_owned(session, tenant_id, Source, source_id)
    await lock_base(session, tenant_id, source.knowledge_base_id)
    leftovers = await leftovers_of_source(session, tenant_id, source)
    await recorder.record(
        session,
        tenant_id,
        EventType.SOURCE_DELETED,
        source.id,
        {"knowledge_base_id": str(source.knowledge_base_id), "title": source.title},
        actor=actor,
    )
    await session.delete(source)
    await session.flush()
    await bump_version(session, tenant_id, source.knowledge_base_id)
    return leftovers


async def _existing(session: Session, tenant_id: UUID, draft: SourceDraft) -> Source | None:
    base_id = draft.knowledge_base_id
    if draft.external_id is not None:
        return await identity.by_external_id(session, tenant_id, base_id, draft.external_id)
    if draft.content_hash is not None:
        return await identity.by_content(session, tenant_id, base_id, draft.content_hash)
    if draft.url is not None:
        return await identity.by_address(session, tenant_id, base_id, draft.type, draft.url)
    return None


async def _create(session: Session, tenant_id: UUID, draft: SourceDraft) -> Source:
    refresh = draft.refresh or Refresh.NONE
    require_refreshable(draft.type, refresh)
    source = Source(
        tenant_id=tenant_id,
        knowledge_base_id=draft.knowledge_base_id,
        type=draft.type,
        title=(draft.title or draft.default_title)[:500],
        external_id=draft.external_id,
        url=draft.url,
        max_pages=draft.max_pages,
        metadata_=draft.metadata or {},
        refresh=refresh,
        next_refresh_at=next_refresh(refresh, now()),
    )
    session.add(source)
    await session.flush()
    return source


def _differences(draft: SourceDraft, source: Source) -> dict[str, Any]:
    """The columns in which a submission says something else than the source it belongs to.

    Raises Conflict where a site map would become one document or the other way round.
    """
    if (draft.type is SourceType.SITEMAP) != (source.type is SourceType.SITEMAP):
        raise Conflict("This external_id belongs to a source of another type; delete that one first.")
    said = {
        "title": draft.title,
        "metadata_": draft.metadata,
        "refresh": draft.refresh,
        "url": draft.url,
        "max_pages": draft.max_pages,
        "external_id": draft.external_id,
    }
    if draft.type in WEB or source.type in WEB:
        said["type"] = draft.type
    return {name: value for name, value in said.items() if value is not None and value != getattr(source, name)}
