"""Putting a document's text together, so that every block knows its exact place from the start."""

from collections.abc import Sequence
from dataclasses import replace

from app.kit.blocks import Block, BlockKind, ParsedDocument
from app.parsing.errors import DocumentTooComplex
from app.parsing.limits import ParseLimits
from app.parsing.normalise import clean_code, clean_line, clean_prose
from app.parsing.render import Item, render_cell, render_list, render_row

GAP = "\n\n"
MAX_HEADING_CHARS = 300
"""A longer "heading" is a paragraph that someone made large."""


class TextBuilder:
    """Appends blocks to a growing text. Each piece is normalised before it gets its offsets; empty ones vanish."""

    def __init__(self, limits: ParseLimits) -> None:
        self._limits = limits
        self._pieces: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._headings: list[tuple[int, str]] = []
        self._page_starts: list[int] = []
        self._cells = 0
        self.warnings: list[str] = []

    @property
    def last_kind(self) -> BlockKind | None:
        """What the last block is, ``None`` at the beginning."""
        return self._blocks[-1].kind if self._blocks else None

    @property
    def last_length(self) -> int:
        """How long the last block is."""
        return self._blocks[-1].end - self._blocks[-1].start if self._blocks else 0

    def ends_with(self, ending: str) -> bool:
        """Whether the text so far ends like this."""
        return bool(self._pieces) and self._pieces[-1].endswith(ending)

    def begin_page(self) -> None:
        """What follows is on the next page; the first call begins page 1."""
        self._page_starts.append(self._length + len(GAP) if self._length else 0)
        if len(self._page_starts) > self._limits.max_pages:
            raise DocumentTooComplex(
                f"The document has more than {self._limits.max_pages} pages. Split it and try again."
            )

    def heading(self, text: str, level: int) -> None:
        """A heading of depth 1 to 6; it stands above everything until one of its own or a smaller depth."""
        text = clean_line(text)
        if len(text) > MAX_HEADING_CHARS:
            self.paragraph(text)
            return
        if not text:
            return
        level = min(max(level, 1), 6)
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._append(BlockKind.HEADING, text, level=level)
        self._headings.append((level, text))

    def paragraph(self, text: str) -> None:
        """Prose; its line ends are kept, so a format that wraps lines joins them first."""
        self._append(BlockKind.PARAGRAPH, clean_prose(text))

    def code(self, text: str) -> None:
        """Code or other text whose layout matters."""
        self._append(BlockKind.CODE, clean_code(text))

    def list(self, items: Sequence[Item]) -> None:
        """A list, one line per entry, nested entries indented by two spaces."""
        self._append(BlockKind.LIST, render_list(items))

    def table(self, rows: Sequence[Sequence[str]], header_rows: int) -> None:
        """A table as one line per row, ``| a | b |``, the header rows first; rows without any text are left out.

        Cells longer than the limit are cut with a warning. Raises DocumentTooComplex for more cells than allowed.
        """
        lines = [self._row(row) for row in rows]
        kept_headers = sum(bool(line) for line in lines[:header_rows])
        kept = [line for line in lines if line]
        if kept:
            start = self._open_gap()
            self._append_rows(
                Block(BlockKind.TABLE, start, start, self._page, self._path, header_rows=kept_headers), kept
            )

    def continue_table(self, rows: Sequence[Sequence[str]]) -> None:
        """More rows of the last block, which must be a table: one that runs on over a page break."""
        kept = [line for line in map(self._row, rows) if line]
        if kept:
            table = self._blocks.pop()
            self._pieces.append("\n")
            self._begin_page_at(table.end + 1)
            self._append_rows(table, kept)

    def continue_paragraph(self, text: str, *, joint: str) -> None:
        """More of the last block, which must be a paragraph: prose that runs on over a page break.

        ``joint`` stands between the two parts; where it is empty and the text so far ends with a hyphen, that goes.
        """
        more = clean_prose(text)
        if not more:
            return
        last = self._blocks[-1]
        before = self._pieces[-1]
        if joint == "" and before.endswith("-"):
            before = before[:-1]
        self._pieces[-1] = before + joint + more
        end = last.start + len(self._pieces[-1])
        self._begin_page_at(end - len(more))
        self._blocks[-1] = replace(last, end=end)
        self._set_length(end)

    def build(
        self,
        *,
        title: str | None = None,
        metadata: dict[str, str] | None = None,
        pages_without_text: Sequence[int] = (),
    ) -> ParsedDocument:
        """The finished document. The title falls back to the first heading of the highest rank used."""
        return ParsedDocument(
            text="".join(self._pieces),
            blocks=tuple(self._blocks),
            title=(clean_line(title)[:MAX_HEADING_CHARS] if title else "") or self._first_heading(),
            page_starts=tuple(min(start, self._length) for start in self._page_starts),
            pages_without_text=tuple(pages_without_text),
            warnings=tuple(self.warnings),
            metadata={clean_line(key): clean_prose(value) for key, value in (metadata or {}).items() if value.strip()},
        )

    def _first_heading(self) -> str | None:
        headings = [block for block in self._blocks if block.kind is BlockKind.HEADING]
        if not headings:
            return None
        top = min(headings, key=lambda block: block.level)
        return "".join(self._pieces)[top.start : top.end]

    def _append(self, kind: BlockKind, text: str, *, level: int = 0) -> None:
        if not text:
            return
        start = self._open_gap()
        self._pieces.append(text)
        self._set_length(start + len(text))
        self._blocks.append(Block(kind, start, self._length, self._page, self._path, level))

    def _append_rows(self, table: Block, lines: Sequence[str]) -> None:
        """The table with more rows, the first of them where the text now ends."""
        at = table.end + 1 if table.rows else table.start
        rows: list[tuple[int, int]] = []
        for line in lines:
            rows.append((at, at + len(line)))
            at += len(line) + 1
        self._pieces.append("\n".join(lines))
        self._set_length(at - 1)
        self._blocks.append(replace(table, end=at - 1, rows=table.rows + tuple(rows)))

    def _begin_page_at(self, offset: int) -> None:
        """A page that has just begun begins inside the block that runs on over its border."""
        if self._page_starts and self._page_starts[-1] == self._length + len(GAP):
            self._page_starts[-1] = offset

    def _row(self, row: Sequence[str]) -> str:
        """A line for the row, empty where all its cells are."""
        self._count_cells(len(row))
        cells = [self._cell(cell) for cell in row]
        return render_row(cells) if any(cells) else ""

    def _open_gap(self) -> int:
        if self._pieces:
            self._pieces.append(GAP)
            return self._length + len(GAP)
        return 0

    def _set_length(self, length: int) -> None:
        self._length = length
        if length > self._limits.max_chars:
            raise DocumentTooComplex(
                f"The document holds more than {self._limits.max_chars:,} characters of text. Split it and try again."
            )

    def _cell(self, text: str) -> str:
        cell = render_cell(text)
        if len(cell) <= self._limits.max_cell_chars:
            return cell
        self.warn(f"A table cell was longer than {self._limits.max_cell_chars:,} characters and was cut.")
        return cell[: self._limits.max_cell_chars].rstrip()

    def _count_cells(self, count: int) -> None:
        self._cells += count
        if self._cells > self._limits.max_table_cells or count > self._limits.max_table_columns:
            raise DocumentTooComplex("The document's tables have too many cells. Split it and try again.")

    def warn(self, sentence: str) -> None:
        """Notes something that a person should know about the result, once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    @property
    def _page(self) -> int | None:
        return len(self._page_starts) or None

    @property
    def _path(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._headings)
