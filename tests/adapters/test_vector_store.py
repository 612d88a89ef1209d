"""One contract for every driver: embedded, the client's local mode, HTTP to the stand-in, a real server if named."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient

from app.adapters.vector_store import (
    AnyOf,
    DimensionMismatch,
    EmbeddingSpace,
    Equals,
    MetadataCondition,
    MetadataValue,
    Point,
    Range,
    SearchScope,
    SparseVector,
    VectorStore,
    open_vector_store,
    sparse_document,
    sparse_query,
)
from app.adapters.vector_store.edge_native import IndexLocked
from app.adapters.vector_store.server import ServerVectorStore
from app.kit.errors import DependencyDown, Invalid
from tests.support.qdrant_server import qdrant_server
from tests.support.services import free_port

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect"),
    pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection"),
]

REAL = os.environ.get("MINIRAG_TEST_QDRANT_URL")
A, B = UUID(int=0xA), UUID(int=0xB)
KB, OTHER_KB = UUID(int=1), UUID(int=2)
EVERYWHERE = SearchScope((KB, OTHER_KB))


@pytest.fixture(params=["edge", "local", "http", *(["server"] if REAL else [])])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorStore]:
    """An empty index."""
    match request.param:
        case "edge":
            store = await open_vector_store(None, tmp_path)
            yield store
            await store.aclose()
        case "local":
            store = ServerVectorStore(AsyncQdrantClient(":memory:"))
            yield store
            await store.aclose()
        case "http":
            async with qdrant_server() as url:
                store = await open_vector_store(url, tmp_path)
                yield store
                await store.aclose()
        case _:
            store = await open_vector_store(REAL, tmp_path)
            yield store
            await store.delete_tenant(A)
            await store.delete_tenant(B)
            await store.aclose()


@pytest.fixture
def space() -> EmbeddingSpace:
    """A space nobody else uses."""
    return EmbeddingSpace(f"test/{uuid.uuid4().hex}", 4)


def direction(x: float, y: float = 0.0) -> NDArray[np.float32]:
    """A vector in the plane."""
    return np.array([x, y, 0.0, 0.0], dtype=np.float32)


def a_point(
    text: str = "plain words",
    *,
    chunk_id: UUID | None = None,
    dense: NDArray[np.float32] | None = None,
    kb: UUID = KB,
    document: UUID | None = None,
    version: UUID | None = None,
    metadata: dict[str, MetadataValue] | None = None,
) -> Point:
    """A chunk of something."""
    return Point(
        chunk_id=chunk_id or uuid.uuid4(),
        dense=direction(1.0) if dense is None else dense,
        sparse=sparse_document(text),
        knowledge_base_id=kb,
        document_id=document or uuid.uuid4(),
        version_id=version or uuid.uuid4(),
        metadata=metadata or {},
    )


def where(field: str, test: Equals | AnyOf | Range) -> SearchScope:
    """Everywhere, under one condition."""
    return SearchScope((KB, OTHER_KB), (MetadataCondition(field, test),))


async def dense_ids(
    store: VectorStore, space: EmbeddingSpace, tenant: UUID = A, scope: SearchScope = EVERYWHERE
) -> set[UUID]:
    return {hit.chunk_id for hit in await store.search_dense(tenant, space, direction(1.0), scope, 100)}


async def sparse_scores(
    store: VectorStore, space: EmbeddingSpace, query: str, tenant: UUID = A
) -> list[tuple[UUID, float]]:
    hits = await store.search_sparse(tenant, space, sparse_query(query), EVERYWHERE, 100)
    return [(hit.chunk_id, round(hit.score, 4)) for hit in hits]


async def test_dense_search_ranks_by_cosine_and_keeps_to_its_limit(store: VectorStore, space: EmbeddingSpace) -> None:
    near, middle, far = (a_point(dense=direction(*at)) for at in ((1.0, 0.1), (1.0, 1.0), (-1.0, 0.0)))
    await store.upsert(A, space, [far, near, middle])
    hits = await store.search_dense(A, space, direction(2.0), EVERYWHERE, 2)
    assert [hit.chunk_id for hit in hits] == [near.chunk_id, middle.chunk_id]
    assert hits[1].score == pytest.approx(2**-0.5, abs=1e-4)


async def test_sparse_search_prefers_rare_terms_and_finds_only_what_shares_one(
    store: VectorStore, space: EmbeddingSpace
) -> None:
    common = [a_point(f"the engine number {n}") for n in range(5)]
    rare = a_point("the engine has a flywheel")
    unrelated = a_point("bananas")
    await store.upsert(A, space, [*common, rare, unrelated])
    ranked = await sparse_scores(store, space, "flywheels of engines")
    assert ranked[0][0] == rare.chunk_id
    assert {chunk for chunk, _ in ranked} == {point.chunk_id for point in [*common, rare]}
    assert await sparse_scores(store, space, "of the and") == []


async def test_storing_again_overwrites(store: VectorStore, space: EmbeddingSpace) -> None:
    point = a_point("first text", metadata={"n": 1})
    await store.upsert(A, space, [point])
    await store.upsert(A, space, [a_point("second words", chunk_id=point.chunk_id, dense=direction(0.0, 1.0))])
    assert await store.count(A, space) == 1
    assert await sparse_scores(store, space, "first") == []
    assert [chunk for chunk, _ in await sparse_scores(store, space, "second")] == [point.chunk_id]
    assert await dense_ids(store, space, scope=where("n", Equals(1))) == set()
    (hit,) = await store.search_dense(A, space, direction(1.0), EVERYWHERE, 5)
    assert hit.score == pytest.approx(0.0, abs=1e-4)


async def test_a_large_batch_arrives_whole(store: VectorStore, space: EmbeddingSpace) -> None:
    points = [a_point(f"text {n}") for n in range(300)]
    await store.upsert(A, space, points)
    assert await store.count(A, space) == 300


async def test_two_tenants_with_the_very_same_points_never_meet(store: VectorStore, space: EmbeddingSpace) -> None:
    points = [a_point("shared words", version=UUID(int=7), document=UUID(int=8)) for _ in range(3)]
    await store.upsert(A, space, points)
    await store.upsert(B, space, points[:2])
    ids = {point.chunk_id for point in points}
    assert await dense_ids(store, space, A) == ids
    assert await dense_ids(store, space, B) == {point.chunk_id for point in points[:2]}
    assert {chunk for chunk, _ in await sparse_scores(store, space, "shared", B)} == {p.chunk_id for p in points[:2]}
    assert [await store.count(tenant, space) for tenant in (A, B)] == [3, 2]
    assert await store.count(A, space, version_id=UUID(int=7)) == 3
    await store.delete_version(B, space, UUID(int=7))
    assert [await store.count(tenant, space) for tenant in (A, B)] == [3, 0]
    await store.upsert(B, space, points)
    await store.delete_document(B, space, UUID(int=8))
    assert [await store.count(tenant, space) for tenant in (A, B)] == [3, 0]
    await store.upsert(B, space, points)
    await store.delete_knowledge_base(B, space, KB)
    assert [await store.count(tenant, space) for tenant in (A, B)] == [3, 0]
    await store.upsert(B, space, points)
    assert await store.delete_tenant(B) == 3
    assert await store.delete_tenant(B) == 0
    assert await dense_ids(store, space, A) == ids


async def test_another_tenants_documents_do_not_move_my_scores(store: VectorStore, space: EmbeddingSpace) -> None:
    await store.upsert(A, space, [a_point("turbine maintenance"), a_point("turbine"), a_point("garden")])
    before = await sparse_scores(store, space, "turbine garden")
    await store.upsert(B, space, [a_point(f"garden number {n}") for n in range(50)])
    assert await sparse_scores(store, space, "turbine garden") == before


async def test_a_search_keeps_to_its_knowledge_bases(store: VectorStore, space: EmbeddingSpace) -> None:
    here, there = a_point(kb=KB), a_point(kb=OTHER_KB)
    await store.upsert(A, space, [here, there])
    assert await dense_ids(store, space, scope=SearchScope((KB,))) == {here.chunk_id}
    assert await dense_ids(store, space) == {here.chunk_id, there.chunk_id}
    assert await dense_ids(store, space, scope=SearchScope(())) == set()
    assert await store.count(A, space, SearchScope((OTHER_KB,))) == 1
    assert await store.count(A, space, SearchScope(())) == 0


METADATA: Sequence[dict[str, MetadataValue]] = (
    {"team": "hr", "year": 2020, "rating": 2.5, "public": True, "when": "2024-01-31", "tags": ("a", "b")},
    {"team": "it", "year": 2024, "rating": 3.0, "public": False, "when": "2024-02-01T10:00:00+02:00", "tags": ("b",)},
    {"team": "true", "year": 2022, "odd.name [x]": "yes", "when": "2023-12-31T23:59:59Z", "tags": (1, True)},
)


CONDITIONS: Sequence[tuple[str, Equals | AnyOf | Range, set[int]]] = (
    ("team", Equals("hr"), {0}),
    ("team", AnyOf(("hr", "it", "none")), {0, 1}),
    ("team", AnyOf(()), set()),
    ("year", Equals(2024), {1}),
    ("year", Equals(2024.0), {1}),
    ("year", AnyOf((2020, 2022)), {0, 2}),
    ("year", Range(gte=2020, lt=2024), {0, 2}),
    ("rating", Equals(2.5), {0}),
    ("rating", Equals(3), {1}),
    ("rating", Range(gt=2.5), {1}),
    ("public", Equals(True), {0}),
    ("public", Equals(False), {1}),
    ("public", AnyOf((True, False)), {0, 1}),
    ("public", Equals("true"), set()),
    ("team", Equals("true"), {2}),
    ("tags", Equals("b"), {0, 1}),
    ("tags", AnyOf(("a", 1)), {0, 2}),
    ("tags", Equals(True), {2}),
    ("when", Range(gte="2024-01-01"), {0, 1}),
    ("when", Range(gte="2024-02-01T08:00:00Z", lte="2024-02-01T08:00:00Z"), {1}),
    ("when", Range(lt="2024-01-01"), {2}),
    ("odd.name [x]", Equals("yes"), {2}),
    ("absent", Equals("x"), set()),
)


async def test_metadata_conditions_find_the_documents_they_describe(store: VectorStore, space: EmbeddingSpace) -> None:
    points = [a_point(metadata=metadata) for metadata in METADATA]
    number = {point.chunk_id: n for n, point in enumerate(points)}
    await store.upsert(A, space, points)
    for field, test, wanted in CONDITIONS:
        found = {number[chunk] for chunk in await dense_ids(store, space, scope=where(field, test))}
        assert (field, test, found) == (field, test, wanted)
        assert await store.count(A, space, where(field, test)) == len(wanted)


@pytest.mark.parametrize(
    ("field", "test"),
    [
        ("f", Range()),
        ("f", Range(gte=1, lt="2024-01-01")),
        ("f", Range(gte="yesterday")),
        ("f", Range(gte=float("nan"))),
        ("f", Equals(float("inf"))),
        ('a"b', Equals("x")),
        ("", Equals("x")),
    ],
)
async def test_a_condition_that_means_nothing_is_invalid(
    store: VectorStore, space: EmbeddingSpace, field: str, test: Equals | AnyOf | Range
) -> None:
    with pytest.raises(Invalid):
        await store.search_dense(A, space, direction(1.0), where(field, test), 10)


async def test_a_space_that_does_not_exist_is_empty(store: VectorStore, space: EmbeddingSpace) -> None:
    assert await dense_ids(store, space) == set()
    assert await sparse_scores(store, space, "words") == []
    assert await store.count(A, space) == 0
    await store.delete_version(A, space, UUID(int=1))
    assert space.collection not in await store.spaces()
    await store.ping()


async def test_making_a_space_twice_at_once_is_harmless(store: VectorStore, space: EmbeddingSpace) -> None:
    await asyncio.gather(store.ensure(space), store.ensure(space))
    await store.ensure(space)
    assert space.collection in await store.spaces()


async def test_a_vector_of_the_wrong_size_is_refused(store: VectorStore, space: EmbeddingSpace) -> None:
    with pytest.raises(DimensionMismatch):
        await store.upsert(A, space, [a_point(dense=np.ones(5, dtype=np.float32))])
    with pytest.raises(DimensionMismatch):
        await store.search_dense(A, space, np.ones(5, dtype=np.float32), EVERYWHERE, 1)


async def test_a_chunk_without_terms_can_be_stored(store: VectorStore, space: EmbeddingSpace) -> None:
    point = a_point("of the")
    assert point.sparse == SparseVector((), ())
    await store.upsert(A, space, [point])
    assert await dense_ids(store, space) == {point.chunk_id}


def test_spaces_have_readable_safe_and_different_names() -> None:
    models = ["local/granite", "local-granite", "Local/Granite", "text-embedding-3-small", "ünï/../x", "a" * 300]
    names = [EmbeddingSpace(model, 384).collection for model in models]
    assert len({*names, EmbeddingSpace("local/granite", 768).collection}) == len(models) + 1
    assert names[0].startswith("chunks-local-granite-")
    assert all(name.replace("-", "").isalnum() and name.isascii() and len(name) < 100 for name in names)


async def test_a_server_that_is_away_or_refuses_the_key_is_down(space: EmbeddingSpace, tmp_path: Path) -> None:
    away = await open_vector_store(f"http://127.0.0.1:{free_port()}", tmp_path)
    with pytest.raises(DependencyDown, match="does not answer"):
        await away.ping()
    with pytest.raises(DependencyDown):
        await away.upsert(A, space, [a_point()])
    await away.aclose()
    async with qdrant_server(api_key="right") as url:
        for key, works in (("right", True), (None, False)):
            store = await open_vector_store(url, tmp_path, api_key=key)
            if works:
                await store.ping()
            else:
                with pytest.raises(DependencyDown, match="API key"):
                    await store.ping()
            await store.aclose()


async def test_a_server_that_was_emptied_gets_its_collection_again(space: EmbeddingSpace) -> None:
    client = AsyncQdrantClient(":memory:")
    store = ServerVectorStore(client)
    await store.upsert(A, space, [a_point()])
    await client.delete_collection(space.collection)
    await store.upsert(A, space, [a_point()])
    assert await store.count(A, space) == 1
    await store.aclose()


async def test_the_embedded_index_is_there_again_after_closing(space: EmbeddingSpace, tmp_path: Path) -> None:
    store = await open_vector_store(None, tmp_path)
    points = [a_point(f"words {n}") for n in range(20)]
    await store.upsert(A, space, points)
    await store.aclose()
    again = await open_vector_store(None, tmp_path)
    assert await dense_ids(again, space) == {point.chunk_id for point in points}
    assert await again.spaces() == [space.collection]
    await again.aclose()


async def test_the_embedded_index_belongs_to_one_process(space: EmbeddingSpace, tmp_path: Path) -> None:
    store = await open_vector_store(None, tmp_path)
    await store.ensure(space)
    with pytest.raises(IndexLocked, match="another process"):
        await open_vector_store(None, tmp_path)
    await store.upsert(A, space, [a_point()])
    await store.aclose()


async def test_a_damaged_embedded_index_is_named_and_a_half_made_one_is_made_again(
    space: EmbeddingSpace, tmp_path: Path
) -> None:
    (tmp_path / space.collection / "segments").mkdir(parents=True)
    store = await open_vector_store(None, tmp_path)
    await store.upsert(A, space, [a_point()])
    await store.aclose()
    (tmp_path / space.collection / "edge_config.json").write_text("{")
    with pytest.raises(DependencyDown, match="reindex"):
        await open_vector_store(None, tmp_path)


async def test_deleting_most_of_an_embedded_index_gives_back_its_room_at_the_next_start(
    space: EmbeddingSpace, tmp_path: Path
) -> None:
    store = await open_vector_store(None, tmp_path)
    await store.upsert(A, space, [a_point(f"words {n}") for n in range(1500)])
    await store.upsert(B, space, [a_point("kept")])
    assert await store.delete_tenant(A) == 1500
    await store.aclose()
    again = await open_vector_store(None, tmp_path)
    assert (await again.count(A, space), await again.count(B, space)) == (0, 1)
    await again.aclose()


async def test_what_the_embedded_index_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    script = f"""
        import asyncio, uuid
        from pathlib import Path
        from uuid import UUID
        import numpy as np
        from app.adapters.vector_store import EmbeddingSpace, Point, open_vector_store, sparse_document

        async def main():
            store = await open_vector_store(None, Path({str(tmp_path)!r}))
            space = EmbeddingSpace("m", 4)
            while True:
                points = [
                    Point(uuid.uuid4(), np.ones(4, dtype=np.float32), sparse_document("words"),
                          UUID(int=1), UUID(int=2), UUID(int=3), {{}})
                    for _ in range(50)
                ]
                await store.upsert(UUID(int=0xA), space, points)
                print(50, flush=True)

        asyncio.run(main())
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert child.stdout is not None
    with child.stdout:
        for _ in range(20):
            await asyncio.to_thread(child.stdout.readline)
        os.kill(child.pid, signal.SIGKILL)
        acknowledged = 20 * 50 + 50 * len((await asyncio.to_thread(child.stdout.read)).splitlines())
    await asyncio.to_thread(child.wait)
    store = await open_vector_store(None, tmp_path)
    found = await store.count(A, EmbeddingSpace("m", 4))
    assert acknowledged <= found <= acknowledged + 50
    await store.aclose()


async def test_the_stand_in_runs_as_a_process_of_its_own(space: EmbeddingSpace, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "tests.support.qdrant_server", "--port", str(port)]
    server = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    try:
        stores = [await open_vector_store(f"http://127.0.0.1:{port}", tmp_path) for _ in range(2)]
        async with asyncio.timeout(20):
            while True:
                try:
                    await stores[0].ping()
                    break
                except DependencyDown:
                    await asyncio.sleep(0.05)
        await stores[0].upsert(A, space, [a_point()])
        assert await stores[1].count(A, space) == 1
        for store in stores:
            await store.aclose()
    finally:
        server.terminate()
        await asyncio.to_thread(server.wait)
