"""Tables that run on over page breaks: one table with one header, however many pages it takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.parsing.grids import rectangle
from app.parsing.pdf.content import Line, PageContent, Table

SAME_PLACE = 6.0
"""Points by which the sides of two parts of a table may differ."""


@dataclass(frozen=True, slots=True)
class TablePart:
    """What a page holds of a table; ``continues`` where the header stands on a page before."""

    rows: Sequence[Sequence[str]]
    continues: bool = False


def table_parts(pages: Sequence[PageContent], running: Sequence[frozenset[int]]) -> list[dict[Table, TablePart]]:
    """Per page, the rows of each of its tables.

    A table that ends a page goes on in one that begins the next between the same sides with as many columns; a header
    that is printed again there is left out. Columns that are empty in all parts vanish.
    """
    found: list[dict[Table, TablePart]] = []
    chain: list[tuple[dict[Table, TablePart], Table]] = []
    for page, furniture in zip(pages, running, strict=True):
        lines = [line for index, line in enumerate(page.lines) if index not in furniture]
        parts = {table: TablePart(rectangle(table.rows)) for table in page.tables}
        first = next((table for table in page.tables if _is_outermost(lines, page.tables, table, above=True)), None)
        if not (chain and first is not None and _same_columns(chain[-1][1], first)):
            _finish(chain)
            chain = []
        last = next((table for table in page.tables if _is_outermost(lines, page.tables, table, above=False)), None)
        if chain and first is not None:
            chain.append((parts, first))
        if last is not None and (last != first or not chain):
            _finish(chain)
            chain = [(parts, last)]
        elif last is None:
            _finish(chain)
            chain = []
        found.append(parts)
    _finish(chain)
    return found


def _finish(chain: Sequence[tuple[dict[Table, TablePart], Table]]) -> None:
    """Writes the parts of one table where their pages will look for them."""
    if len(chain) < 2:
        return
    header = chain[0][1].rows[0]
    kept = [
        table.rows if not number or table.rows[0] != header else table.rows[1:]
        for number, (_, table) in enumerate(chain)
    ]
    filled = rectangle([row for rows in kept for row in rows])
    at = 0
    for number, ((parts, table), rows) in enumerate(zip(chain, kept, strict=True)):
        parts[table] = TablePart(filled[at : at + len(rows)], continues=number > 0)
        at += len(rows)


def _is_outermost(lines: Sequence[Line], tables: Sequence[Table], table: Table, *, above: bool) -> bool:
    """Whether nothing but furniture stands above (or below) the table on its page."""
    _, bottom, _, top = table.box
    if above:
        return all(line.middle[1] <= top for line in lines) and all(other.box[3] <= top for other in tables)
    return all(line.middle[1] >= bottom for line in lines) and all(other.box[1] >= bottom for other in tables)


def _same_columns(one: Table, other: Table) -> bool:
    sides = ((one.box[0], other.box[0]), (one.box[2], other.box[2]))
    return len(one.rows[0]) == len(other.rows[0]) and all(abs(a - b) <= SAME_PLACE for a, b in sides)
