"""``python -m bench [startup|first-token|ingestion|search|streams …] [--quick] [--markdown]``."""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvloop

from bench import first_token, ingestion, search, startup, streams
from bench.report import Row, machine, markdown, plain


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark, which adds to a table, and the seconds after which it is given up."""

    measure: Callable[[bool, list[Row]], Awaitable[None]]
    limit_s: float


BENCHMARKS = {
    "startup": Benchmark(startup.measure, 90),
    "first-token": Benchmark(first_token.measure, 90),
    "ingestion": Benchmark(ingestion.measure, 120),
    "search": Benchmark(search.measure, 120),
    "streams": Benchmark(streams.measure, 120),
}
WHOLE_S, QUICK_S = 350.0, 85.0
"""What all of them together may take: a busy machine gets fewer rows, not a longer wait."""

LEAST_S = 10.0
"""With less than this left a benchmark is not begun."""


def main() -> int:
    """Measure, print the table, and say on stderr what goes on; 1 when a benchmark could not be finished."""
    given = _arguments()
    say(machine())
    rows, failed = uvloop.run(_measure(given.names or list(BENCHMARKS), given.quick))
    print(markdown(rows) if given.markdown else plain(rows))
    return 1 if failed else 0


async def _measure(names: list[str], quick: bool) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    failed: list[str] = []
    deadline = time.perf_counter() + (QUICK_S if quick else WHOLE_S)
    for name in names:
        began = time.perf_counter()
        limit_s = min(BENCHMARKS[name].limit_s, deadline - began)
        if limit_s < LEAST_S:
            failed.append(name)
            say(f"{name}: left out, for the time is used up; ask for it alone")
            continue
        try:
            async with asyncio.timeout(limit_s):
                await BENCHMARKS[name].measure(quick, rows)
        except TimeoutError:
            failed.append(name)
            say(f"{name}: given up after {limit_s:.0f} s; what it had measured by then is shown")
        except Exception as fault:  # noqa: BLE001  # One that fails must not take the others' figures along.
            failed.append(name)
            say(f"{name}: failed: {type(fault).__name__}: {fault}")
        else:
            say(f"{name}: {time.perf_counter() - began:.0f} s")
    return rows, failed


def say(text: str) -> None:
    """Tell whoever waits; the table alone goes to stdout."""
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the service beside a floor.")
    parser.add_argument("names", nargs="*", metavar="benchmark", help=" · ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="fewer of everything: a look, not a measurement")
    parser.add_argument("--markdown", action="store_true", help="print what docs/performance.md holds")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
