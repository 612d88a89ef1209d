"""From lines to paragraphs, list entries and code: told by gaps, indents, bullets and typefaces."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import pairwise
from statistics import median

from app.parsing.pdf.content import Line

GAP = 1.35
"""A distance between base lines this much above the usual one ends a paragraph."""

WIDEST_SET = 1.7
"""Lines of a paragraph are set at most this many heights of type apart."""

_BULLET = re.compile(r"^(?:[•‣◦▪●○■□–—*\uf0b7\uf0a7-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+(?=\S)")
_ENDED = re.compile(r"[.!?:;…。！？][\"'”’)\]]*$")


class Kind(Enum):
    """What a run of lines is."""

    PROSE = auto()
    ITEM = auto()
    CODE = auto()
    LARGE = auto()


@dataclass(frozen=True, slots=True)
class Run:
    """Lines that belong together."""

    kind: Kind
    lines: Sequence[Line]


def runs(lines: Sequence[Line], body: float) -> Iterator[Run]:
    """The lines cut where a paragraph, an entry, a listing or a size of type ends. ``body`` is the text's size."""
    pitch = _pitch(lines)
    current: list[Line] = []
    kind = Kind.PROSE
    for line in lines:
        if current and _is_note_mark(line, current[-1]):
            current[-1] = replace(current[-1], text=f"{current[-1].text} {line.text}")
            continue
        own = _kind(line, body)
        if own is Kind.CODE and current and kind is not Kind.CODE and _runs_on(current[-1], line, pitch):
            own = kind
        if current and _breaks(current, line, kind, own, pitch):
            yield Run(kind, tuple(current))
            current = []
        if not current:
            kind = own
        current.append(line)
    if current:
        yield Run(kind, tuple(current))


def bullet_of(text: str) -> tuple[str, str]:
    """The marker and the rest of a list entry's text; an empty marker where there is none."""
    found = _BULLET.match(text)
    if found is None:
        return "", text
    marker = found[0].strip()
    return (marker if marker[-1] in ".)" else "-"), text[found.end() :]


def _kind(line: Line, body: float) -> Kind:
    if line.height > body * 1.15:
        return Kind.LARGE
    if line.fixed:
        return Kind.CODE
    return Kind.ITEM if _BULLET.match(line.text) else Kind.PROSE


def _pitch(lines: Sequence[Line]) -> float:
    """The usual distance between base lines on the page, or 0 where it cannot be told.

    Distances that type is not set at are those between paragraphs, and a page may hold nothing else.
    """
    steps = [
        above.bottom - below.bottom
        for above, below in pairwise(lines)
        if 0.5 * below.height < above.bottom - below.bottom < WIDEST_SET * below.height
    ]
    return median(steps) if steps else 0.0


def _breaks(current: Sequence[Line], line: Line, kind: Kind, own: Kind, pitch: float) -> bool:
    last = current[-1]
    step = last.bottom - line.bottom
    if abs(last.height - line.height) > 0.15 * max(last.height, line.height) and kind is not Kind.CODE:
        return True
    if own is not kind and not (kind is Kind.ITEM and own is Kind.PROSE):
        # A line of prose may begin in a typewriter face; a listing has its own lines throughout.
        return True
    if own is Kind.ITEM:
        return True
    if kind in {Kind.CODE, Kind.LARGE}:
        return not 0 <= step <= (2.6 if kind is Kind.CODE else 1.8) * line.height
    if step > (GAP * pitch if pitch else WIDEST_SET * line.height):
        return True
    return _new_paragraph(current, line, step)


def _is_note_mark(line: Line, last: Line) -> bool:
    """Whether a "line" is only the raised number of a footnote."""
    return line.height < 0.8 * last.height and len(line.text) <= 3 and line.text.isdigit()


def _runs_on(last: Line, line: Line, pitch: float) -> bool:
    """Whether a line in a typewriter face stands inside a paragraph: close under a line that has not ended."""
    step = last.bottom - line.bottom
    is_indented = line.left > last.left + 0.8 * line.height
    return 0 < step <= GAP * (pitch or line.height) and not is_indented and not _ENDED.search(last.text)


def _new_paragraph(current: Sequence[Line], line: Line, step: float) -> bool:
    """Whether a line at the usual distance begins a paragraph: an indent, or a short line that ended a sentence."""
    last = current[-1]
    ended = bool(_ENDED.search(last.text))
    if step < -0.5 * line.height:
        # The next column, or a box beside the text; the sentence may go on there.
        return ended or not line.text[:1].islower()
    if len(current) > 1 and ended and line.left > current[-1].left + 0.8 * line.height:
        return True
    widest = max(one.right for one in current)
    return ended and len(current) > 1 and last.right < widest - 0.25 * (widest - last.left)
