"""Which lines are headings: those the outline names, or, without an outline, those set larger than the text."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from app.parsing.pdf.content import Bookmark, Line, PageContent

LARGER = 1.15
"""How much larger than the text a heading is set."""

MAX_HEADING_CHARS = 160
MAX_LEVELS = 4

_NOT_LETTERS = re.compile(r"[\W_]+")
_NUMBERING = re.compile(
    r"^(?:chapter|part|appendix|section)?\s*(?:\d+|[a-z]|[ivxlc]+)?(?:\.\d+)*[.:)]?\s+", re.IGNORECASE
)
_LETTER = re.compile(r"[^\W\d_]")


class Outline:
    """Looks lines up among a document's bookmarks, page by page."""

    def __init__(self, bookmarks: Iterable[Bookmark]) -> None:
        self._by_page: dict[int, dict[str, int]] = {}
        for bookmark in bookmarks:
            key = _key(bookmark.title)
            if key:
                # A bookmark may point at the end of the page before its heading.
                for page in (bookmark.page, bookmark.page + 1):
                    self._by_page.setdefault(page, {}).setdefault(key, bookmark.level)

    def __bool__(self) -> bool:
        return bool(self._by_page)

    def level_of(self, text: str, page: int) -> int:
        """The level of the bookmark that this text is the title of, or 0."""
        titles = self._by_page.get(page)
        if not titles or len(text) > 2 * MAX_HEADING_CHARS:
            return 0
        return titles.get(_key(text), 0) or titles.get(_key(_NUMBERING.sub("", text)), 0)


class Sizes:
    """Ranks the sizes of type in a document: the commonest is its text, larger ones are its headings."""

    def __init__(self, pages: Sequence[PageContent]) -> None:
        weights: Counter[float] = Counter()
        for page in pages:
            for line in page.lines:
                weights[_rounded(line)] += len(line.text)
        self.body = weights.most_common(1)[0][0] if weights else 0.0
        larger = sorted((size for size in weights if size >= self.body * LARGER), reverse=True)
        self._levels = {size: min(rank + 1, MAX_LEVELS) for rank, size in enumerate(_distinct(larger))}

    def level_of(self, line: Line) -> int:
        """The level of a heading set in this line's size, or 0 for text."""
        size = _rounded(line)
        if not self._levels or size < self.body * LARGER or not _LETTER.search(line.text):
            return 0
        if len(line.text) > MAX_HEADING_CHARS or line.text.endswith((".", ",", ";")):
            return 0
        return min((abs(known - size), level) for known, level in self._levels.items())[1]


def _distinct(sizes: Sequence[float]) -> list[float]:
    """Sizes, largest first, without those hardly smaller than the one before."""
    kept: list[float] = []
    for size in sizes:
        if not kept or size < kept[-1] * 0.93:
            kept.append(size)
    return kept


def _rounded(line: Line) -> float:
    return round(line.height * 2) / 2


def _key(text: str) -> str:
    return _NOT_LETTERS.sub("", text).casefold()
