"""From units to groups of the right size: the estimate first, then the exact count, then a closer cut where needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from app.chunking.borders import PathCost
from app.chunking.cuts import long_spans
from app.chunking.partition import Border, partition
from app.chunking.policy import ChunkingPolicy
from app.chunking.units import CountTokens, Unit
from app.kit.blocks import ParsedDocument


@dataclass(frozen=True, slots=True)
class Group:
    """Units that become one chunk, with what precedes them and the exact count of both."""

    units: Sequence[Unit]
    prefix: str
    tokens: int

    @property
    def start(self) -> int:
        """Where the group's text begins."""
        return self.units[0].start

    @property
    def end(self) -> int:
        """Where the group's text ends."""
        return self.units[-1].end


@dataclass(frozen=True, slots=True)
class Measure:
    """Counts groups exactly and cuts those that the estimate made too large."""

    document: ParsedDocument
    policy: ChunkingPolicy
    count_tokens: CountTokens
    headers: Sequence[str]
    context_tokens: PathCost

    def groups(self, units: Sequence[Unit], borders: Sequence[Border]) -> Iterator[Group]:
        """The units as one group, or as several where they do not fit one."""
        first = units[0]
        prefix = self.headers[first.block] if first.row and not first.first else ""
        tokens = self.count_tokens(prefix + self.document.text[first.start : units[-1].end])
        if tokens <= self._allowed(units):
            yield Group(units, prefix, tokens)
        elif len(units) > 1:
            yield from self._smaller(units, borders, tokens)
        elif first.row or first.end - first.start < 2:
            yield Group(units, prefix, tokens)
        else:
            parts = _halves(self.document.text, first)
            yield from self.groups(parts, [Border()] * len(parts))

    def _smaller(self, units: Sequence[Unit], borders: Sequence[Border], tokens: int) -> Iterator[Group]:
        """The units cut again, now that the exact count has shown how far the estimate was off."""
        ratio = tokens / max(1, sum(unit.tokens for unit in units))
        scaled = [replace(unit, tokens=max(1, round(unit.tokens * ratio))) for unit in units]
        room = self._allowed(units[:1])
        cuts = partition([unit.tokens for unit in scaled], borders, min(self.policy.target_tokens, room), room)
        if len(cuts) == 1:
            cuts = [0, len(units) // 2]
        for begin, end in pairwise([*cuts, len(units)]):
            yield from self.groups(scaled[begin:end], borders[begin:end])

    def _allowed(self, units: Sequence[Unit]) -> int:
        if len(units) == 1 and units[0].whole:
            return self.policy.hard_cap_tokens
        path = self.document.blocks[units[0].block].heading_path
        room = self.policy.max_tokens - self.context_tokens(path) - self.policy.overlap_tokens
        return max(room, self.policy.max_tokens // 4)


def _halves(text: str, unit: Unit) -> list[Unit]:
    spans = long_spans(text, (unit.start, unit.end), max(1, (unit.end - unit.start + 1) // 2))
    share = max(1, unit.tokens // len(spans))
    return [
        replace(unit, start=start, end=end, tokens=share, first=unit.first and number == 0, whole=False)
        for number, (start, end) in enumerate(spans)
    ]
