"""The bundled embedder: the real model, small texts."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.embedder.granite import GRAPH, LocalModelUnusable, load_granite
from app.adapters.embedder.local import BATCH_TEXTS, BATCH_TOKENS, LocalEmbedder, batches
from app.adapters.embedder.registry import LOCAL_MODEL
from app.kit.errors import DependencyDown, Invalid
from app.kit.models import ModelEndpoint

ENDPOINT = ModelEndpoint(LOCAL_MODEL)
WORDS = "the old bridge over a river was opened in spring by its builders who never saw the flood".split()
TEXTS = [" ".join(WORDS[at % 7 :: 1 + at % 3] * (1 + at % 5)) for at in range(30)] + ["", "x", "漢字 🌍"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def embedder() -> AsyncGenerator[LocalEmbedder]:
    opened = LocalEmbedder()
    yield opened
    await opened.aclose()


@pytest.mark.asyncio(loop_scope="module")
class TestLocalEmbedder:
    async def test_the_same_text_gives_the_same_bytes_whatever_its_batch(self, embedder: LocalEmbedder) -> None:
        together = await embedder.embed(ENDPOINT, TEXTS, "document")
        backwards = await embedder.embed(ENDPOINT, TEXTS[::-1], "document")
        assert together.vectors.tobytes() == backwards.vectors[::-1].tobytes()
        for text, vector in zip(TEXTS, together.vectors, strict=True):
            alone = await embedder.embed(ENDPOINT, [text], "query")
            assert alone.vectors[0].tobytes() == vector.tobytes()

    async def test_vectors_are_of_length_1_and_tokens_are_counted(self, embedder: LocalEmbedder) -> None:
        found = await embedder.embed(ENDPOINT, ["Hello there", "x " * 2000], "document")
        assert found.vectors.shape == (2, 384)
        assert found.vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
        assert (found.tokens, found.estimated) == (4 + 512, False)

    async def test_what_belongs_together_lies_together(self, embedder: LocalEmbedder) -> None:
        passages = ["Paris is the capital and largest city of France.", "Bread is baked from flour, water and yeast."]
        documents = await embedder.embed(ENDPOINT, passages, "document")
        query = await embedder.embed(ENDPOINT, ["Which city is the seat of the French government?"], "query")
        near, far = documents.vectors @ query.vectors[0]
        assert near > far + 0.1

    async def test_known_vectors_have_not_moved(self, embedder: LocalEmbedder) -> None:
        found = await embedder.embed(ENDPOINT, ["What is the capital of France?"], "query")
        assert np.allclose(found.vectors[0, :4], KNOWN_BEGINNING, atol=1e-4)

    async def test_a_query_does_not_wait_behind_documents(self, embedder: LocalEmbedder) -> None:
        documents = asyncio.create_task(embedder.embed(ENDPOINT, ["long passage " * 200] * 24, "document"))
        await asyncio.sleep(0.02)
        await embedder.embed(ENDPOINT, ["a question"], "query")
        assert not documents.done()
        documents.cancel()
        with pytest.raises(asyncio.CancelledError):
            await documents

    async def test_queries_that_wait_together_each_get_their_own(self, embedder: LocalEmbedder) -> None:
        queries = [f"question number {number}" for number in range(40)]
        together = await asyncio.gather(*[embedder.embed(ENDPOINT, [query], "query") for query in queries])
        apart = await embedder.embed(ENDPOINT, queries, "document")
        assert np.concatenate([found.vectors for found in together]).tobytes() == apart.vectors.tobytes()
        assert sum(found.tokens for found in together) == apart.tokens

    async def test_a_query_given_up_does_not_spoil_the_others(self, embedder: LocalEmbedder) -> None:
        tasks = [asyncio.create_task(embedder.embed(ENDPOINT, [f"question {n}"], "query")) for n in range(6)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(one, asyncio.CancelledError) for one in found] == [n == 1 for n in range(6)]

    async def test_another_local_model_does_not_exist(self, embedder: LocalEmbedder) -> None:
        with pytest.raises(Invalid, match="no bundled model"):
            await embedder.embed(ModelEndpoint("local/other"), ["x"], "query")


KNOWN_BEGINNING = [-0.022463, 0.049888, 0.023013, 0.015774]


@given(st.lists(st.integers(2, 512), max_size=60))
def test_batches_hold_every_text_once_and_keep_their_bounds(lengths: list[int]) -> None:
    found = list(batches(lengths))
    assert sorted(at for batch in found for at in batch) == list(range(len(lengths)))
    assert all(len(batch) <= BATCH_TEXTS for batch in found)
    assert all(len(batch) * max(lengths[at] for at in batch) <= BATCH_TOKENS for batch in found)


def test_another_graph_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "granite.onnx"
    other.write_bytes(GRAPH.read_bytes() + b"\0")
    with pytest.raises(LocalModelUnusable, match=r"granite\.onnx is not the file"):
        load_granite(graph=other)


def test_another_or_missing_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalModelUnusable, match="cannot be read"):
        load_granite(pack=tmp_path / "none")
    (tmp_path / "pack").write_bytes(b"HMSEMB01")
    with pytest.raises(DependencyDown, match="pack is not the file"):
        load_granite(pack=tmp_path / "pack")


async def test_a_model_that_cannot_be_loaded_says_so_each_time_and_to_every_purpose(tmp_path: Path) -> None:
    def broken() -> None:
        load_granite(pack=tmp_path / "none")

    embedder = LocalEmbedder(load=broken)  # type: ignore[arg-type]  # It never returns.
    for purpose in ("query", "document"):
        with pytest.raises(LocalModelUnusable, match="cannot be read"):
            await embedder.embed(ENDPOINT, ["x"], purpose)
    await embedder.aclose()


async def test_closing_lets_go_of_waiting_queries() -> None:
    embedder = LocalEmbedder()
    tasks = [asyncio.create_task(embedder.embed(ENDPOINT, [f"question {n}"], "query")) for n in range(3)]
    await embedder.load()
    await asyncio.sleep(0)
    await embedder.aclose()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(not isinstance(one, Exception) or isinstance(one, RuntimeError) for one in found)
