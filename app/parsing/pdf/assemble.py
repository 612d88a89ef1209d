"""From the contents of all pages to one document."""

from collections.abc import Iterator, Sequence

from app.kit.blocks import BlockKind
from app.parsing.builder import TextBuilder
from app.parsing.grids import guess_header_rows
from app.parsing.pdf.chains import TablePart, table_parts
from app.parsing.pdf.content import Line, PageContent, Table
from app.parsing.pdf.furniture import running_lines
from app.parsing.pdf.headings import Outline, Sizes
from app.parsing.pdf.hyphens import hyphenated_words, join_lines
from app.parsing.pdf.paragraphs import Kind, Run, bullet_of, runs
from app.parsing.render import Item

OPEN_ENDS = '.!?:;…。！？"”)'
MAX_OPEN_CHARS = 10_000
"""A paragraph longer than this is not carried on: text that never ends a sentence would be copied on every page."""

CODE_CHAR_WIDTH = 0.6
"""A typewriter letter's width as a share of its font's size, as in Courier."""


class Assembler:
    """Appends pages to a builder, with what has to be known about the whole document."""

    def __init__(self, builder: TextBuilder, pages: Sequence[PageContent], outline: Outline) -> None:
        self._builder = builder
        self._pages = pages
        self._outline = outline
        self._sizes = Sizes(pages)
        self._running = running_lines(pages)
        self._hyphenated = hyphenated_words(line.text for page in pages for line in page.lines)
        self._tables = table_parts(pages, self._running)
        self._items: list[Item] = []

    def append(self, number: int) -> None:
        """Page ``number``, counted from 0."""
        self._builder.begin_page()
        page = self._pages[number]
        is_first = True
        for part in self._parts(page, self._running[number]):
            if isinstance(part, Table):
                self._table(self._tables[number][part])
            else:
                for run in runs(part, self._sizes.body):
                    self._run(run, number, is_first=is_first)
                    is_first = False
            is_first = False
        self._end_list()

    def _parts(self, page: PageContent, running: frozenset[int]) -> Iterator[list[Line] | Table]:
        """Lines and tables in reading order: a table stands where the first of its lines stood."""
        waiting = list(page.tables)
        lines: list[Line] = []
        for index, line in enumerate(page.lines):
            table = next((one for one in page.tables if _inside(line, one)), None)
            if table is None:
                if index not in running:
                    lines.append(line)
            elif table in waiting:
                waiting.remove(table)
                if lines:
                    yield lines
                yield table
                lines = []
        if lines:
            yield lines
        yield from waiting

    def _table(self, part: TablePart) -> None:
        self._end_list()
        if part.continues and self._builder.last_kind is BlockKind.TABLE:
            self._builder.continue_table(part.rows)
        else:
            self._builder.table(part.rows, guess_header_rows(part.rows))

    def _run(self, run: Run, number: int, *, is_first: bool) -> None:
        text = join_lines([line.text for line in run.lines], self._hyphenated)
        level = self._level(run, text, number)
        if level:
            self._end_list()
            self._builder.heading(text, level)
        elif run.kind is Kind.CODE:
            self._end_list()
            self._builder.code(_listing(run.lines))
        elif run.kind is Kind.ITEM:
            marker, rest = bullet_of(text)
            self._items.append(Item(rest, 0, marker))
        elif is_first and self._continues(text):
            self._builder.continue_paragraph(text, joint="" if self._builder.ends_with("-") else " ")
        else:
            self._end_list()
            self._builder.paragraph(text)

    def _level(self, run: Run, text: str, number: int) -> int:
        if self._outline:
            return self._outline.level_of(text, number) if len(run.lines) <= 3 else 0
        return self._sizes.level_of(run.lines[0]) if run.kind is Kind.LARGE and len(run.lines) <= 3 else 0

    def _continues(self, text: str) -> bool:
        """Whether a page's first paragraph carries on the last one of the page before."""
        if self._builder.last_kind is not BlockKind.PARAGRAPH or not text[:1].islower():
            return False
        if self._builder.last_length > MAX_OPEN_CHARS:
            return False
        return not any(self._builder.ends_with(end) for end in OPEN_ENDS)

    def _end_list(self) -> None:
        if self._items:
            self._builder.list(self._items)
            self._items = []


def _inside(line: Line, table: Table) -> bool:
    left, bottom, right, top = table.box
    x, y = line.middle
    return left <= x <= right and bottom <= y <= top


def _listing(lines: Sequence[Line]) -> str:
    """Lines of a listing with their indentation, which PDF keeps only as positions."""
    outer = min(line.left for line in lines)
    return "\n".join(" " * round((line.left - outer) / (CODE_CHAR_WIDTH * line.height)) + line.text for line in lines)
