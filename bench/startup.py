"""From exec to the first 200, and what the process then holds. Floor: the framework with one route."""

import asyncio
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.report import Row
from bench.running import scratch, until_ready
from bench.usage import Held, held
from tests.support.processes import Door, Process, minirag
from tests.support.server_process import free_port

SETTLE_S, SETTLE_LOOKS = 1.5, 6
_TEXT = "The mill stands at the river. It grinds rye and wheat on Mondays."


@dataclass(slots=True)
class _Seen:
    floor_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    again_s: list[float] = field(default_factory=list)
    floor_held: list[Held] = field(default_factory=list)


async def measure(quick: bool, rows: list[Row]) -> None:
    """Starts, alternating with the floor; then what it holds with its model loaded, and after one document."""
    seen = _Seen()
    with scratch() as folder:
        await _start_all(folder, 1 if quick else 5, 0 if quick else 3, seen)
        idle, used = _memory(folder)
    floor_s, floor_mb = median(seen.floor_s), median(each.own_rss for each in seen.floor_held)
    floor_pss = median(each.tree_pss for each in seen.floor_held)
    rows += [
        Row("start: data folder there", "s", median(seen.again_s), floor_s, "≤ 2"),
        Row("start: empty folder (makes secrets and tables)", "s", median(seen.first_s), floor_s),
        Row("idle memory, embedder loaded", "MB RSS", idle.own_rss, floor_mb, "≤ 200"),
        Row("idle memory, embedder loaded", "MB PSS", idle.tree_pss, floor_pss, "≤ 200"),
        Row("memory after a document and a search", "MB RSS", used.own_rss, floor_mb),
        Row("memory after a document and a search, with its parser", "MB PSS", used.tree_pss, floor_pss),
    ]


async def _start_all(folder: Path, times: int, first_times: int, seen: _Seen) -> None:
    with _ours(folder / "used") as (_, took, _):
        # It makes the data folder, and compiles what nobody has run yet: a figure only where nothing better is wanted.
        if not first_times:
            seen.first_s.append(took)
    for number in range(times):
        await asyncio.sleep(0)  # What follows blocks; here the benchmark's own time-out gets its turn.
        with _floor(folder) as (_, took, process):
            seen.floor_s.append(took)
            seen.floor_held.append(held(process.pid))
        with _ours(folder / "used") as (_, took, _):
            seen.again_s.append(took)
        if number < first_times:
            with _ours(folder / f"empty{number}") as (_, took, _):
                seen.first_s.append(took)


def _memory(folder: Path) -> tuple[Held, Held]:
    """Idle, and after one document and one search, when everything that stays has been loaded."""
    with _ours(folder / "used") as (url, _, process):
        idle = _settled(process.pid)
        doors: list[Door] = []
        key = (folder / "used" / "data" / "secrets" / "admin_key").read_text().strip()
        tenant, _ = Door(url, key, doors).found("Bench")
        try:
            run = tenant.upload("mill.md", _TEXT.encode())["run"]
            assert tenant.ended(run["id"], 30)["status"] == "succeeded"
            assert tenant.post("/v1/search", {"query": "What does the mill grind?"})["results"]
        finally:
            for door in doors:
                door.client.close()
        return idle, _settled(process.pid)


def _settled(pid: int) -> Held:
    """What it holds once that has not grown for a while: the model is loaded while nobody waits for it."""
    found = held(pid)
    for _ in range(SETTLE_LOOKS):
        time.sleep(SETTLE_S)
        before, found = found, held(pid)
        if abs(found.own_rss - before.own_rss) < 1:
            break
    return found


@contextmanager
def _ours(folder: Path) -> Generator[tuple[str, float, Process]]:
    folder.mkdir(exist_ok=True)
    port = free_port()
    process = minirag(
        "serve", "--port", str(port), env={"MINIRAG_DATA_DIR": str(folder / "data")}, log=folder / "serve.log"
    )
    with _started(process, port) as started:
        yield started


@contextmanager
def _floor(folder: Path) -> Generator[tuple[str, float, Process]]:
    port = free_port()
    with _started(Process([sys.executable, "-m", "bench.bare", str(port)], {}, folder / "bare.log"), port) as started:
        yield started


@contextmanager
def _started(process: Process, port: int) -> Generator[tuple[str, float, Process]]:
    began = time.perf_counter()
    process.start()
    try:
        yield f"http://127.0.0.1:{port}", until_ready(port, process, began), process
    finally:
        if process.alive:
            process.stop(within_s=10)
        process.kill()
