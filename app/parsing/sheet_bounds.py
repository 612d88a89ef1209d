"""How far the sheets of a workbook reach, measured before a reader makes room for them.

A reader lays a sheet out as a rectangle from its first to its last value. Two values in opposite corners are a file of
a few hundred bytes and a rectangle of seventeen billion cells.
"""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.parsers.expat import ExpatError, ParserCreate

from app.parsing.errors import DamagedDocument, DocumentTooComplex
from app.parsing.limits import ParseLimits

ROOM = 4
"""How many times more cells than values a sheet may span, as those in between are empty and go away."""

_CHUNK_BYTES = 1 << 20
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_VALUES = frozenset({"v", "is"})
_SHEETS = frozenset({"", "worksheet"})
"""What a part may begin with that needs a look at its rest; the empty name stands for "not seen yet"."""


def check_sheets(path: Path, names: list[str], limits: ParseLimits) -> None:
    """Raises DocumentTooComplex for a sheet with too many values or too wide a spread, DamagedDocument for bad XML."""
    with zipfile.ZipFile(path) as archive:
        for name in names:
            if name.lower().endswith(".xml"):
                _check_part(archive, name, limits)


def _check_part(archive: zipfile.ZipFile, name: str, limits: ParseLimits) -> None:
    bounds = _Bounds(limits)
    parser = ParserCreate()
    parser.StartElementHandler = bounds.start
    try:
        with archive.open(name) as part:
            while chunk := part.read(_CHUNK_BYTES):
                parser.Parse(chunk, False)
                if bounds.root not in _SHEETS:
                    return
            parser.Parse(b"", True)
    except (ExpatError, LookupError, ValueError) as fault:
        # Encodings that are unknown or too wide have errors of their own. Other parts are for the reader to judge.
        if bounds.root in _SHEETS:
            raise DamagedDocument("The document is damaged: one of its sheets is not readable XML.") from fault


@dataclass(slots=True)
class _Bounds:
    """Follows the cells of one sheet (ECMA-376, part 1, 18.3.1); a cell without a reference follows the one before."""

    limits: ParseLimits
    root: str = ""
    row: int = 0
    column: int = 0
    values: int = 0
    top: int = 1 << 30
    bottom: int = 0
    left: int = 1 << 30
    right: int = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        local = name.rpartition(":")[2]
        self.root = self.root or local
        if local == "c":
            self._move(attributes.get("r"))
        elif local in _VALUES:
            self._count()
        elif local == "row":
            given = attributes.get("r", "")
            self.row = int(given[:8]) if given.isdecimal() else self.row + 1
            self.column = 0

    def _move(self, reference: str | None) -> None:
        found = _REFERENCE.fullmatch(reference or "")
        if found is None:
            self.column += 1
        else:
            self.row, self.column = int(found[2]), _number(found[1])

    def _count(self) -> None:
        self.values += 1
        self.top, self.bottom = min(self.top, self.row), max(self.bottom, self.row)
        self.left, self.right = min(self.left, self.column), max(self.right, self.column)
        if self.values > self.limits.max_table_cells:
            raise DocumentTooComplex("A sheet has too many cells. Split it and try again.")
        if (self.bottom - self.top + 1) * (self.right - self.left + 1) > ROOM * self.limits.max_table_cells:
            raise DocumentTooComplex("The cells of a sheet lie too far apart. Move them together and try again.")


def _number(letters: str) -> int:
    """The number of a column: A is 1, Z 26, AA 27."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number
