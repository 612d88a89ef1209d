"""Many answers at once: how much of the provider's pace arrives, what an answer costs, what a stream holds.

Floor: a bare pass-through server. Whether *stop* reaches the provider is asked of the provider.
"""

import asyncio
import itertools
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean

import httpx

from bench.report import Row
from bench.running import scratch
from bench.talking import Parlour, Partner, parlour
from bench.usage import cpu_s, watching
from bench.wire import Line, ask

TOKENS, PACE_S = 100, 0.02
MODEL = f"scripted-tokens-{TOKENS}-{PACE_S * 1000:.0f}"
IDEAL_S = TOKENS * PACE_S
RAMP_S = 1.0
"""Over how many seconds the askers arrive: not all in the same millisecond."""

ABORT_S = 3.0
GOAL = "≥ 0.85 of the floor's"


@dataclass(slots=True)
class _Tally:
    took_s: list[float] = field(default_factory=list)
    cpu_ms: float = 0.0
    grown_mb: float = 0.0

    @property
    def share(self) -> float:
        """Of the pace at which the provider speaks, waiting for the first token included."""
        return IDEAL_S / fmean(self.took_s)

    def grown_kb(self, streams: int) -> float:
        """Memory that came with so many streams, for each of them."""
        return max(0.0, self.grown_mb) * 1000 / streams

    @property
    def cpu_ms_each(self) -> float:
        return self.cpu_ms / len(self.took_s)


async def measure(quick: bool, rows: list[Row]) -> None:
    """Alternating rounds at each number of streams, then the stop."""
    rounds = 1 if quick else 2
    numbers = itertools.count()
    with scratch() as folder, parlour(folder, MODEL) as room:
        for partner in (room.floor, room.ours):
            await _crowd(partner, numbers, 4, 1, _Tally())
        for streams in (1, 25) if quick else (1, 50, 200):
            floor, ours = _Tally(), _Tally()
            for _ in range(rounds):
                for partner, tally in ((room.floor, floor), (room.ours, ours)):
                    await _crowd(partner, numbers, streams, 1 if quick or streams == 1 else 2, tally)
                    await _forget(room)
            rows += _rows(streams, floor, ours)
        stops = await _stops_ours(room), await _stops_floor(room)
        rows.append(Row("provider's answer aborted on stop", "", *stops, "yes"))


def _rows(streams: int, floor: _Tally, ours: _Tally) -> list[Row]:
    many = f"{streams} stream{'s' if streams > 1 else ''}"
    rows = [Row(f"share of the ideal token rate, {many}", "", ours.share, floor.share, GOAL if streams > 1 else "")]
    if streams > 1:  # The system counts processor time in hundredths of a second: too coarse for a single answer.
        cost = ours.cpu_ms_each, floor.cpu_ms_each
        rows.append(Row(f"CPU for a {TOKENS}-token answer, {many}", "ms", *cost, "≤ 16" if streams == 50 else ""))
        rows.append(Row(f"memory for each stream, {many}", "kB RSS", ours.grown_kb(streams), floor.grown_kb(streams)))
    return rows


async def _crowd(partner: Partner, numbers: Iterator[int], streams: int, answers: int, tally: _Tally) -> None:
    """So many askers, each with so many questions one after the other; adds to the tally."""

    async def one(position: int) -> list[float]:
        await asyncio.sleep(RAMP_S * position / streams)
        took: list[float] = []
        for _ in range(answers):
            body = partner.asking(next(numbers))
            took.append((await ask(partner.url, partner.token, partner.path, body, partner.marks)).total_s)
        return took

    async with watching(partner.pid) as peak:
        before_mb, before_s = peak.own_rss, cpu_s(partner.pid)
        for took in await asyncio.gather(*(one(position) for position in range(streams))):
            tally.took_s += took
        tally.cpu_ms += (cpu_s(partner.pid) - before_s) * 1000
    tally.grown_mb = max(tally.grown_mb, peak.own_rss - before_mb)


async def _stops_ours(room: Parlour) -> bool:
    """Listen until the first words, tell the service to stop, keep the connection open."""
    await _forget(room)
    ours = room.ours
    async with Line(ours.url, ours.token) as line, Line(ours.url, ours.token) as other:
        heard = await line.stream(ours.path, ours.asking(-1), ours.marks, until=5)
        found = re.search(rb'"message_id":\s*("[^"]+")', bytes(heard.head))
        assert found is not None
        await other.call("POST", f"/v1/messages/{json.loads(found[1])}/cancel", {})
        return await _aborted(room)


async def _stops_floor(room: Parlour) -> bool:
    """The floor knows no other stop than a client that leaves."""
    await _forget(room)
    async with Line(room.floor.url) as line:
        await line.stream(room.floor.path, room.floor.asking(-2), room.floor.marks, until=5)
    return await _aborted(room)


async def _aborted(room: Parlour) -> bool:
    deadline = time.monotonic() + ABORT_S
    async with httpx.AsyncClient() as client:
        while time.monotonic() < deadline:
            if (await client.get(f"{room.upstream.url}/_log")).json()["aborts"]:
                return True
            await asyncio.sleep(0.02)
    return False


async def _forget(room: Parlour) -> None:
    """The provider keeps what it was asked; it must not grow from round to round."""
    async with httpx.AsyncClient() as client:
        await client.delete(f"{room.upstream.url}/_log")
