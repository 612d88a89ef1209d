"""What processes hold and use: memory, in which shared pages may be divided, and processor time."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

MEGABYTE = 1e6
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Held:
    """Memory in MB: resident of the process itself, and proportional (shared pages divided) of it and its children."""

    own_rss: float
    tree_pss: float


@dataclass(slots=True)
class Peak:
    """The most that was seen."""

    own_rss: float = 0.0
    tree_pss: float = 0.0

    def see(self, held: Held) -> None:
        self.own_rss = max(self.own_rss, held.own_rss)
        self.tree_pss = max(self.tree_pss, held.tree_pss)


def held(pid: int) -> Held:
    """What a process and its children hold now."""
    process = psutil.Process(pid)
    tree = process.memory_full_info()
    pss = sum(_pss(child) for child in process.children(recursive=True))
    return Held(tree.rss / MEGABYTE, (getattr(tree, "pss", tree.rss) + pss) / MEGABYTE)


def cpu_s(pid: int) -> float:
    """Processor time of one process so far, in seconds, without its children."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def tree_cpu_s(pid: int) -> float:
    """Processor time of a process and the children it has had, in seconds."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    living = sum(_cpu_s(child) for child in process.children(recursive=True))
    return times.user + times.system + times.children_user + times.children_system + living


@asynccontextmanager
async def watching(pid: int) -> AsyncGenerator[Peak]:
    """The peak while the block runs, looked at ten times a second."""
    peak = Peak()
    peak.see(held(pid))
    task = asyncio.create_task(_watch(pid, peak))
    try:
        yield peak
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch(pid: int, peak: Peak) -> None:
    while True:
        await asyncio.sleep(_LOOK_S)
        # In a thread: counting shared pages takes the kernel some milliseconds, which are not to be measured as ours.
        peak.see(await asyncio.to_thread(held, pid))


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:  # It has ended meanwhile.
        return 0.0
    return times.user + times.system


def _pss(process: psutil.Process) -> float:
    try:
        found = process.memory_full_info()
    except psutil.Error:  # It has ended meanwhile.
        return 0.0
    return float(getattr(found, "pss", found.rss))
