"""CSV and TSV: one table, the first row as its header."""

import csv
import io
from collections import Counter
from pathlib import Path

from app.kit.blocks import ParsedDocument
from app.parsing.builder import TextBuilder
from app.parsing.decode import decode
from app.parsing.errors import DamagedDocument
from app.parsing.grids import guess_header_rows, rectangle
from app.parsing.limits import ParseLimits, Progress

DELIMITERS = ",;\t|"
SAMPLE_LINES = 50


def parse_delimited(path: Path, limits: ParseLimits, on_progress: Progress) -> ParsedDocument:
    """The table in a file of delimited values.

    Commas, semicolons, tabs and bars are told apart by which of them gives the steadiest rows. Raises DamagedDocument
    for quoting that never ends, DocumentTooComplex for too many cells.
    """
    text = decode(path.read_bytes()).replace("\x00", "")
    csv.field_size_limit(max(limits.max_chars, limits.max_cell_chars))
    builder = TextBuilder(limits)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as fault:
        raise DamagedDocument(f"The table could not be read: {fault}.") from fault
    filled = rectangle([row for row in rows if any(cell.strip() for cell in row)])
    # A file of values almost always names its columns first; only numbers say that it does not.
    has_header = len(filled) > 1 and (len(filled[0]) == 1 or guess_header_rows(filled) == 1)
    builder.table(filled, 1 if has_header else 0)
    on_progress(1, 1)
    return builder.build(title=None)


def _delimiter(text: str) -> str:
    """The delimiter that the most of the first lines hold equally often."""
    lines = [line for line in text[:200_000].splitlines()[:SAMPLE_LINES] if line.strip()]
    best, most = ",", (0, 0)
    for delimiter in DELIMITERS:
        counts = Counter(len(row) - 1 for row in csv.reader(lines, delimiter=delimiter))
        columns, agreeing = max(counts.items(), key=lambda item: (item[0] > 0) * item[1], default=(0, 0))
        if columns > 0 and (agreeing, columns) > most:
            best, most = delimiter, (agreeing, columns)
    return best
