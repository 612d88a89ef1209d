"""Does the cited passage say what the sentence says? And where exactly?

The passage is the sentence (or table row, read with its header) of the source that shares the most content words with
the answer's sentence, widened by its neighbour when that adds more. It supports the sentence when it holds at least
half of the sentence's content words and every number in it. Purely lexical: it cannot see a contradiction in the same
words, and ``verified`` promises no more than this.
"""

from bisect import bisect_right
from dataclasses import dataclass

from app.chat.context import Source
from app.chat.passages import Passage, passages
from app.kit.text import excerpt
from app.kit.words import content_words, numbers

SUPPORTED_FROM = 0.5
QUOTE_CHARS = 400


@dataclass(frozen=True, slots=True)
class Support:
    """The passage a sentence rests on, as offsets into the version's text, with its page and whether it is enough."""

    char_start: int
    char_end: int
    page: int | None
    quote: str | None
    verified: bool


def find_support(sentence: str, source: Source) -> Support:
    """The best passage of ``source`` for ``sentence``."""
    words = content_words(sentence)
    best = _best_passage(words, source)
    explained = f"{best.header} {best.text}"
    found = content_words(explained)
    covered = len(words & found) / len(words) if words else 0.0
    start = source.char_start + best.start
    return Support(
        char_start=start,
        char_end=source.char_start + best.end,
        page=page_at(source, start),
        quote=excerpt(best.text, QUOTE_CHARS) if words & found else None,
        verified=covered >= SUPPORTED_FROM and numbers(sentence) <= numbers(explained),
    )


def page_at(source: Source, offset: int) -> int | None:
    """The 1-based page on which an offset of the version's text lies."""
    starts = source.evidence.page_starts
    return bisect_right(starts, offset) if starts else source.evidence.page


def _best_passage(words: frozenset[str], source: Source) -> Passage:
    """The passage that shares most words, together with a neighbour that adds more than one."""
    found = passages(source.text, source.prefix)
    if not found:
        return Passage(0, len(source.text), source.text)
    shared = [len(words & content_words(f"{passage.header} {passage.text}")) for passage in found]
    at = max(range(len(found)), key=lambda index: (shared[index], -index))
    best, most = found[at], shared[at]
    for first, last in ((at, at + 1), (at - 1, at)):
        if first < 0 or last >= len(found) or found[first].is_row or found[last].is_row:
            continue
        start, end = found[first].start, found[last].end
        both = len(words & content_words(source.text[start:end]))
        if both > most + 1:
            best, most = Passage(start, end, source.text[start:end]), both
    return best
