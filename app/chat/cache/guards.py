"""Why two questions are not the same, however alike they look to an embedding.

A model of sentences puts "on" beside "off" and "A to B" beside "B to A" (cosines of 0.99 and more), so likeness alone
may never serve an answer. Whatever differs between the plainest wordings refuses; the name of the difference is for
people who read why.
"""

import re
from collections import Counter
from enum import StrEnum
from typing import Final

from app.chat.cache.wording import Wording, wording_of

NEGATIONS: Final = frozenset("not no never none nobody nothing neither nor without except unless hardly".split())
QUESTION_WORDS: Final = frozenset("who what when where why how whose many much often long far".split())
TIMES: Final = frozenset(
    """
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
    october november december today tomorrow yesterday now then before after during since until pm
    """.split()
)
PAST: Final = frozenset({"was", "did"})
_DIGIT: Final = re.compile(r"\d")


class Difference(StrEnum):
    """What tells two questions apart."""

    NEGATION = "negation"
    NUMBERS = "numbers"
    NAMES = "names"
    QUESTION = "question"
    TIME = "time"
    WORDS = "words"
    ORDER = "order"


def difference(asked: str, stored: str) -> Difference | None:
    """The first difference that may change the answer; None where the two ask the same."""
    one, other = wording_of(asked), wording_of(stored)
    odd = _odd(one, other)
    if odd & NEGATIONS:
        return Difference.NEGATION
    if any(_DIGIT.search(word) for word in odd):
        return Difference.NUMBERS
    if odd & (one.names | other.names) or _named_otherwise(one, other):
        return Difference.NAMES
    if odd & QUESTION_WORDS:
        return Difference.QUESTION
    if odd & TIMES or PAST & set(one.helpers) != PAST & set(other.helpers):
        return Difference.TIME
    if odd or one.helpers != other.helpers:
        return Difference.WORDS
    return None if one.words == other.words and _verbs_agree(one, other) else Difference.ORDER


def _odd(one: Wording, other: Wording) -> frozenset[str]:
    """The words of which one question has more than the other."""
    left, right = Counter(one.words), Counter(other.words)
    return frozenset((left - right) + (right - left))


def _named_otherwise(one: Wording, other: Wording) -> bool:
    """Whether a word is a name in one and a plain word in the other; whoever writes no capitals at all is believed."""
    return bool(one.names and other.names and one.names != other.names)


def _verbs_agree(one: Wording, other: Wording) -> bool:
    """Whether the helping verbs stand in the same place, or where "tell me …" puts them.

    Behind "tell me" a degree cannot be told from a property: "how long service is rewarded" asks either.
    """
    if one.indirect == other.indirect:
        return one.at == other.at
    direct = other if one.indirect else one
    ambiguous = direct.words[:1] == ("how",) and direct.at == 1 and direct.words[1:2] != ("can",)
    return not ambiguous or direct.words[1:2] not in {("long",), ("much",), ("many",), ("far",), ("often",)}
