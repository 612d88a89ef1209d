"""From a Word file's body to blocks."""

from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element

from app.kit.blocks import ParsedDocument
from app.parsing.builder import TextBuilder
from app.parsing.docx.names import w
from app.parsing.docx.package import Package, open_package
from app.parsing.docx.styles import Styles
from app.parsing.docx.tables import children_in, read_table
from app.parsing.docx.text import NoteKey, NoteNumbers, read_paragraph
from app.parsing.limits import ParseLimits, Progress
from app.parsing.render import Item

_TRANSPARENT = frozenset(w(name) for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"))


def parse_docx(path: Path, limits: ParseLimits, on_progress: Progress) -> ParsedDocument:
    """The document in a Word file: headings, lists, tables, notes and text boxes; tracked changes count as accepted.

    Raises PasswordNeeded, DamagedDocument or DocumentTooComplex.
    """
    package = open_package(path, limits)
    builder = TextBuilder(limits)
    walker = _Walker(builder, package, limits)
    walker.walk(package.body)
    on_progress(1, 1)
    metadata = {"author": package.author} if package.author not in {"", "python-docx"} else {}
    return builder.build(title=package.title or walker.title, metadata=metadata)


class _Walker:
    """Hands blocks to a builder in the order of the body, gathering list entries and lines of code."""

    def __init__(self, builder: TextBuilder, package: Package, limits: ParseLimits) -> None:
        self._builder = builder
        self._notes = dict(package.notes)
        self._limits = limits
        self._styles = Styles(package.styles, package.numbering)
        self._items: list[Item] = []
        self._code: list[str] = []
        self._numbers: Counter[tuple[str, int]] = Counter()
        self._note_numbers: NoteNumbers = {}
        self._open_notes: list[NoteKey] = []
        self.title: str | None = None

    def walk(self, parent: Element) -> None:
        """Everything in a body, a cell or a text box."""
        self._children(parent)
        self._interrupt()

    def _children(self, parent: Element) -> None:
        for node in parent:
            if node.tag == w("p"):
                self._paragraph(node)
            elif node.tag == w("tbl"):
                self._table(node)
            elif node.tag in _TRANSPARENT:
                self._children(node)

    def _paragraph(self, node: Element) -> None:
        read = read_paragraph(node, self._note_numbers)
        level = self._styles.heading_level(node)
        place = self._styles.list_place(node)
        if not read.text.strip():
            # An empty line inside a listing is part of it; elsewhere it is only space.
            self._code.extend([""] if self._code and self._styles.is_code(node) else [])
        elif level:
            self._heading(node, read.text, level)
        elif self._styles.is_code(node):
            self._end_list()
            self._code.append(read.text)
        elif place is not None:
            self._item(read.text, *place)
        else:
            self._interrupt()
            self._builder.paragraph(read.text)
        self._open_notes.extend(read.notes)
        self._attached(read.boxes)

    def _heading(self, node: Element, text: str, level: int) -> None:
        self._interrupt()
        if self.title is None and self._styles.is_title(node):
            self.title = text
        self._builder.heading(text, level)

    def _item(self, text: str, numbering: str, depth: int) -> None:
        self._end_code()
        self._numbers[numbering, depth] += 1
        for other in [key for key in self._numbers if key[0] == numbering and key[1] > depth]:
            del self._numbers[other]
        marker = "-" if self._styles.is_bullet(numbering, depth) else f"{self._numbers[numbering, depth]}."
        self._items.append(Item(text, depth, marker))

    def _attached(self, boxes: list[Element]) -> None:
        """Notes and text boxes follow the paragraph or the table that they belong to."""
        notes, self._open_notes = self._open_notes, []
        if not notes and not boxes:
            return
        self._interrupt()
        for key in notes:
            note = self._notes.pop(key, None)
            if note is not None:
                self._builder.paragraph(f"[{self._note_numbers[key]}] {self._text_of(note)}")
        for box in boxes:
            self.walk(box)

    def _table(self, node: Element) -> None:
        self._interrupt()
        rows, header_rows = read_table(node, self._text_of, self._limits)
        if len(rows) and len(rows[0]) > 1:
            self._builder.table(rows, header_rows)
            self._attached([])
            return
        self._open_notes.clear()
        # A table of one column is a frame around text.
        for row in children_in(node, "tr"):
            for cell in children_in(row, "tc"):
                self.walk(cell)

    def _text_of(self, parent: Element) -> str:
        """The text of all paragraphs in a cell or a note, nested tables included, on one line."""
        read = [read_paragraph(node, self._note_numbers) for node in parent.iter(w("p"))]
        self._open_notes.extend(key for paragraph in read for key in paragraph.notes)
        return " ".join(paragraph.text for paragraph in read if paragraph.text.strip())

    def _interrupt(self) -> None:
        self._end_list()
        self._end_code()

    def _end_list(self) -> None:
        if self._items:
            self._builder.list(self._items)
            self._items = []

    def _end_code(self) -> None:
        if self._code:
            self._builder.code("\n".join(self._code))
            self._code = []
