"""Bringing the whole index back from SQL and the embedding cache, whatever became of it. No provider is asked."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from app.adapters.vector_store.port import EmbeddingSpace, SearchScope, VectorStore
from app.kit.database import EVERY_TENANT, Database
from app.kit.errors import NotFound
from app.kit.ownership import is_owned, owned_columns
from app.knowledge.indexing import Indexed, index_version
from app.knowledge.model_list import spaces_of
from app.knowledge.models import Document, DocumentVersion, KnowledgeBase, VersionStatus
from app.knowledge.rows import all_of

OnProgress = Callable[[int, int], None]
"""Called with the versions done and the number there are."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild came to. ``missing`` points have no vector in the cache; ``cleared`` spaces held strays."""

    knowledge_bases: int = 0
    versions: int = 0
    points: int = 0
    missing: int = 0
    cleared: int = 0

    def plus(self, **more: int) -> "Rebuilt":
        """The same with some counts raised."""
        return Rebuilt(**{name: getattr(self, name) + more.get(name, 0) for name in self.__dataclass_fields__})


async def rebuild_index(
    database: Database,
    vectors: VectorStore,
    tenant_id: UUID | None = None,
    knowledge_base_id: UUID | None = None,
    on_progress: OnProgress | None = None,
) -> Rebuilt:
    """Store the points of every active version anew: of one knowledge base, of one tenant, or of all.

    Points overwrite themselves, so a search finds no less meanwhile. Only where a space then holds more than SQL
    accounts for (what was deleted while the index was away), it is emptied and filled once more. Raises
    DependencyDown.
    """
    work = await _work(database, tenant_id, knowledge_base_id)
    total = sum(len(versions) for versions in work.values())
    rebuilt = Rebuilt()
    for (owner, base_id), versions in work.items():
        done_before = rebuilt.versions

        def tell(done: int, before: int = done_before) -> None:
            if on_progress is not None:
                on_progress(before + done, total)

        filled = await _fill(database, vectors, owner, versions, tell)
        strays = await _strays(database, vectors, owner, base_id, filled)
        for space in strays:
            await vectors.delete_knowledge_base(owner, space, base_id)
        if strays:
            filled = await _fill(database, vectors, owner, versions, tell)
            await _restore_announced(database, vectors, owner, base_id)
        rebuilt = rebuilt.plus(
            knowledge_bases=1,
            versions=len(versions),
            points=filled.points,
            missing=filled.missing,
            cleared=len(strays),
        )
    return rebuilt


async def _fill(
    database: Database, vectors: VectorStore, tenant_id: UUID, versions: Sequence[UUID], tell: Callable[[int], None]
) -> Indexed:
    """Index versions; those deleted meanwhile are passed over."""
    by_space: Counter[EmbeddingSpace] = Counter()
    missing = 0
    for done, version_id in enumerate(versions, start=1):
        try:
            indexed = await index_version(database, vectors, tenant_id, version_id)
        except NotFound:
            continue
        by_space.update(indexed.by_space)
        missing += indexed.missing
        tell(done)
    return Indexed(by_space, missing)


async def _strays(
    database: Database, vectors: VectorStore, tenant_id: UUID, base_id: UUID, filled: Indexed
) -> list[EmbeddingSpace]:
    """Spaces in which the knowledge base has more points than were just stored."""
    async with database.reading(tenant_id) as session:
        spaces = {space.space for space in await spaces_of(session, tenant_id, [base_id])}
    scope = SearchScope((base_id,))
    return [space for space in spaces if await vectors.count(tenant_id, space, scope) > filled.by_space.get(space, 0)]


async def _restore_announced(database: Database, vectors: VectorStore, tenant_id: UUID, base_id: UUID) -> None:
    """Store the points of versions that are on their way to becoming active, in case emptying took them along."""
    query = (
        owned_columns(tenant_id, DocumentVersion, col(DocumentVersion.id))
        .join(Document, col(Document.id) == col(DocumentVersion.document_id))
        .where(is_owned(tenant_id, Document), col(Document.knowledge_base_id) == base_id)
        .where(col(DocumentVersion.status) != VersionStatus.ACTIVE, col(DocumentVersion.indexed))
    )
    async with database.reading(tenant_id) as session:
        announced = await all_of(session, query)
    await _fill(database, vectors, tenant_id, announced, lambda _: None)


async def _work(
    database: Database, tenant_id: UUID | None, knowledge_base_id: UUID | None
) -> dict[tuple[UUID, UUID], list[UUID]]:
    """The active versions of each (tenant, knowledge base)."""
    bases: Any = select(KnowledgeBase.tenant_id, KnowledgeBase.id)  # unowned: the operator's own command.
    versions: Any = (
        select(DocumentVersion.tenant_id, Document.knowledge_base_id, DocumentVersion.id)  # unowned: as above.
        .join(Document, col(Document.id) == col(DocumentVersion.document_id))
        .where(col(DocumentVersion.status) == VersionStatus.ACTIVE)
    )
    if tenant_id is not None:
        bases = bases.where(col(KnowledgeBase.tenant_id) == tenant_id)
    if knowledge_base_id is not None:
        bases = bases.where(col(KnowledgeBase.id) == knowledge_base_id)
    async with database.reading(EVERY_TENANT) as session:
        work: dict[tuple[UUID, UUID], list[UUID]] = {(row[0], row[1]): [] for row in await all_of(session, bases)}
        for owner, base_id, version_id in await all_of(session, versions.order_by(col(DocumentVersion.id))):
            if (owner, base_id) in work:
                work[owner, base_id].append(version_id)
    return work
