"""Putting versions into the vector index and taking them out again, from SQL and the embedding cache alone.

Only an active version's points belong there. A version that is not active yet says ``indexed`` before its first point
is stored, and its activation demands that this still stands. Whoever retires one takes the word back first, then
removes the points, then looks whether somebody has said it again meanwhile:

    activating  say indexed ── store points ── [indexed still said? then active, else store again]
    retiring    take it back (unless active) ── remove points ── [said again, or active? then store again]

So however the two interleave, an active version ends up with its points. A process that dies in between leaves a
word that does not fit the status, and ``settle`` finds it by that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlmodel import col, select

from app.adapters.vector_store.port import EmbeddingSpace, VectorStore
from app.kit.database import EVERY_TENANT, Database
from app.kit.errors import AppError, NotFound
from app.kit.ownership import owned_by, owned_update
from app.knowledge.index_batches import IndexTarget, batches_of, load_target
from app.knowledge.model_list import SpaceOf
from app.knowledge.models import DocumentVersion, VersionStatus

OnBatch = Callable[[int, int], None]
"""Called with the chunks done and the number there are; may raise to stop the work."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Indexed:
    """How many points were stored in each space, and how many were not because no vector is known for them."""

    by_space: Mapping[EmbeddingSpace, int]
    missing: int

    @property
    def points(self) -> int:
        """All points that were stored."""
        return sum(self.by_space.values())


async def index_version(
    database: Database,
    vectors: VectorStore,
    tenant_id: UUID,
    version_id: UUID,
    spaces: Sequence[SpaceOf] | None = None,
    on_batch: OnBatch | None = None,
) -> Indexed:
    """Store a version's points in every space of its knowledge base, or only in ``spaces``. Doing it again is harmless.

    Raises NotFound when the version is gone, also when that happens meanwhile, and DependencyDown.
    """
    async with database.reading(tenant_id) as session:
        target = await load_target(session, tenant_id, version_id, spaces)
    if not target.is_active and not await _set_indexed(database, target):
        raise NotFound("There is no document version with this id.")
    stored = dict.fromkeys(target.spaces, 0)
    done = 0
    async for batch in batches_of(database, target):
        for space, points in batch.points.items():
            if points:
                await vectors.upsert(tenant_id, space, points)
                stored[space] += len(points)
        done += batch.chunks
        if on_batch is not None:
            on_batch(done, target.chunks)
    await _seal(database, vectors, target)
    return Indexed(stored, done * len(target.spaces) - sum(stored.values()))


async def unindex_version(database: Database, vectors: VectorStore, tenant_id: UUID, version_id: UUID) -> None:
    """Remove a version's points, unless it is active, which its row decides. Raises DependencyDown."""
    async with database.transaction(tenant_id) as session:
        mine = owned_by(tenant_id, DocumentVersion).where(col(DocumentVersion.id) == version_id)
        version = (await session.exec(mine)).first()
        if version is None or version.status is VersionStatus.ACTIVE:
            return
        taken_back = await session.exec(
            owned_update(tenant_id, DocumentVersion)
            .where(col(DocumentVersion.id) == version_id, col(DocumentVersion.status) != VersionStatus.ACTIVE)
            .values(indexed=False)
        )
        if not taken_back.rowcount:
            return
        target = await load_target(session, tenant_id, version_id)
    await _remove(vectors, tenant_id, target.spaces, version_id)
    async with database.reading(tenant_id) as session:
        after = (await session.exec(mine)).first()
    if after is not None and (after.indexed or after.status is VersionStatus.ACTIVE):
        await index_version(database, vectors, tenant_id, version_id)


async def refresh(database: Database, vectors: VectorStore, tenant_id: UUID, version_ids: Iterable[UUID]) -> None:
    """Store active versions' points anew because their title or metadata changed; what fails is left to ``settle``."""
    for version_id in version_ids:
        try:
            await index_version(database, vectors, tenant_id, version_id)
        except AppError as fault:
            log.warning("index.not_refreshed", version_id=str(version_id), code=fault.code)


async def retire(database: Database, vectors: VectorStore, tenant_id: UUID, version_id: UUID | None) -> None:
    """Remove the points of a version that speaks no more, if there is one; what fails is left to ``settle``."""
    if version_id is None:
        return
    try:
        await unindex_version(database, vectors, tenant_id, version_id)
    except AppError as fault:
        log.warning("index.not_retired", version_id=str(version_id), code=fault.code)


async def settle(database: Database, vectors: VectorStore, limit: int = 20) -> int:
    """Mend up to ``limit`` versions whose ``indexed`` does not fit their status; returns how many there were.

    Meant for a sweep: it finds what a dying process left half done. Staged versions are their run's business.
    """
    active = col(DocumentVersion.status) == VersionStatus.ACTIVE
    retired = col(DocumentVersion.status).in_((VersionStatus.SUPERSEDED, VersionStatus.FAILED))
    query = select(  # unowned: it serves every tenant, and works on each version as its own tenant.
        DocumentVersion.tenant_id, DocumentVersion.id, DocumentVersion.status
    ).where((active & ~col(DocumentVersion.indexed)) | (retired & col(DocumentVersion.indexed)))
    async with database.reading(EVERY_TENANT) as session:
        rows = (await session.exec(query.limit(limit))).all()
    for tenant_id, version_id, status in rows:
        if status is VersionStatus.ACTIVE:
            await refresh(database, vectors, tenant_id, [version_id])
        else:
            await retire(database, vectors, tenant_id, version_id)
    return len(rows)


async def _seal(database: Database, vectors: VectorStore, target: IndexTarget) -> None:
    """Note that an active version's points are complete; remove them again when it was deleted meanwhile."""
    if target.is_active:
        exists = await _set_indexed(database, target)
    else:
        async with database.reading(target.tenant_id) as session:
            mine = owned_by(target.tenant_id, DocumentVersion).where(col(DocumentVersion.id) == target.version_id)
            exists = (await session.exec(mine)).first() is not None
    if not exists:
        await _remove(vectors, target.tenant_id, target.spaces, target.version_id)
        raise NotFound("The document was deleted while it was being indexed.")


async def _set_indexed(database: Database, target: IndexTarget) -> bool:
    """Say that a version is indexed; False when it is gone."""
    async with database.transaction(target.tenant_id) as session:
        said = await session.exec(
            owned_update(target.tenant_id, DocumentVersion)
            .where(col(DocumentVersion.id) == target.version_id)
            .values(indexed=True)
        )
    return said.rowcount > 0


async def _remove(vectors: VectorStore, tenant_id: UUID, spaces: Iterable[EmbeddingSpace], version_id: UUID) -> None:
    for space in spaces:
        await vectors.delete_version(tenant_id, space, version_id)
