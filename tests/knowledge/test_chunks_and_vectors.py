"""Storing chunks and vectors twice, on both databases: what a repeated stage of a run relies on."""

from uuid import UUID

import numpy as np
from sqlmodel import col

from app.chunking.drafts import ChunkDraft, ParentDraft
from app.kit.blocks import BlockKind
from app.kit.ids import new_id
from app.kit.ownership import owned_by
from app.knowledge.embeddings import cached_vectors, mark_embedded, pending_chunks, store_vectors
from app.knowledge.models import Chunk, Document, DocumentVersion, EmbeddingStatus, Upload
from app.knowledge.versions import begin_version, store_chunks
from tests.support.house import House, Office

TEXT = "One. Two. Three."
PIECES = ((0, 4), (5, 9), (10, 16))


def parents() -> list[ParentDraft]:
    return [ParentDraft(0, 0, len(TEXT), ())]


def chunks(count: int) -> list[ChunkDraft]:
    return [
        ChunkDraft(n, TEXT[start:end], "", start, end, None, ("Numbers",), 2, 0, BlockKind.PARAGRAPH)
        for n, (start, end) in enumerate(PIECES[:count])
    ]


async def a_version(office: Office) -> DocumentVersion:
    """A staged version of its own, begun twice by the same run."""

    await office.learn("Numbers", TEXT)
    owner = UUID(office.id)
    run_id = new_id()
    async with office.house.runtime.database.transaction(owner) as session:
        document = (await session.exec(owned_by(owner, Document))).one()
        upload = (await session.exec(owned_by(owner, Upload))).one()
        first = await begin_version(session, owner, document_id=document.id, upload=upload, run_id=run_id)
    async with office.house.runtime.database.transaction(owner) as session:
        second = await begin_version(session, owner, document_id=document.id, upload=upload, run_id=run_id)
    assert (first.id, first.number) == (second.id, 2)
    return second


async def test_storing_chunks_again_changes_nothing_and_other_chunks_replace_them(any_house: House) -> None:
    office = await any_house.tenant()
    version = await a_version(office)
    owner, database = UUID(office.id), any_house.runtime.database
    seen: list[list[UUID]] = []
    for count in (3, 3, 2):
        async with database.transaction(owner) as session:
            assert (
                await store_chunks(session, owner, version, TEXT, [0], ["A note."], parents(), chunks(count)) == count
            )
        async with database.reading(owner) as session:
            rows = await session.exec(
                owned_by(owner, Chunk).where(col(Chunk.version_id) == version.id).order_by(col(Chunk.ordinal))
            )
            seen.append([chunk.id for chunk in rows.all()])
    assert seen[0] == seen[1]
    assert seen[2] == seen[0][:2]


async def test_what_is_done_is_no_longer_pending_and_what_failed_is(any_house: House) -> None:
    office = await any_house.tenant()
    version = await a_version(office)
    owner, database = UUID(office.id), any_house.runtime.database
    async with database.transaction(owner) as session:
        await store_chunks(session, owner, version, TEXT, [], [], parents(), chunks(3))
    async with database.transaction(owner) as session:
        one, two, three = await pending_chunks(session, owner, version.id, "m", 10)
        assert one.text == "Numbers\nOne."
        assert [chunk.ordinal for chunk in await pending_chunks(session, owner, version.id, "m", 1, after=0)] == [1]
        await mark_embedded(session, owner, version.id, "m", [one.chunk_id])
        await mark_embedded(session, owner, version.id, "m", [two.chunk_id], EmbeddingStatus.FAILED)
        assert await pending_chunks(session, owner, version.id, "m", 10) == [two, three]
        await mark_embedded(session, owner, version.id, "m", [two.chunk_id, three.chunk_id])
        assert await pending_chunks(session, owner, version.id, "m", 10) == []
        assert await pending_chunks(session, new_id(), version.id, "other", 10) == []


async def test_a_vector_is_kept_once_per_tenant_and_model(any_house: House) -> None:
    office, stranger = await any_house.tenant("A"), await any_house.tenant("B")
    owner, database = UUID(office.id), any_house.runtime.database
    short, long = np.arange(3, dtype=np.float32), np.arange(5, dtype=np.float32)
    hashes = ["a" * 64, "b" * 64]
    async with database.transaction(owner) as session:
        await store_vectors(session, owner, "m", [(hashes[1], short, 2), (hashes[0], short, 2)])
        await store_vectors(session, owner, "m", [(hashes[1], long, 3)])
        found = await cached_vectors(session, owner, "m", [*hashes, "c" * 64])
        assert {name: vector.tolist() for name, vector in found.items()} == {
            hashes[0]: [0, 1, 2],
            hashes[1]: [0, 1, 2, 3, 4],
        }
        assert set(await cached_vectors(session, owner, "m", hashes, dimension=3)) == {hashes[0]}
        assert await cached_vectors(session, owner, "n", hashes) == {}
        assert await cached_vectors(session, UUID(stranger.id), "m", hashes) == {}
