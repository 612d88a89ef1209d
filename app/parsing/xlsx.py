"""XLSX: every visible sheet is a heading and a table."""

import datetime
import io
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from app.kit.blocks import ParsedDocument
from app.parsing.archives import check_archive
from app.parsing.builder import TextBuilder
from app.parsing.errors import DamagedDocument, DocumentTooComplex, PasswordNeeded
from app.parsing.grids import rectangle
from app.parsing.limits import ParseLimits, Progress
from app.parsing.sheet_bounds import ROOM, check_sheets

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0"
_EXACT_BELOW = 1e15
"""Spreadsheets show fifteen digits; what a float says beyond them is noise."""

Value = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta
Grid = list[list[str]]


def parse_xlsx(path: Path, limits: ParseLimits, on_progress: Progress) -> ParsedDocument:
    """The sheets of a workbook, without hidden ones, empty ones and charts; formulas count as their last results.

    Raises PasswordNeeded, DamagedDocument or DocumentTooComplex.
    """
    body = path.read_bytes()
    if body.startswith(_COMPOUND_FILE):
        raise PasswordNeeded("The document is protected by a password. Remove the protection and try again.")
    check_sheets(path, check_archive(path, limits), limits)
    builder = TextBuilder(limits)
    with _damage_named():
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        names = _visible(book)
    if len(names) > limits.max_pages:
        raise DocumentTooComplex(f"The document has more than {limits.max_pages:,} sheets. Split it and try again.")
    for number, name in enumerate(names, start=1):
        with _damage_named():
            rows = _rows(book.get_sheet_by_name(name), limits)
        _append(builder, name, rows)
        on_progress(number, len(names))
    return builder.build()


@contextmanager
def _damage_named() -> Generator[None]:
    """What the reader trips over, as our word for it: its errors, and the panics of the language that it is made in."""
    try:
        yield
    except BaseException as fault:
        # A panic is a class that cannot be imported and that derives from nothing narrower.
        if isinstance(fault, CalamineError) or type(fault).__name__ == "PanicException":
            raise DamagedDocument("The document is damaged: it is not a complete Excel file.") from fault
        raise


def _visible(book: CalamineWorkbook) -> list[str]:
    return [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]


def _rows(sheet: CalamineSheet, limits: ParseLimits) -> Grid:
    """The sheet from its first to its last value, with merged cells repeated."""
    if sheet.start is None:
        return []
    # The reader begins at the first column that is used, but always at the first row.
    rows = [[_text(value) for value in row] for row in islice(sheet.iter_rows(), sheet.start[0], None)]
    _repeat_merged(rows, sheet, limits)
    return rows


def _repeat_merged(rows: Grid, sheet: CalamineSheet, limits: ParseLimits) -> None:
    """Writes a merged cell's text into each place it covers, in the rows that have something else to say.

    A row that holds only the merged text, such as a title over the whole table, keeps it once.
    """
    first_row, first_column = sheet.start or (0, 0)
    height, width = len(rows), len(rows[0]) if rows else 0
    filled = [sum(bool(text) for text in row) for row in rows]
    left = ROOM * limits.max_table_cells
    for first, last in sheet.merged_cell_ranges or []:
        top, start = first[0] - first_row, first[1] - first_column
        bottom, end = min(last[0] - first_row + 1, height), min(last[1] - first_column + 1, width)
        if top < 0 or start < 0 or top >= bottom or start >= end or not rows[top][start]:
            continue
        left -= (bottom - top) * (end - start)
        if left < 0:
            raise DocumentTooComplex("A sheet has too many merged cells. Split it and try again.")
        for row in range(top, bottom):
            if filled[row] > (row == top):
                rows[row][start:end] = [rows[top][start]] * (end - start)


def _append(builder: TextBuilder, name: str, rows: Grid) -> None:
    """The sheet's name, the lines of text above its table, and the table, its first row as the header."""
    kept = [row for row in rows if any(row)]
    if not kept:
        return
    builder.heading(name, 1)
    filled = rectangle(kept)
    titles = 0
    while len(filled[0]) > 1 and titles < len(filled) and sum(bool(text) for text in filled[titles]) == 1:
        builder.paragraph(next(text for text in filled[titles] if text))
        titles += 1
    table = rectangle(filled[titles:])
    builder.table(table, 1 if len(table) > 1 else 0)


def _text(value: Value) -> str:
    """A value as people write it, dates and times by ISO 8601 with a space between them."""
    match value:
        case str():
            return value.strip()
        case bool():
            return str(value).upper()
        case int() | float():
            return _number(value)
        case datetime.datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return _duration(value)


def _number(value: float) -> str:
    if abs(value) < _EXACT_BELOW and value == int(value):
        return str(int(value))
    shown = format(value, ".15g")
    return format(Decimal(shown), "f") if 1e-7 < abs(value) < 1e21 else shown


def _duration(value: datetime.timedelta) -> str:
    """Hours beyond a day go on counting, as in ``26:30:00``."""
    seconds = round(value.total_seconds())
    minutes, rest = divmod(abs(seconds), 60)
    return f"{'-' if seconds < 0 else ''}{minutes // 60}:{minutes % 60:02}:{rest:02}"
