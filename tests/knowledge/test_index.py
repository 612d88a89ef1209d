"""The index against SQL: refilled from nothing, mended after a death, and right however two changes interleave."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, delete

from app.adapters.vector_store.port import EmbeddingSpace, Point, VectorStore
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.kit.ownership import owned_by, owned_delete, owned_update
from app.knowledge.indexing import index_version, settle, unindex_version
from app.knowledge.model_list import EMBEDDED
from app.knowledge.models import CachedEmbedding, Chunk, Document, DocumentVersion, VersionStatus
from app.knowledge.reading import hydrate
from app.knowledge.rebuilding import rebuild_index
from app.knowledge.switching import Switch
from tests.support.house import House, Office

SPACE = EmbeddingSpace(EMBEDDED.model, EMBEDDED.dimension)


class Meddler:
    """An index in which somebody else does something in the middle of an upsert."""

    def __init__(self, store: VectorStore, meddle: Any) -> None:
        self._store = store
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def upsert(self, tenant_id: UUID, space: EmbeddingSpace, points: Sequence[Point]) -> None:
        await self._store.upsert(tenant_id, space, points)
        meddle, self._meddle = self._meddle, None
        if meddle is not None:
            await meddle()


class NoBackfill:
    """A backfill nobody should need."""

    async def request_backfill(self, tenant_id: UUID, knowledge_base_id: UUID, model: str) -> None:
        raise AssertionError(model)


async def versions(office: Office) -> list[DocumentVersion]:
    """The tenant's versions, oldest first."""
    owner = UUID(office.id)
    async with office.house.runtime.database.reading(owner) as session:
        return list((await session.exec(owned_by(owner, DocumentVersion).order_by(col(DocumentVersion.id)))).all())


async def points_of(office: Office, version_id: UUID) -> int:
    return await office.house.runtime.vectors.count(UUID(office.id), SPACE, version_id=version_id)


async def set_version(office: Office, version_id: UUID, **values: Any) -> None:
    owner = UUID(office.id)
    async with office.house.runtime.database.transaction(owner) as session:
        await session.exec(
            owned_update(owner, DocumentVersion).where(col(DocumentVersion.id) == version_id).values(**values)
        )


async def two_versions(office: Office) -> tuple[UUID, UUID, UUID]:
    for days in ("Twenty", "Thirty"):
        await office.learn("Leave", f"{days} days of paid leave.", external_id="leave")
    old, new = await versions(office)
    return old.document_id, old.id, new.id


async def test_a_lost_index_comes_back_from_sql_alone(house: House) -> None:
    office = await house.tenant()
    await two_versions(office)
    await office.learn("Travel", "Trains come first.", metadata={"team": "travel"})
    await house.runtime.vectors.delete_tenant(UUID(office.id))
    assert (await office.search("paid leave"))["results"] == []
    seen: list[tuple[int, int]] = []
    rebuilt = await rebuild_index(
        house.runtime.database, house.runtime.vectors, on_progress=lambda done, total: seen.append((done, total))
    )
    assert (rebuilt.knowledge_bases, rebuilt.versions, rebuilt.points, rebuilt.missing, rebuilt.cleared) == (
        1, 2, 2, 0, 0
    )  # fmt: skip
    assert seen == [(1, 2), (2, 2)]
    best, *_ = (await office.search("paid leave"))["results"]
    assert best["content"] == "Thirty days of paid leave."
    found = await office.search("trains", filter={"metadata": {"team": "travel"}})
    assert len(found["results"]) == 1


async def test_a_rebuild_removes_what_sql_does_not_account_for(house: House) -> None:
    office = await house.tenant()
    _, old, new = await two_versions(office)
    owner, runtime = UUID(office.id), house.runtime
    async with runtime.database.transaction(owner) as session:
        await session.exec(owned_delete(owner, Document))
    assert await points_of(office, new) == 1
    rebuilt = await rebuild_index(runtime.database, runtime.vectors, tenant_id=owner)
    assert (rebuilt.versions, rebuilt.cleared) == (0, 1)
    assert await points_of(office, new) == await points_of(office, old) == 0


async def test_a_rebuild_counts_chunks_whose_vectors_are_not_kept(house: House) -> None:
    office = await house.tenant()
    await office.learn("Leave", "Thirty days of paid leave.")
    owner, runtime = UUID(office.id), house.runtime
    async with runtime.database.transaction(owner) as session:
        await session.exec(delete(CachedEmbedding).where(col(CachedEmbedding.tenant_id) == owner))
    rebuilt = await rebuild_index(runtime.database, runtime.vectors, knowledge_base_id=UUID(office.knowledge_base_id))
    assert (rebuilt.points, rebuilt.missing) == (0, 1)


async def test_what_a_dead_process_left_half_done_is_settled(any_house: House) -> None:
    office = await any_house.tenant()
    _, old, new = await two_versions(office)
    runtime, owner = any_house.runtime, UUID(office.id)
    await runtime.vectors.delete_version(owner, SPACE, new)
    await set_version(office, new, indexed=False)
    await index_version(runtime.database, runtime.vectors, owner, old)
    while await settle(runtime.database, runtime.vectors):
        await asyncio.sleep(0)
    assert (await points_of(office, old), await points_of(office, new)) == (0, 1)
    assert [version.indexed for version in await versions(office)] == [False, True]


async def test_a_version_retired_while_it_is_activated_still_has_its_points(any_house: House) -> None:
    office = await any_house.tenant()
    document_id, old, new = await two_versions(office)
    runtime, owner = any_house.runtime, UUID(office.id)

    async def retire() -> None:
        await unindex_version(runtime.database, runtime.vectors, owner, old)

    meddled = Meddler(runtime.vectors, retire)
    switch = Switch(runtime.database, meddled, runtime.recorder, NoBackfill())  # type: ignore[arg-type]  # It is one.
    await switch.activate(owner, document_id, old, None)
    assert (await points_of(office, old), await points_of(office, new)) == (1, 0)
    assert [version.status for version in await versions(office)] == [VersionStatus.ACTIVE, VersionStatus.SUPERSEDED]


async def test_two_activations_at_once_leave_the_winners_points_alone(any_house: House) -> None:
    office = await any_house.tenant()
    document_id, old, new = await two_versions(office)
    for _ in range(5):
        paths = [f"/v1/documents/{document_id}/versions/{version}/activate" for version in (old, new, old)]
        await asyncio.gather(*(office.post(path) for path in paths))
        active = [version.id for version in await versions(office) if version.status is VersionStatus.ACTIVE]
        assert len(active) == 1
        retired = old if active == [new] else new
        assert (await points_of(office, active[0]), await points_of(office, retired)) == (1, 0)


async def test_a_document_deleted_while_it_is_indexed_leaves_no_points(house: House) -> None:
    office = await house.tenant()
    document_id, old, _ = await two_versions(office)
    runtime, owner = house.runtime, UUID(office.id)

    async def delete() -> None:
        await office.delete(f"/v1/documents/{document_id}")

    meddled = Meddler(runtime.vectors, delete)
    switch = Switch(runtime.database, meddled, runtime.recorder, NoBackfill())  # type: ignore[arg-type]  # It is one.
    with pytest.raises(NotFound):
        await switch.activate(owner, document_id, old, None)
    assert await runtime.vectors.count(owner, SPACE) == 0


async def test_only_active_chunks_of_the_asked_bases_are_hydrated(any_house: House) -> None:
    office, stranger = await any_house.tenant("A"), await any_house.tenant("B")
    _, _, new = await two_versions(office)
    owner, base_id = UUID(office.id), UUID(office.knowledge_base_id)
    database = any_house.runtime.database
    async with database.reading(owner) as session:
        chunks = (await session.exec(owned_by(owner, Chunk))).all()
        ids = [chunk.id for chunk in chunks]
        assert len(ids) == 2
        (evidence,) = (await hydrate(session, owner, [*ids, new_id()], [base_id])).values()
        assert await hydrate(session, owner, ids, [new_id()]) == {}
        assert await hydrate(session, owner, ids, []) == {}
        assert await hydrate(session, owner, [], [base_id]) == {}
    assert (evidence.version_id, evidence.version, evidence.title) == (new, 2, "Leave")
    assert evidence.content == evidence.parent_content == "Thirty days of paid leave."
    assert (evidence.char_start, evidence.parent_start) == (0, 0)
    async with database.reading(UUID(stranger.id)) as session:
        assert await hydrate(session, UUID(stranger.id), ids, [base_id, UUID(stranger.knowledge_base_id)]) == {}
