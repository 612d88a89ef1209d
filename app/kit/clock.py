"""The time, always aware and always UTC, and stopwatches that count milliseconds."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def to_wire(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, ending in ``Z``: the one form of time the API speaks."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Stopwatch:
    """Collects how long named stages took, in milliseconds; a stage timed twice adds up."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.timings_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        """Time the body under ``name``, whether it succeeds or raises."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - began) * 1000
            self.timings_ms[name] = round(self.timings_ms.get(name, 0.0) + spent, 3)

    def elapsed_ms(self) -> float:
        """Milliseconds since the stopwatch was made."""
        return round((time.perf_counter() - self._began) * 1000, 3)
