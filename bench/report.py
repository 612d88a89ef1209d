"""Figures as people read them: one table, absolute values beside their ratio to the floor of the same run."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

Value = float | bool | None

HEADS = ("what", "unit", "floor", "ours", "ratio", "goal")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of ours beside the floor's, where the floor has one, and what we aim at, in words."""

    what: str
    unit: str
    ours: Value
    floor: Value = None
    goal: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of the floor's."""
        if isinstance(self.ours, bool) or not self.ours or not self.floor:
            return None
        return self.ours / self.floor

    def cells(self) -> tuple[str, ...]:
        """The row in words."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return (self.what, self.unit, shown(self.floor), shown(self.ours), ratio, self.goal)


def shown(value: Value) -> str:
    """Three significant digits, and no more than there is to know."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def plain(rows: Sequence[Row]) -> str:
    """The table for a terminal."""
    lines = [HEADS, *(row.cells() for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEADS))]
    rule = "  ".join("-" * width for width in widths)
    drawn = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
    return "\n".join([drawn[0], rule, *drawn[1:]])


def markdown(rows: Sequence[Row]) -> str:
    """The table for ``docs/performance.md``, with the machine and the day in front."""
    lines = [HEADS, ("---", "---", "---:", "---:", "---:", "---"), *(row.cells() for row in rows)]
    return "\n".join([f"{machine()}, {today()}.", "", *("| " + " | ".join(line) + " |" for line in lines)])


def machine() -> str:
    """What it was measured on, and how busy that was before."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    software = f"{platform.system()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} × {_processor()}, {_memory_gb()}{software}{load}"


def today() -> str:
    """The day of the run."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of the values do not exceed (nearest rank); the median for one half."""
    if share == 0.5:
        return median(values)
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    numbers = (2, 3, 4)
    return [
        cell.rjust(width) if at in numbers else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory_gb() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return ""
    return f"{size / 1e9:.0f} GB, "
