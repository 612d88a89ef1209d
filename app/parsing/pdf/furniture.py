"""Running headers, running footers and page numbers: lines in the margin that come again, or that count pages."""

import re
from collections import Counter
from collections.abc import Sequence

from app.parsing.pdf.content import Line, PageContent

MARGIN_SHARE = 0.1
"""How much of a page's height, above and below, counts as margin."""

NEIGHBOURS = 4
"""A line is compared with this many pages on each side: chapters change their headers, odd pages differ from even."""

REPEATS = 2
"""On how many of these it has to come again."""

MAX_LINES = 3
"""How many lines at each end of a page are looked at."""

MOSTLY = 0.7
"""Where fewer pages than this would keep any text, the margins are the text, and nothing is left out."""

_NUMBER = r"(\d{1,5})"
_FIRST_NUMBER = re.compile(rf"^\W*(?:page\s+)?{_NUMBER}\b", re.IGNORECASE)
_LAST_NUMBER = re.compile(rf"\b{_NUMBER}(?:\s+(?:of|/)\s+\d+)?\W*$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[^\W\d_]{2,}[.!?]$")

Key = tuple[str, int]


def running_lines(pages: Sequence[PageContent]) -> list[frozenset[int]]:
    """Per page, the indexes of its lines that are furniture.

    A line that repeats word for word stays on the first of its pages, since nothing else may name the document; one
    that ends or begins with its page's number goes everywhere.
    """
    margins = [_margin_lines(page) for page in pages]
    offset = _numbering(margins)
    found: list[frozenset[int]] = []
    for number, own in enumerate(margins):
        before = margins[max(0, number - NEIGHBOURS) : number]
        around = before + margins[number + 1 : number + 1 + NEIGHBOURS]
        running = {index for index, key in own.items() if offset is not None and number + offset in _numbers(key[0])}
        for index, key in own.items():
            seen_before = any(key in other.values() for other in before)
            if seen_before and sum(key in other.values() for other in around) >= REPEATS:
                running.add(index)
        found.append(frozenset(running))
    with_text = [index for index, page in enumerate(pages) if page.lines]
    kept = sum(len(found[index]) < len(pages[index].lines) for index in with_text)
    return found if kept >= MOSTLY * len(with_text) else [frozenset()] * len(pages)


def _margin_lines(page: PageContent) -> dict[int, Key]:
    """The outermost lines in the page's margins by their index: their text, and about how high they stand."""
    order = sorted(range(len(page.lines)), key=lambda index: page.lines[index].bottom)
    margin = page.height * MARGIN_SHARE
    keys: dict[int, Key] = {}
    for index in {*order[:MAX_LINES], *order[-MAX_LINES:]}:
        line: Line = page.lines[index]
        if line.middle[1] < margin or line.middle[1] > page.height - margin:
            keys[index] = (" ".join(line.text.split()), round(line.bottom / 3))
    return keys


def _numbers(text: str) -> set[int]:
    """The numbers at either end of a margin line, which is no sentence."""
    if len(text) > 120 or _SENTENCE_END.search(text):
        return set()
    return {int(found[1]) for found in (_FIRST_NUMBER.search(text), _LAST_NUMBER.search(text)) if found}


def _numbering(margins: Sequence[dict[int, Key]]) -> int | None:
    """The difference between printed page numbers and counted ones, if a third of the pages agree on it."""
    offsets: Counter[int] = Counter()
    for number, own in enumerate(margins):
        offsets.update({value - number for text, _ in own.values() for value in _numbers(text)})
    if not offsets:
        return None
    offset, votes = offsets.most_common(1)[0]
    return offset if votes >= max(3, len(margins) / 3) else None
