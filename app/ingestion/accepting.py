"""Accepting a submission: source, upload, run and event in one transaction, then the message to the workers.

The bytes are in the blob store by now. Whatever way this ends without attaching them, they are removed again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.events.service import EventType
from app.ingestion.deps import IngestionDeps
from app.ingestion.models import Run
from app.ingestion.runs import queue_run, record_skipped
from app.ingestion.schemas import view_of
from app.ingestion.submissions import SourceAccepted, Submission
from app.kit.database import Session
from app.kit.errors import Conflict
from app.kit.ids import parse_id
from app.knowledge.bases import default_base_id
from app.knowledge.indexing import refresh
from app.knowledge.intake import Received, discard
from app.knowledge.models import Upload
from app.knowledge.schemas import source_view
from app.knowledge.sources import FoundSource, SourceDraft, attach_upload, find_or_create_source, newest_upload
from app.tenants import idempotency
from app.usage.storage import require_room, telling_when_full

ROUTE: Final = "POST /v1/sources"


class StillAtIt(Conflict):
    """The first request with this key has not been answered yet."""

    code = "idempotency_in_progress"
    title = "The first request with this Idempotency-Key is still being answered"


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose request it is. ``key`` is the ``Idempotency-Key``, where one was sent."""

    tenant_id: UUID
    actor: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The response's status and body."""

    status: int
    body: Mapping[str, Any]
    attached: bool = False
    stale_versions: tuple[UUID, ...] = ()


async def accept(deps: IngestionDeps, sender: Sender, submission: Submission, received: Received) -> Answer:
    """Make of a submission a source and a run: 202, or 200 with a run that is skipped.

    Raises NotFound for a knowledge base the tenant does not have, Conflict, Invalid, and StorageFull.
    """
    attached = False
    try:
        telling = telling_when_full(deps.database, deps.recorder, sender.tenant_id)
        async with telling, deps.database.transaction(sender.tenant_id) as session:
            answer = await _once(session, deps, sender, submission, received)
        attached = answer.attached
    finally:
        if not attached:
            await asyncio.shield(discard(deps.blobs, received))
    if answer.stale_versions:
        await refresh(deps.database, deps.vectors, sender.tenant_id, answer.stale_versions)
    return answer


async def _once(
    session: Session, deps: IngestionDeps, sender: Sender, submission: Submission, received: Received
) -> Answer:
    if sender.key is None:
        return await _accept(session, deps, sender, submission, received)
    claim = await idempotency.claim(session, sender.tenant_id, ROUTE, sender.key, submission.digest)
    if claim.outcome is idempotency.Outcome.IN_PROGRESS:
        raise StillAtIt("Wait for the first answer, or send a new Idempotency-Key.")
    if claim.outcome is idempotency.Outcome.REPLAY:
        return Answer(claim.status or 202, claim.response or {})
    answer = await _accept(session, deps, sender, submission, received)
    await idempotency.settle(session, sender.tenant_id, claim.id, answer.status, answer.body)
    return answer


async def _accept(
    session: Session, deps: IngestionDeps, sender: Sender, submission: Submission, received: Received
) -> Answer:
    draft = await _draft(session, sender.tenant_id, submission, received)
    found = await find_or_create_source(session, sender.tenant_id, draft)
    if found.created:
        view = source_view(found.source).model_dump(mode="json")
        await deps.recorder.record(
            session, sender.tenant_id, EventType.SOURCE_CREATED, found.source.id, view, actor=sender.actor
        )
    if found.unchanged:
        run = await record_skipped(session, deps.recorder, sender.tenant_id, found.source.id, None, sender.actor)
        return _answer(200, found, run)
    upload, attached = await _upload(session, deps, sender.tenant_id, found.source.id, received)
    run = await queue_run(
        session, deps.queue, sender.tenant_id, found.source.id, upload.id, activate=submission.fields.activate
    )
    return _answer(202, found, run, attached=attached)


async def _draft(session: Session, tenant_id: UUID, submission: Submission, received: Received) -> SourceDraft:
    fields = submission.fields
    named = fields.knowledge_base_id
    return SourceDraft(
        knowledge_base_id=await default_base_id(session, tenant_id) if named is None else parse_id(named),
        type=submission.type,
        title=fields.title,
        default_title=received.file_name,
        external_id=fields.external_id,
        metadata=None if fields.metadata is None else dict(fields.metadata),
        refresh=fields.refresh,
        content_hash=received.content_hash,
    )


async def _upload(
    session: Session, deps: IngestionDeps, tenant_id: UUID, source_id: UUID, received: Received
) -> tuple[Upload, bool]:
    """The source's upload with these bytes: the newest one where they are the same, so that none is kept twice."""
    newest = await newest_upload(session, tenant_id, source_id)
    if newest is not None and newest.content_hash == received.content_hash:
        return newest, False
    await require_room(session, deps.recorder, tenant_id, received.size_bytes)
    return await attach_upload(session, tenant_id, source_id, received), True


def _answer(status: int, found: FoundSource, run: Run, *, attached: bool = False) -> Answer:
    body = SourceAccepted(source=source_view(found.source), run=view_of(run))
    return Answer(status, body.model_dump(mode="json"), attached, found.stale_versions)
