"""Tables of data as rows of cells; tables that only arrange a page are told apart."""

from selectolax.lexbor import LexborNode

from app.parsing.grids import Cell, expand, guess_header_rows
from app.parsing.html.inline import inline_text
from app.parsing.limits import ParseLimits

MAX_DATA_CHARS = 2_000
"""A table with tables or headings inside and more text than this arranges a page."""

MAX_COLUMN_SPAN = 100
"""Wider spans are slips of the pen, or meant to do harm."""

_PARTS = frozenset({"thead", "tbody", "tfoot"})


def is_layout(table: LexborNode) -> bool:
    """Whether the table arranges a page: it says so, has one cell a row, or holds much text with tables or headings."""
    if table.attributes.get("role") in {"presentation", "none"}:
        return True
    if table.css_first("th") is None and table.css_first("td + td") is None:
        return True
    holds_blocks = table.css_first("td table, td h1, td h2, td h3") is not None
    return holds_blocks and len(table.text(deep=True)) > MAX_DATA_CHARS


def grid(table: LexborNode, limits: ParseLimits) -> tuple[list[list[str]], int, str]:
    """The rows with spans filled in, how many of them are headers, and the caption."""
    caption = table.css_first("caption")
    rows: list[list[Cell]] = []
    headers, still_headers = 0, True
    for row, in_head in _rows(table):
        cells = [cell for cell in row.iter() if cell.tag in {"td", "th"}]
        is_header = in_head or (bool(cells) and all(cell.tag == "th" for cell in cells))
        still_headers = still_headers and is_header
        headers += still_headers
        rows.append([_cell(cell, limits) for cell in cells])
    filled = expand(rows, limits)
    if headers in {0, len(filled)}:
        headers = guess_header_rows(filled)
    return filled, headers, inline_text(caption, limits.max_depth) if caption is not None else ""


def _rows(table: LexborNode) -> list[tuple[LexborNode, bool]]:
    found: list[tuple[LexborNode, bool]] = []
    for part in table.iter():
        if part.tag == "tr":
            found.append((part, False))
        elif part.tag in _PARTS:
            found.extend((row, part.tag == "thead") for row in part.iter() if row.tag == "tr")
    return found


def _cell(node: LexborNode, limits: ParseLimits) -> Cell:
    attributes = node.attributes
    columns = _span(attributes.get("colspan"), MAX_COLUMN_SPAN)
    return Cell(inline_text(node, limits.max_depth), columns, _span(attributes.get("rowspan"), limits.max_table_cells))


def _span(value: str | None, most: int) -> int:
    return min(int(value[:9]), most) if value and value.isdecimal() else 1
