"""Words that carry meaning, for comparing a sentence with a passage without a model."""

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

_FUNCTION_WORDS = frozenset(
    """
    a about above after again all also am an and any are as at be because been before being below between both but
    by can could did do does doing down during each few for from further give had has have having he her here hers
    him his how i if in into is it its just many me more most much my no nor not of off on once only or other our
    out over own please same she should so some such tell than that the their them then there these they this
    those through to too under until up us very was we were what when where which while who whom why will with
    would you your
    """.split()
)


def content_words(text: str) -> frozenset[str]:
    """The distinct words of ``text`` that are not mere grammar, folded to a rough stem; CJK text as letter pairs."""
    return frozenset(content_sequence(text))


def content_sequence(text: str) -> list[str]:
    """The same words in their order, repeats included."""
    words: list[str] = []
    for word in _WORD.findall(text.casefold()):
        words.extend(_folded(word))
    return words


@lru_cache(maxsize=50_000)
def _folded(word: str) -> tuple[str, ...]:
    """What one word comes to; remembered, because a text says the same few thousand words again and again."""
    if not word.isascii() and _CJK.search(word):
        return tuple(word[at : at + 2] for at in range(max(1, len(word) - 1)))
    return () if word in _FUNCTION_WORDS else (rough_stem(word),)


_ENDINGS = (
    ("ations", 4, ""),
    ("ation", 4, ""),
    ("ings", 4, ""),
    ("ing", 4, ""),
    ("ies", 3, "y"),
    ("ied", 3, "y"),
    ("ed", 4, ""),
    ("es", 4, ""),
    ("s", 3, ""),
)
"""An ending, how many letters must stand before it, and what takes its place."""


def rough_stem(word: str) -> str:
    """A word without its most common English endings: enough that ``leaves`` meets ``leave``."""
    word = word.removesuffix("'s").removesuffix("’s")
    for ending, least, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            stem = word[: -len(ending)]
            return stem + instead if instead else stem.rstrip("e")
    return word.rstrip("e") if len(word) > 4 else word


_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def numbers(text: str) -> frozenset[str]:
    """The numbers in ``text``, written without separators of thousands."""
    return frozenset(re.sub(r",(?=\d{3}\b)", "", found) for found in _NUMBER.findall(text))
