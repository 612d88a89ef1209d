"""Where sentences begin and end: rules, no model, the same answer every time.

A stop ends a sentence when white space follows and nothing speaks against it: an abbreviation or initial before it, a
small letter after it, a number being counted (``No. 5``). Ideographic stops need no white space. A blank line, a list
marker or a table row at the start of a line always begins a new one.
"""

import re

# Each has an alternative per kind of border, so that one pass finds them all in order.
_BORDER = re.compile(
    r"(?<![.!?…؟।‼-⁉])(?P<stop>[.!?…؟।‼-⁉]++)[\"'”’»›)\]}*_`]*(?=\s)"
    r"|(?P<wide>[。！？｡]+[」』”’）〉》】\"')]*)"
    r"|(?P<line>\n(?:[ \t]*\n|(?=[ \t]*(?:[-*+•‣◦▪–—]|\d{1,3}[.)]|[a-zA-Z][.)]|#{1,6}|\|)[ \t])))"
)
_LAST_WORD = re.compile(r"[^\s(\[{\"'“‘«]+$")
_NEXT = re.compile(r"\s+[\"'“‘«(\[{*_`]*+(\w+|\S)")
_MARKER_BEFORE = re.compile(r"(?:^|\n)[ \t]*(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4})$")

_PLACES = frozenset({"u.s", "u.k", "u.n", "e.u", "u.s.a", "d.c"})
# Never the end of a sentence: something always follows them.
_TITLES = frozenset(
    "mr mrs ms mx dr prof rev hon sr jr st gen col maj capt lt sgt cmdr adm gov sen rep pres messrs mmes hr fr nr bzw "
    "vs cf viz e.g i.e eg ie al fig figs eq eqs sec sect ch chap vol pp ed eds art para ref refs tab approx ca "
    "z.b d.h u.a m.e mme mlle".split()
)
# Words that open sentences far more often than they follow an initial or the name of a country.
_OPENERS = frozenset(
    "A An And As At But For He How However I If In It Its She So That The Their There These They This Those To We What "
    "When Where Who Why You Yet".split()
)
# Often the end of one: only a small letter, a digit or a comma after them says otherwise.
_SHORTENED = frozenset(
    "etc no nos inc ltd co corp llc plc dept univ est min max avg ext tel jan feb mar apr jun jul aug sep sept oct nov "
    "dec mon tue wed thu fri sat sun a.m p.m ph.d b.a m.a usw usf bros ave blvd rd mt ft oz lb lbs".split()
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """The sentences of ``text`` as half-open spans of code points, in order.

    Spans neither overlap nor hold white space at their ends, and everything but white space lies in one of them.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for found in _BORDER.finditer(text):
        end = found.end()
        if found["line"] is None and found["stop"] is not None and not _ends(text, found.start("stop"), found):
            continue
        _append(spans, text, start, end)
        start = end
    _append(spans, text, start, len(text))
    return spans


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))


def _ends(text: str, stop: int, found: re.Match[str]) -> bool:
    """Whether the stop at ``stop`` ends a sentence, judged by the words before and after it."""
    after = _NEXT.match(text, found.end())
    follower = after[1] if after else ""
    if follower[:1].islower():
        return False
    if found["stop"] != ".":
        return True
    before = _LAST_WORD.search(text, max(0, stop - 40), stop)
    return follower not in {",", ";", ":", ")"} and not _is_open(text, stop, before[0] if before else "", follower)


def _is_open(text: str, stop: int, word: str, follower: str) -> bool:
    """Whether ``word`` is something that a stop follows without ending the sentence."""
    lowered = word.lower()
    if len(word) <= 4 and word and _MARKER_BEFORE.search(text, max(0, stop - 12), stop):
        return True
    if (len(word) == 1 and word.isalpha() and word.isascii()) or lowered in _PLACES:
        return follower not in _OPENERS
    if lowered in _SHORTENED:
        return follower[:1].isdigit()
    return lowered in _TITLES
