"""Files and pages in a second, and the wait until one file is found. Floor: the same work in a plain loop.

Twice: with the bundled embedding model, which then takes nearly all the time, and with a provider's embeddings that
cost us nothing, which shows what the service itself takes.
"""

import asyncio
import json
import random
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx

from bench import corpus
from bench.feeding import Document, Feeder
from bench.plain_ingestion import STUB_MODEL
from bench.report import Row
from bench.running import Running, provider, scratch, service, with_credential
from bench.usage import Peak, tree_cpu_s, watching
from tests.support.processes import Installation

PLAIN_S = 60.0
FILE_KB = 40


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is fed in each round."""

    rounds: int
    local_files: int
    stub_files: int
    pages: int
    small_files: int


@dataclass(slots=True)
class Pair:
    """Seconds of each round, and processor seconds, of the floor and of ours."""

    floor_s: list[float] = field(default_factory=list)
    ours_s: list[float] = field(default_factory=list)
    floor_cpu_s: float = 0.0
    ours_cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Bench:
    """What feeds the service and what does the same work plainly, in one of the two ways to embed."""

    feeder: Feeder
    folder: Path
    api_base: str | None
    pid: int


async def measure(quick: bool, rows: list[Row]) -> None:
    """Alternating rounds of the plain loop and of ours."""
    sizes = Sizes(1, 1, 8, 40, 3) if quick else Sizes(2, 5, 40, 300, 10)
    with scratch() as folder, provider(folder) as upstream, service(folder) as installation:
        async with _benches(folder, upstream, installation) as (local, stub), watching(installation.web.pid) as peak:
            await _warm_up(local, stub)
            rows += await _files("embedded model", local, sizes.rounds, sizes.local_files)
            rows += await _files("stub embeddings", stub, sizes.rounds, sizes.stub_files, "≥ 25")
            rows += await _books(stub, sizes)
            rows.append(await _wait_for("embedded model", local, sizes))
            rows.append(await _wait_for("stub embeddings", stub, sizes))
            rows += _memory(peak)


@asynccontextmanager
async def _benches(folder: Path, upstream: Running, installation: Installation) -> AsyncGenerator[tuple[Bench, Bench]]:
    tenant, made = installation.admin().found("Bench")
    model = {"model": STUB_MODEL, "credential_id": with_credential(tenant, upstream)}
    stub_base = tenant.post("/v1/knowledge-bases", {"name": "Stub", "embedding_models": [model]})["id"]
    headers = {"Authorization": f"Bearer {made['api_token']['token']}"}
    pid = installation.web.pid
    async with httpx.AsyncClient(base_url=installation.url, headers=headers, timeout=30, trust_env=False) as client:
        local = Bench(Feeder(client, str(made["knowledge_base_id"])), folder, None, pid)
        yield local, Bench(Feeder(client, str(stub_base)), folder, f"{upstream.url}/v1", pid)


async def _warm_up(*benches: Bench) -> None:
    for bench in benches:
        await bench.feeder.feed(list(_WARM.values()))


async def _files(how: str, bench: Bench, rounds: int, files: int, goal: str = "") -> list[Row]:
    pair = Pair()
    for number in range(rounds):
        names = [f"{how}-{number}-{each}" for each in range(files)]
        await _round(bench, [Document(f"{at}.md", corpus.markdown(name)) for at, name in enumerate(names)], pair)
    return _rates(f"{FILE_KB} kB Markdown, {how}", pair, files, goal)


async def _books(bench: Bench, sizes: Sizes) -> list[Row]:
    pair = Pair()
    for number in range(sizes.rounds):
        await _round(bench, [Document("book.pdf", corpus.pdf(f"book {number}", sizes.pages))], pair)
    ours, floor = (sizes.pages / median(took) for took in (pair.ours_s, pair.floor_s))
    return [Row(f"PDF of {sizes.pages} pages, stub embeddings", "pages/s", ours, floor, "≥ 100")]


async def _round(bench: Bench, documents: Sequence[Document], pair: Pair) -> None:
    seconds, cpu_s = await _plainly(bench, documents)
    pair.floor_s.append(sum(seconds))
    pair.floor_cpu_s += cpu_s
    before_s = tree_cpu_s(bench.pid)
    pair.ours_s.append(await bench.feeder.feed(documents))
    pair.ours_cpu_s += tree_cpu_s(bench.pid) - before_s


async def _wait_for(how: str, bench: Bench, sizes: Sizes) -> Row:
    """One small file after the other."""
    words = [f"zyx{how[0]}{number}" for number in range(sizes.small_files)]
    documents = [Document(f"{word}.md", f"# Note\n\nThe code word is {word}. {_SMALL}".encode()) for word in words]
    floor_s, _ = await _plainly(bench, documents)
    ours_s = [await bench.feeder.searchable(*each) for each in zip(documents, words, strict=True)]
    goal = "≤ 60" if bench.api_base else ""
    return Row(f"upload to searchable, 2 kB, p50, {how}", "ms", median(ours_s) * 1000, median(floor_s) * 1000, goal)


async def _plainly(bench: Bench, documents: Sequence[Document]) -> tuple[list[float], float]:
    """Seconds for each document, and processor seconds for all, in the plain loop."""
    # The first is not counted: it loads what its kind needs, which the service has loaded too by now.
    fed = [_WARM[Path(documents[0].name).suffix], *documents]
    paths = [bench.folder / document.name for document in fed]
    for path, document in zip(paths, fed, strict=True):
        path.write_bytes(document.content)
    options = [] if bench.api_base is None else ["--api-base", bench.api_base]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.plain_ingestion", *options, *map(str, paths), stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PLAIN_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found = json.loads(said)
    return found["seconds"], found["cpu_s"]


def _rates(name: str, pair: Pair, files: int, goal: str) -> list[Row]:
    ours_s, floor_s = median(pair.ours_s), median(pair.floor_s)
    ours_ms, floor_ms = (spent / (files * len(pair.ours_s)) * 1000 for spent in (pair.ours_cpu_s, pair.floor_cpu_s))
    size_mb = FILE_KB * files / 1000
    return [
        Row(name, "files/s", files / ours_s, files / floor_s, goal),
        Row(name, "MB/s", size_mb / ours_s, size_mb / floor_s),
        Row(f"{name}, CPU for one", "ms", ours_ms, floor_ms),
    ]


def _memory(peak: Peak) -> list[Row]:
    return [
        Row("peak memory while ingesting, service process", "MB RSS", peak.own_rss),
        Row("peak memory while ingesting, with its parser process", "MB PSS", peak.tree_pss, None, "≤ 300"),
    ]


_WARM = {
    ".md": Document("warm.md", corpus.markdown("warm", 2000)),
    ".pdf": Document("warm.pdf", corpus.pdf("warm", 2)),
}
_SMALL = corpus.prose(random.Random("small"), 1900)
