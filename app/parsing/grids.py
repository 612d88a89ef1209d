"""What tables of every format have in common: spans, ragged rows, header rows that nobody marked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.parsing.errors import DocumentTooComplex
from app.parsing.limits import ParseLimits

_NUMBER = re.compile(r"^[\s$€£¥%+(-]*\d[\d\s.,:/%)–-]*[a-zA-Z%°]{0,3}$")
MAX_HEADER_CELL = 80


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that may reach over several columns and rows."""

    text: str
    columns: int = 1
    rows: int = 1


def expand(rows: Sequence[Sequence[Cell]], limits: ParseLimits) -> list[list[str]]:
    """The rows as a rectangle, a spanning cell's text repeated in every place that it covers.

    Repeating keeps each row readable by itself, which is how it will be found. Spans end at the last row.
    """
    grid: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}
    total = 0
    for row in rows:
        line: list[str] = []
        for cell in row:
            _fill_hanging(line, hanging)
            for _ in range(min(max(1, cell.columns), limits.max_table_columns)):
                if cell.rows != 1:
                    # A span of 0 rows means "to the end of the table" in HTML.
                    hanging[len(line)] = (cell.rows - 1 if cell.rows > 0 else len(rows), cell.text)
                line.append(cell.text)
        _fill_hanging(line, hanging)
        total += len(line)
        if len(line) > limits.max_table_columns or total > limits.max_table_cells:
            raise DocumentTooComplex("A table in the document has too many cells. Split it and try again.")
        grid.append(line)
    return rectangle(grid)


def _fill_hanging(line: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    """Continues cells from rows above that reach down to the next free columns."""
    while len(line) in hanging:
        left, text = hanging.pop(len(line))
        if left > 1:
            hanging[len(line)] = (left - 1, text)
        line.append(text)


def rectangle(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows, each as wide as the widest, without columns that are empty throughout."""
    width = max((len(row) for row in rows), default=0)
    used = [any(column < len(row) and row[column].strip() for row in rows) for column in range(width)]
    return [[row[column] if column < len(row) else "" for column in range(width) if used[column]] for row in rows]


def guess_header_rows(rows: Sequence[Sequence[str]]) -> int:
    """1 where the first row looks like names of columns, else 0: short, filled, distinct, no numbers."""
    if len(rows) < 2 or len(rows[0]) < 2:
        return 0
    names = [cell.strip() for cell in rows[0]]
    filled = [name for name in names if name]
    if len(filled) < max(2, len(names) - 1) or any(len(name) > MAX_HEADER_CELL for name in filled):
        return 0
    return 0 if any(_NUMBER.match(name) and not _is_year(name) for name in filled) else 1


def _is_year(name: str) -> bool:
    return len(name) == 4 and name.isdecimal() and "1900" <= name < "2100"
