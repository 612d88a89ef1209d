"""Ruled tables: strokes to cells by pdfplumber's geometry, cell texts by PDFium.

pdfplumber reads a page by pdfminer first, which takes fifty times as long as PDFium and keeps what it read. Its search
for cells needs only the strokes, and PDFium knows those.
"""

from collections.abc import Sequence
from itertools import pairwise

# pdfplumber's geometry takes and gives plain dictionaries and tuples.
from pdfplumber.table import cells_to_tables, edges_to_intersections, intersections_to_cells, merge_edges

from app.parsing.pdf.content import Box, Edge, Table
from app.parsing.pdf.pdfium import Page

TOLERANCE = 3
"""Points within which strokes count as one or as meeting: pdfplumber's own default."""

MAX_CROSSINGS = 3_000
"""Looking for cells takes time in the square of these; a page of sixty rows by twenty columns has 1,281."""

MAX_PAIRS = 250_000
"""Of upright and level strokes, each of which is compared with each."""

MAX_EDGES = 20_000
INSET = 1.5
"""Points by which a cell is shrunk, so that a letter that touches its border is not read in the next one too."""


def find_tables(page: Page) -> list[Table]:
    """The page's ruled tables of at least two rows and two columns that hold text, from top to bottom."""
    edges = _merged(page.edges(MAX_EDGES))
    upright = sum(edge["orientation"] == "v" for edge in edges)
    if upright * (len(edges) - upright) > MAX_PAIRS:
        return []
    crossings = edges_to_intersections(edges, TOLERANCE, TOLERANCE)
    if not 4 <= len(crossings) <= MAX_CROSSINGS:
        return []
    cells = [_upright(cell) for cell in intersections_to_cells(crossings)]
    tables = [_table(page, group) for group in _grouped(cells)]
    return [table for table in tables if table is not None]


def _merged(edges: Sequence[Edge]) -> list[dict[str, str | float]]:
    """The strokes as pdfplumber writes them (y grows downwards there), near ones snapped and joined."""
    flipped: list[dict[str, str | float]] = [
        {
            "x0": edge.left,
            "x1": edge.right,
            "top": -edge.top,
            "bottom": -edge.bottom,
            "width": edge.right - edge.left,
            "height": edge.top - edge.bottom,
            "orientation": "h" if edge.right - edge.left > edge.top - edge.bottom else "v",
        }
        for edge in edges
    ]
    if not flipped:
        return []
    merged = merge_edges(flipped, TOLERANCE, TOLERANCE, TOLERANCE, TOLERANCE)
    return [
        edge for edge in merged if edge["x1"] - edge["x0"] >= TOLERANCE or edge["bottom"] - edge["top"] >= TOLERANCE
    ]


def _upright(cell: tuple[float, float, float, float]) -> Box:
    left, top, right, bottom = (float(side) for side in cell)
    return left, -bottom, right, -top


def _grouped(cells: Sequence[Box]) -> list[list[Box]]:
    """Cells that touch at corners belong to one table."""
    flipped = [(left, -top, right, -bottom) for left, bottom, right, top in cells]
    return [[_upright(cell) for cell in group] for group in cells_to_tables(flipped)]


def _table(page: Page, cells: Sequence[Box]) -> Table | None:
    """The cells as a rectangle of texts, a cell that spans several places repeated in each."""
    columns = _middles([side for left, _, right, _ in cells for side in (left, right)])
    rows = _middles([side for _, bottom, _, top in cells for side in (bottom, top)])[::-1]
    if len(columns) < 2 or len(rows) < 2:
        return None
    texts = {cell: page.text_in(_shrunk(cell)).strip() for cell in cells}
    filled = [tuple(_text_at(texts, x, y) for x in columns) for y in rows]
    kept = [row for row in filled if any(row)]
    if len(kept) < 2 or sum(1 for row in kept for text in row if text) < len(kept) + 1:
        return None
    left, bottom = min(cell[0] for cell in cells), min(cell[1] for cell in cells)
    return Table((left, bottom, max(cell[2] for cell in cells), max(cell[3] for cell in cells)), tuple(kept))


def _middles(sides: Sequence[float]) -> list[float]:
    """The middles between neighbouring sides, sides within the tolerance taken as one."""
    distinct: list[float] = []
    for side in sorted(sides):
        if not distinct or side - distinct[-1] > TOLERANCE:
            distinct.append(side)
    return [(low + high) / 2 for low, high in pairwise(distinct)]


def _text_at(texts: dict[Box, str], x: float, y: float) -> str:
    for (left, bottom, right, top), text in texts.items():
        if left <= x <= right and bottom <= y <= top:
            return text
    return ""


def _shrunk(cell: Box) -> Box:
    left, bottom, right, top = cell
    across, along = min(INSET, (right - left) / 4), min(INSET, (top - bottom) / 4)
    return left + across, bottom + along, right - across, top - along
