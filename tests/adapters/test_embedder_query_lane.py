"""The lane of the queries: who waits together goes together, and a failure reaches everyone concerned."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.adapters.embedder.query_lane import TEXTS_AT_ONCE, QueryLane

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Model:
    """Notes each batch; waits where it is told to, fails at the word ``bad``."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_go = threading.Event()
        self.may_go.set()

    def run(self, texts: Sequence[str]) -> "tuple[NDArray[np.float32], list[int]]":
        self.batches.append(list(texts))
        self.may_go.wait(5)
        if "bad" in texts:
            raise ValueError("a bad text")
        return np.array([[len(text)] for text in texts], dtype=np.float32), [1] * len(texts)


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def lane(model: Model) -> AsyncGenerator[QueryLane]:
    with ThreadPoolExecutor(1) as pool:
        opened = QueryLane(model.run, pool)
        yield opened
        model.may_go.set()
        await opened.aclose()


async def test_those_who_wait_go_together_up_to_a_bound(lane: QueryLane, model: Model) -> None:
    texts = ["x" * length for length in range(1, 3 * TEXTS_AT_ONCE)]
    found = await asyncio.gather(*[lane.embed([text]) for text in texts])
    assert [one.vectors[0, 0] for one in found] == [len(text) for text in texts]
    assert [len(batch) for batch in model.batches] == [TEXTS_AT_ONCE, TEXTS_AT_ONCE, TEXTS_AT_ONCE - 1]


async def test_a_query_larger_than_the_bound_goes_alone(lane: QueryLane, model: Model) -> None:
    found = await lane.embed(["x"] * 40)
    assert found.tokens == 40
    assert len(model.batches) == 1


async def test_a_failure_reaches_those_it_concerns_and_no_others(lane: QueryLane, model: Model) -> None:
    model.may_go.clear()
    first = asyncio.create_task(lane.embed(["good"]))
    await asyncio.sleep(0.01)
    rest = [asyncio.create_task(lane.embed([text])) for text in ("also good", "bad", "given up")]
    await asyncio.sleep(0)
    rest[2].cancel()
    model.may_go.set()
    assert (await first).vectors[0, 0] == 4
    for task in rest[:2]:
        with pytest.raises(ValueError, match="a bad text"):
            await task
    assert (await lane.embed(["again"])).vectors[0, 0] == 5


async def test_closing_releases_whoever_waits(lane: QueryLane, model: Model) -> None:
    model.may_go.clear()
    tasks = [asyncio.create_task(lane.embed([text])) for text in ("under way", "x")]
    await asyncio.sleep(0.01)
    tasks.append(asyncio.create_task(lane.embed(["waiting"])))
    await asyncio.sleep(0)
    model.may_go.set()
    await lane.aclose()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in found)
