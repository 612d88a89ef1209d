"""Words that carry meaning, for comparing a sentence with a passage without a model."""

import re

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
    for match in _WORD.finditer(text.casefold()):
        word = match.group()
        if _CJK.search(word):
            words.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        elif word not in _FUNCTION_WORDS:
            words.append(rough_stem(word))
    return words


def rough_stem(word: str) -> str:
    """A word without its most common English endings: enough to match ``leaves``/``leave`` and ``paid``/``paid``."""
    word = word.removesuffix("'s").removesuffix("’s")
    for ending, least in (
        ("ations", 4),
        ("ation", 4),
        ("ings", 4),
        ("ing", 4),
        ("ies", 3),
        ("ied", 3),
        ("ed", 4),
        ("es", 4),
        ("s", 3),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= least:
            stem = word[: -len(ending)]
            return stem + "y" if ending in {"ies", "ied"} else stem.rstrip("e")
    return word.rstrip("e") if len(word) > 4 else word


_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def numbers(text: str) -> frozenset[str]:
    """The numbers in ``text``, written without separators of thousands."""
    return frozenset(re.sub(r",(?=\d{3}\b)", "", found) for found in _NUMBER.findall(text))
