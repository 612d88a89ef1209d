"""A question in its plainest words, so that the same question in other words comes out the same.

The rule is to keep everything and to drop only what never matters: politeness, articles, the "do" that a question
needs, how a thing is spelt. Whatever is not known to be harmless stays and must be equal, in the same order. So a word
nobody thought of, and every language but English, costs a hit and never gives a wrong answer.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from app.chat.cache.lexicon import (
    ARTICLES,
    BEFORE_IS,
    ENGLISH,
    ENGLISH_OPENINGS,
    FRAMES,
    HELPERS,
    IRREGULAR_PLURALS,
    NO_NOUNS,
    NOT_PLURALS,
    QUESTION_OPENINGS,
    REWORDINGS,
    SAME,
    WORDS_OF_CASE,
)

_TOKEN: Final = re.compile(r"(?:(?<!\S)\.)?[^\W_]+(?:[._'/@&:+-]+[^\W_]+)*[+#]*|[^\s\w]|_")
_ENDS: Final = frozenset("?!,;:.…")
_QUOTES: Final = frozenset("\"'‘“”„«»¿¡")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}\b)")
_CONTRACTIONS: Final = (("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'m", "am"), ("'d", "'d"))
_IRREGULAR_NOT: Final = {"can't": "can", "cannot": "can", "won't": "will", "shan't": "shall"}
SHORTEST_PLURAL: Final = 4


@dataclass(frozen=True, slots=True)
class Wording:
    """A question's words in order, and its helping verbs in theirs.

    ``at`` is how many words stand before the first helping verb ("how long is service …", "how is long service …"),
    None without one; ``indirect`` says that it came as "tell me when …", where the verb stands elsewhere. ``names``
    are the words with a capital inside the sentence; none where a person types in lower case throughout.
    """

    words: tuple[str, ...]
    helpers: tuple[str, ...]
    at: int | None
    indirect: bool
    names: frozenset[str]


def wording_of(question: str) -> Wording:
    """Read a question."""
    text = _THOUSANDS.sub("", unicodedata.normalize("NFC", question).replace("’", "'"))
    tokens = _tokens(text)
    if not _is_english(tokens):
        return Wording(tuple(tokens), (), None, indirect=False, names=_names(text))
    direct = _without_frame(tokens)
    one_or_many = direct[:1] and direct[0] in QUESTION_OPENINGS
    words: list[str] = []
    helpers: list[str] = []
    at: int | None = None
    for token in _compounds(_reworded(direct)):
        if token in HELPERS and (HELPERS[token] or at is None):
            at = len(words) if at is None else at
            helpers += [HELPERS[token]] if HELPERS[token] else []
        else:
            word = SAME.get(token, token)
            words.append(_singular(word) if one_or_many else word)
    return Wording(tuple(words), tuple(helpers), at, direct != tokens, _names(text))


def _tokens(text: str) -> list[str]:
    """Lower-case words and signs; contractions written out, and words whose case is their meaning marked."""
    shouted = text.isupper()
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if _is_silent(token, text[match.end() : match.end() + 1]):
            continue
        if token.lower() in WORDS_OF_CASE and token != token.lower() and match.start() and not shouted:
            found.append(f"{token.lower()}^")
        else:
            found += _written_out(token.lower())
    return found


def _is_silent(token: str, following: str) -> bool:
    """Quotation marks always are; a stop or comma at the end of a word is, the one of ``!=`` or ``.5`` is not."""
    if token in _QUOTES:
        return True
    return token in _ENDS and (not following or following.isspace() or following in _ENDS or following in _QUOTES)


def _written_out(token: str) -> list[str]:
    if token in _IRREGULAR_NOT:
        return [_IRREGULAR_NOT[token], "not"]
    if token.endswith("n't"):
        return [token[:-3], "not"]
    for ending, full in _CONTRACTIONS:
        if token.endswith(ending):
            return [token.removesuffix(ending), full]
    if token.endswith("'s"):
        stem = token.removesuffix("'s")
        return [stem, "is"] if stem in BEFORE_IS else [stem, "'s"]  # Elsewhere it is a genitive as a rule.
    return [token]


def _is_english(tokens: Sequence[str]) -> bool:
    return bool(tokens) and (tokens[0] in ENGLISH_OPENINGS or any(token in ENGLISH for token in tokens))


def _without_frame(tokens: Sequence[str]) -> list[str]:
    """Without greetings, thanks and "can you tell me"; a thing that is then merely named is asked for with "what"."""
    text = f" {' '.join(tokens)} "
    for frame, stays in FRAMES:
        text = frame.sub(stays, text)
    left = text.split()
    return ["what", "is", *left] if left != tokens and left and left[0] in ARTICLES else left


def _reworded(tokens: Sequence[str]) -> list[str]:
    text = f" {' '.join(tokens)} "
    for pattern, replacement in REWORDINGS:
        text = pattern.sub(replacement, text)
    return text.split()


def _compounds(tokens: Sequence[str]) -> list[str]:
    """Without articles, and ``days of leave`` as ``leave days``: of single words only, so that nothing else moves.

    A last word is no article, whatever it looks like: "hepatitis a".
    """
    kept = [token for token, following in pairwise([*tokens, ""]) if token not in ARTICLES or not following]
    for at in range(1, len(kept) - 1):
        if kept[at] == "of" and _may_be_noun(kept[at - 1]) and _may_be_noun(kept[at + 1]):
            kept[at - 1 : at + 2] = [kept[at + 1], kept[at - 1], ""]
    return [token for token in kept if token]


def _may_be_noun(token: str) -> bool:
    return token.isalpha() and token not in HELPERS and token not in NO_NOUNS


def _singular(word: str) -> str:
    if word in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[word]
    if len(word) < SHORTEST_PLURAL or word in NOT_PLURALS or not word.isalpha() or not word.endswith("s"):
        return word
    if word.endswith(("ss", "us", "is", "as", "os")):
        return word
    if word.endswith("ies") and len(word) > SHORTEST_PLURAL:
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes", "zes")) else word[:-1]


def _names(text: str) -> frozenset[str]:
    """The words capitalised inside the sentence; the first word always is, and says nothing."""
    if text.isupper():
        return frozenset()
    found = [match.group() for match in _TOKEN.finditer(text) if match.start()]
    return frozenset(token.lower() for token in found if token[0].isupper() and token != "I")
