"""``POST /v1/search`` among many tenants' chunks, hybrid, alone and in company.

Floor: the same two searches of a copy of the same index inside one process, with vectors that are there already: no
HTTP, no SQL, no embedding of the question.
"""

import asyncio
import itertools
import shutil
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

from app.adapters.vector_store.bm25 import sparse_query
from app.adapters.vector_store.edge import EdgeVectorStore
from app.adapters.vector_store.port import SearchScope
from app.bots.policies import RetrievalPolicy
from app.knowledge.model_list import EMBEDDED
from bench import corpus
from bench.filling import Filled, fill, unit_vectors
from bench.report import Row, percentile
from bench.running import scratch, service
from bench.usage import cpu_s
from bench.wire import Line

COMPANY = 16
SHOWN_STAGES = ("embed", "dense", "sparse", "hydrate", "total")

Search = Callable[[int], Awaitable[object]]


async def measure(quick: bool, rows: list[Row]) -> None:
    """Fill, then alternating rounds of the index alone and of the service."""
    tenants, chunks, rounds, alone, company = (10, 1000, 2, 20, 96) if quick else (50, 10_000, 4, 50, 320)
    with scratch() as folder:
        filled = await fill(folder / "data", tenants, chunks)
        shutil.copytree(folder / "data" / "qdrant", folder / "copy")
        with service(folder) as installation:
            async with _index(folder / "copy", filled) as floor, _door(installation.url, filled) as (ours, stages):
                numbers = itertools.count()
                await _round(floor, numbers, 2 * COMPANY, COMPANY)
                await _round(ours, numbers, 4 * COMPANY, COMPANY)
                stages.clear()
                name = f"search of {chunks:,} chunks in {tenants} tenants"
                rows += await _compared(name, floor, ours, numbers, rounds, alone, 1)
                rows += _shares(stages)
                stages.clear()
                before_s = cpu_s(installation.web.pid)
                rows += await _compared(name, floor, ours, numbers, rounds, company, COMPANY)
                spent_ms = (cpu_s(installation.web.pid) - before_s) * 1000
                rows.append(Row(f"{name}, CPU for one at {COMPANY}", "ms", spent_ms / len(stages["total"])))


async def _compared(
    name: str, floor: Search, ours: Search, numbers: Iterator[int], rounds: int, searches: int, at_once: int
) -> list[Row]:
    floor_ms: list[float] = []
    ours_ms: list[float] = []
    for _ in range(rounds):
        floor_ms += await _round(floor, numbers, searches, at_once)
        ours_ms += await _round(ours, numbers, searches, at_once)
    goals = {1: "≤ 5", COMPANY: "≤ 50"}
    return [
        Row(
            f"{name}, p{share * 100:.0f} at {at_once}",
            "ms",
            percentile(ours_ms, share),
            percentile(floor_ms, share),
            goals[at_once] if share == 0.5 else "",
        )
        for share in (0.5, 0.95)
    ]


async def _round(search: Search, numbers: Iterator[int], searches: int, at_once: int) -> list[float]:
    """Milliseconds of each search; so many are under way at any time."""
    took: list[float] = []

    async def one() -> None:
        for _ in range(searches // at_once):
            began = time.perf_counter()
            await asyncio.sleep(0)  # All ask before the first is served, also where serving never lets go of the loop.
            await search(next(numbers))
            took.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(one() for _ in range(at_once)))
    return took


def _shares(stages: dict[str, list[float]]) -> list[Row]:
    """Where the time goes, by the service's own account."""
    return [Row(f"… of which {stage}, p50 at 1", "ms", median(stages[stage])) for stage in SHOWN_STAGES]


@asynccontextmanager
async def _index(folder: Path, filled: Sequence[Filled]) -> AsyncGenerator[Search]:
    store = EdgeVectorStore(folder)
    await store.open()
    policy = RetrievalPolicy()
    vectors = unit_vectors("questions", 64)

    async def search(number: int) -> object:
        tenant = filled[number % len(filled)]
        scope = SearchScope((tenant.knowledge_base_id,))
        vector = vectors[number % len(vectors)]
        terms = sparse_query(corpus.question(number))
        dense = await store.search_dense(tenant.tenant_id, EMBEDDED.space, vector, scope, policy.dense_k)
        return dense, await store.search_sparse(tenant.tenant_id, EMBEDDED.space, terms, scope, policy.sparse_k)

    try:
        yield search
    finally:
        await store.aclose()


@asynccontextmanager
async def _door(url: str, filled: Sequence[Filled]) -> AsyncGenerator[tuple[Search, dict[str, list[float]]]]:
    """A search through the door, by tenants in turn, each over a connection that nobody else uses meanwhile."""
    stages: dict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        idle: dict[str, list[Line]] = defaultdict(list)

        async def search(number: int) -> object:
            token = filled[number % len(filled)].token
            line = idle[token].pop() if idle[token] else await stack.enter_async_context(Line(url, token))
            found: dict[str, Any] = await line.call("POST", "/v1/search", {"query": corpus.question(number)})
            idle[token].append(line)
            if not found["results"] or found["warnings"]:
                raise AssertionError(f"A search found nothing, or not everything was asked: {found['warnings']}")
            for stage in SHOWN_STAGES:
                stages[stage].append(found["timings_ms"][stage])
            return found

        yield search, stages
