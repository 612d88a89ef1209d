"""Cutting a row of units into groups at the best borders, by dynamic programming.

A group costs ``((target - size) / target)²`` for its size, plus the cost of the border it begins at, plus the cost of
every border that it swallows. The cheapest sequence of groups wins, so that a cut falls on a strong border nearby
rather than on a weak one exactly at the target. Units above the maximum stand alone. Time is linear in the number of
units for a bounded number of units in a group.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Border:
    """The place before a unit.

    ``cut`` is what it costs to begin a group here, ``swallow`` what it costs to go on across it, ``extra`` the tokens
    that a group which begins here carries besides its units (a repeated table header, a heading line).
    """

    cut: float = 0.0
    swallow: float = 0.0
    extra: int = 0


def partition(sizes: Sequence[int], borders: Sequence[Border], target: int, maximum: int) -> list[int]:
    """The indexes at which groups begin, the first of them 0; empty for no units.

    ``borders[i]`` lies before unit ``i``. No group of two or more units is larger than ``maximum``.
    """
    count = len(sizes)
    best = [0.0] * (count + 1)
    begins = [0] * (count + 1)
    for end in range(1, count + 1):
        best[end], begins[end] = _cheapest(end, sizes, borders, best, target, maximum)
    cuts: list[int] = []
    at = count
    while at > 0:
        at = begins[at]
        cuts.append(at)
    return cuts[::-1]


def _cheapest(
    end: int, sizes: Sequence[int], borders: Sequence[Border], best: Sequence[float], target: int, maximum: int
) -> tuple[float, int]:
    """The lowest cost of cutting the first ``end`` units, and where the last group of that solution begins."""
    lowest, begin = float("inf"), end - 1
    size, swallowed = 0, 0.0
    for start in range(end - 1, -1, -1):
        size += sizes[start]
        border = borders[start]
        whole = size + border.extra
        if whole > maximum and start < end - 1:
            if size > maximum:
                break
        else:
            off = (target - whole) / target
            cost = best[start] + border.cut + swallowed + off * off
            if cost < lowest:
                lowest, begin = cost, start
        swallowed += border.swallow
    return lowest, begin
