"""What stands between a provider's first token and the client: search, prompt, transactions, streaming.

Floor: a bare pass-through server. Both are shown as what they add to the provider's own median.
"""

import asyncio
import itertools
from collections.abc import Iterator
from statistics import median

from bench.report import Row, percentile
from bench.running import scratch
from bench.talking import Parlour, Partner, parlour
from bench.wire import ask

MODEL = "scripted-tokens-10-20"
"""Ten tokens, 20 ms apart: the first comes as in any longer answer, and more questions fit into a minute."""

WARM_UP = 5


async def measure(quick: bool, rows: list[Row]) -> None:
    """Alternating rounds of the provider itself, the floor and ours, with one and with eight who ask."""
    rounds, alone, company = (2, 5, 16) if quick else (4, 15, 40)
    numbers = itertools.count()
    with scratch() as folder, parlour(folder, MODEL) as room:
        for partner in (room.direct, room.floor, room.ours):
            await _firsts(partner, numbers, WARM_UP, 1)
        for concurrency, questions, goals in ((1, alone, ("≤ 10", "")), (8, company, ("≤ 40", ""))):
            heard = await _rounds(room, numbers, rounds, questions, concurrency)
            for share, goal in zip((0.5, 0.95), goals, strict=True):
                direct, floor, ours = heard
                provider = median(direct)
                added = percentile(ours, share) - provider, percentile(floor, share) - provider
                rows.append(Row(f"added to first token, p{share * 100:.0f} at {concurrency}", "ms", *added, goal))


async def _rounds(
    room: Parlour, numbers: Iterator[int], rounds: int, questions: int, concurrency: int
) -> tuple[list[float], list[float], list[float]]:
    direct: list[float] = []
    floor: list[float] = []
    ours: list[float] = []
    for _ in range(rounds):
        direct += await _firsts(room.direct, numbers, questions, concurrency)
        floor += await _firsts(room.floor, numbers, questions, concurrency)
        ours += await _firsts(room.ours, numbers, questions, concurrency)
    return direct, floor, ours


async def _firsts(partner: Partner, numbers: Iterator[int], questions: int, concurrency: int) -> list[float]:
    """Milliseconds to the first token of so many questions, each asker going on when an answer has ended."""
    found: list[float] = []

    async def one() -> None:
        for _ in range(questions // concurrency):
            body = partner.asking(next(numbers))
            heard = await ask(partner.url, partner.token, partner.path, body, partner.marks)
            found.append(heard.first_ms)

    await asyncio.gather(*(one() for _ in range(concurrency)))
    return found
