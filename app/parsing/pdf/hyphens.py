"""Words that were cut at the end of a line."""

import re
from collections.abc import Iterable, Sequence

_HYPHENATED = re.compile(r"[^\W\d_]{2,}-[^\W\d_]{2,}")
_HEAD = re.compile(r"([^\W\d_]+)-$")
_TAIL = re.compile(r"^([^\W\d_]+)")


def hyphenated_words(texts: Iterable[str]) -> frozenset[str]:
    """The words that are written with a hyphen inside a line somewhere, in small letters."""
    return frozenset(word.lower() for text in texts for word in _HYPHENATED.findall(text))


def join_lines(texts: Sequence[str], hyphenated: frozenset[str]) -> str:
    """The lines as one, words that were cut made whole.

    The hyphen stays where the document writes the word with one elsewhere, or where no small letter follows.
    """
    parts: list[str] = []
    for text in texts:
        last = parts[-1] if parts else ""
        if len(last) > 1 and last[-1] == "-" and last[-2].isalnum():
            parts[-1] = _without_break(last, text, hyphenated)
        elif parts:
            parts.append(" ")
        parts.append(text)
    return "".join(parts)


def _without_break(before: str, after: str, hyphenated: frozenset[str]) -> str:
    """The line before, without its last hyphen where that only marked the cut."""
    head, tail = _HEAD.search(before[-60:]), _TAIL.search(after[:60])
    if head is None or tail is None or not tail[1][0].islower():
        return before
    return before if f"{head[1]}-{tail[1]}".lower() in hyphenated else before[:-1]
