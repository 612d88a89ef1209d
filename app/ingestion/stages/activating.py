"""Activating: one transaction makes the new version speak and the old one silent; then the old one's points go."""

from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import col

from app.ingestion.backfill import request
from app.ingestion.deps import IngestionDeps
from app.ingestion.leases import Claimed
from app.ingestion.models import Stage
from app.ingestion.progress import Reporter
from app.kit.database import Session
from app.kit.ownership import is_owned, owned_columns
from app.knowledge.indexing import retire
from app.knowledge.models import DocumentVersion, VersionStatus
from app.knowledge.rows import first_of
from app.knowledge.versions import Activation, VersionNotReady, activate_version, complete_version

ROUNDS = 3
"""How often a version is indexed when somebody takes its points away again before it is active."""


async def complete(deps: IngestionDeps, claimed: Claimed, reporter: Reporter, version_id: UUID) -> None:
    """Leave a version staged: complete, but not in the index until somebody activates it."""
    async with deps.database.transaction(claimed.tenant_id) as session:
        await reporter.save(session)
        await complete_version(session, claimed.tenant_id, version_id)


async def activate(deps: IngestionDeps, claimed: Claimed, reporter: Reporter, version_id: UUID) -> bool:
    """Make an indexed version the one that is retrieved; False when its points were taken away, so index it again.

    It stays staged where the source has gone on to newer bytes meanwhile. Raises LeaseLost and NotFound.
    """
    reporter.enter(Stage.ACTIVATING)
    try:
        async with deps.database.transaction(claimed.tenant_id) as session:
            await reporter.save(session)
            await complete_version(session, claimed.tenant_id, version_id)
            if not await _is_newest(session, claimed.tenant_id, version_id):
                activation = None
            else:
                activation = await activate_version(session, deps.recorder, claimed.tenant_id, version_id)
    except VersionNotReady:
        return False
    await _afterwards(deps, claimed, version_id, activation)
    return True


async def _afterwards(deps: IngestionDeps, claimed: Claimed, version_id: UUID, activation: Activation | None) -> None:
    retired = version_id if activation is None else activation.retired
    await retire(deps.database, deps.vectors, claimed.tenant_id, retired)
    if activation is not None:
        for model in activation.unseen_models:
            await request(deps.queue, claimed.tenant_id, activation.knowledge_base_id, model)


async def _is_newest(session: Session, tenant_id: UUID, version_id: UUID) -> bool:
    """Uploads have ids that grow with time, and a later one must not be undone by a run that took longer."""
    mine, active = DocumentVersion, aliased(DocumentVersion)
    query = (
        owned_columns(tenant_id, mine, col(active.id))
        .join(active, col(active.document_id) == col(mine.document_id))
        .where(is_owned(tenant_id, active), col(active.status) == VersionStatus.ACTIVE)
        .where(col(mine.id) == version_id, col(active.upload_id) > col(mine.upload_id))
    )
    newer: UUID | None = await first_of(session, query)
    return newer is None
