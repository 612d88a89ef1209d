"""Plain text: paragraphs by blank lines, lists, underlined titles and indented blocks told from their layout."""

import re
from pathlib import Path

from app.kit.blocks import ParsedDocument
from app.parsing.builder import TextBuilder
from app.parsing.decode import decode
from app.parsing.limits import ParseLimits, Progress
from app.parsing.normalise import clean
from app.parsing.render import Item

WRAPPED_SHARE = 0.6
"""Lines of a wrapped paragraph reach at least this far towards its longest line (the last may be short)."""

MIN_WRAP, MAX_WRAP = 40, 200
"""Nobody wraps lines at fewer or more characters; longer lines are paragraphs that somebody ended."""

_ITEM = re.compile(r"^(\s*)([-*+•‣◦▪–]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+(\S.*)$")
_UNDERLINE = re.compile(r"^([=*#~^\"+-])\1{2,}\s*$")
_NUMBERED = re.compile(
    r"^(?:(?:chapter|part|appendix)\s+\w{1,5}[.:]|(\d{1,2}(?:\.\d{1,2}){1,5})\.?)\s+\S.*[^.,;:]$", re.IGNORECASE
)
_UNDERLINE_LEVELS = {"#": 1, "*": 1, "=": 2, "-": 3, "~": 4, "^": 5, '"': 5, "+": 5}
_BLANK = re.compile(r"\n(?:[ \t]*\n)+")


def parse_text(path: Path, limits: ParseLimits, on_progress: Progress) -> ParsedDocument:
    """The document in a text file of whatever encoding."""
    builder = TextBuilder(limits)
    reader = _Reader(builder)
    for part in _BLANK.split(clean(decode(path.read_bytes())).expandtabs(4)):
        reader.read(part.strip("\n").split("\n"))
    reader.end_list()
    on_progress(1, 1)
    return builder.build(title=None)


class _Reader:
    """Reads the parts between blank lines; entries with blank lines between them are one list."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._items: list[Item] = []

    def read(self, lines: list[str]) -> None:
        """One part, which may begin with a title."""
        titled = _title_lines(lines)
        if titled:
            self.end_list()
            self._builder.heading(lines[0], _level(lines[:titled]))
            lines = lines[titled:]
        if not any(lines):
            return
        if _ITEM.match(lines[0]):
            self._items.extend(_items(lines))
            return
        self.end_list()
        if all(line.startswith("    ") or not line.strip() for line in lines) and _is_drawn(lines):
            self._builder.code("\n".join(lines))
        else:
            self._builder.paragraph((" " if _is_wrapped(lines) else "\n").join(line.strip() for line in lines))

    def end_list(self) -> None:
        """Hands on the entries gathered so far."""
        self._builder.list(self._items)
        self._items.clear()


def _title_lines(lines: list[str]) -> int:
    """How many lines the title takes that the part begins with: two with an underline, one with a number, or none."""
    if len(lines) >= 2 and _UNDERLINE.match(lines[1]) and 0 < len(lines[0].strip()) <= len(lines[1].strip()) + 4:
        return 2
    return 1 if len(lines) == 1 and _NUMBERED.match(lines[0]) and len(lines[0]) <= 100 else 0


def _level(title: list[str]) -> int:
    """By the underline's sign, or by the depth of the number."""
    if len(title) == 2:
        return _UNDERLINE_LEVELS[title[1][0]]
    number = _NUMBERED.match(title[0])
    return 1 if number is None or number[1] is None else number[1].count(".") + 1


def _items(lines: list[str]) -> list[Item]:
    """Entries with their continuation lines joined; indentation by two or more spaces is a step of depth."""
    items: list[Item] = []
    indents: list[int] = []
    for line in lines:
        found = _ITEM.match(line)
        if found is None:
            last = items.pop()
            items.append(Item(f"{last.text} {line.strip()}", last.depth, last.marker))
            continue
        indent = len(found[1])
        while indents and indents[-1] > indent:
            indents.pop()
        if not indents or indents[-1] < indent:
            indents.append(indent)
        items.append(Item(found[3], len(indents) - 1, found[2] if found[2][-1] in ".)" else "-"))
    return items


def _is_wrapped(lines: list[str]) -> bool:
    """Whether the line ends are a text editor's rather than the author's."""
    longest = max(len(line) for line in lines)
    return MIN_WRAP <= longest <= MAX_WRAP and all(len(line) >= WRAPPED_SHARE * longest for line in lines[:-1])


def _is_drawn(lines: list[str]) -> bool:
    """Whether an indented part is code or a drawing: uneven lines, or signs that prose does not hold."""
    joined = "\n".join(lines)
    signs = sum(joined.count(sign) for sign in "{}[]()=<>|_;$#/\\+")
    return signs * 25 > len(joined.replace(" ", "")) or not _is_wrapped([line.strip() for line in lines])
