"""Word tables as rectangles, merged cells repeated."""

from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from app.parsing.docx.names import w
from app.parsing.errors import DocumentTooComplex
from app.parsing.grids import guess_header_rows, rectangle
from app.parsing.limits import ParseLimits

_CONTAINERS = frozenset({w("sdt"), w("sdtContent"), w("ins"), w("moveTo"), w("customXml"), w("smartTag")})


def children_in(parent: Element, name: str) -> Iterator[Element]:
    """The children of a name, those in containers (content controls, tracked insertions) included."""
    for node in parent:
        if node.tag == w(name):
            yield node
        elif node.tag in _CONTAINERS:
            yield from children_in(node, name)


def read_table(table: Element, text_of: Callable[[Element], str], limits: ParseLimits) -> tuple[list[list[str]], int]:
    """The rows of a table and how many of them are headers; ``text_of`` reads a cell."""
    rows: list[list[str]] = []
    marked, total = 0, 0
    for row in children_in(table, "tr"):
        cells = _row(row, rows[-1] if rows else [], text_of, limits)
        total += len(cells)
        if total > limits.max_table_cells:
            raise DocumentTooComplex("A table in the document has too many cells. Split it and try again.")
        if len(rows) == marked and row.find(f"{w('trPr')}/{w('tblHeader')}") is not None:
            marked += 1
        rows.append(cells)
    filled = rectangle(rows)
    return filled, marked if 0 < marked < len(filled) else guess_header_rows(filled)


def _row(row: Element, above: list[str], text_of: Callable[[Element], str], limits: ParseLimits) -> list[str]:
    cells: list[str] = []
    for cell in children_in(row, "tc"):
        properties = cell.find(w("tcPr"))
        merge = properties.find(w("vMerge")) if properties is not None else None
        if merge is not None and (merge.get(w("val")) or "continue") == "continue" and len(cells) < len(above):
            text = above[len(cells)]
        else:
            text = text_of(cell)
        cells.extend([text] * _columns(properties, limits))
    return cells


def _columns(properties: Element | None, limits: ParseLimits) -> int:
    span = properties.find(w("gridSpan")) if properties is not None else None
    value = span.get(w("val")) if span is not None else None
    if value is None or not value.isdecimal():
        return 1
    return min(max(1, int(value[:6])), limits.max_table_columns)
