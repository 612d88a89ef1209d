"""PPTX: every slide is a page; its shapes are read from top to bottom and from left to right."""

import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PythonPptxError
from pptx.package import Package
from pptx.parts.presentation import PresentationPart
from pptx.presentation import Presentation
from pptx.shapes.base import BaseShape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.shapes.group import GroupShape
from pptx.shapes.picture import Picture
from pptx.slide import Slide
from pptx.table import Table
from pptx.text.text import TextFrame

from app.kit.blocks import ParsedDocument
from app.parsing.archives import check_archive
from app.parsing.builder import TextBuilder
from app.parsing.errors import DamagedDocument, PasswordNeeded
from app.parsing.grids import Cell, expand, guess_header_rows
from app.parsing.limits import ParseLimits, Progress
from app.parsing.render import Item
from app.parsing.strict import transitional
from app.parsing.xml import XmlError

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0"
_LINE_EMU = 91_440
"""Shapes whose tops differ by less than a tenth of an inch stand beside each other, as eyes see it."""

_FURNITURE = frozenset({PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER})
_BULLETED = frozenset({PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY})
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_BULLETS = frozenset(_DRAWING + name for name in ("buChar", "buBlip", "buAutoNum"))


def parse_pptx(path: Path, limits: ParseLimits, on_progress: Progress) -> ParsedDocument:
    """The slides of a presentation with their tables and the speaker's notes.

    Raises PasswordNeeded, DamagedDocument or DocumentTooComplex.
    """
    with path.open("rb") as file:
        if file.read(4) == _COMPOUND_FILE:
            raise PasswordNeeded("The document is protected by a password. Remove the protection and try again.")
    check_archive(path, limits)
    try:
        return _read(_open(path), limits, on_progress)
    except (
        PythonPptxError, KeyError, ValueError, AttributeError, IndexError, TypeError, zipfile.BadZipFile, XmlError,
    ) as fault:  # fmt: skip
        # python-pptx trusts a package's structure and reads most of it late; tripping over it has many names.
        raise DamagedDocument("The document is damaged: it is not a complete PowerPoint file.") from fault


def _open(path: Path) -> Presentation:
    """The presentation, be it an ordinary one, a template or a slide show, which the usual door turns away."""
    try:
        part = Package.open(str(path)).main_document_part
    except KeyError:
        part = Package.open(transitional(path)).main_document_part
    if not isinstance(part, PresentationPart):  # pyright: ignore[reportUnnecessaryIsInstance] - other files have others
        raise DamagedDocument("The document is damaged: its main part is not a presentation.")
    return part.presentation


def _read(presentation: Presentation, limits: ParseLimits, on_progress: Progress) -> ParsedDocument:
    builder = TextBuilder(limits)
    slides = list(presentation.slides)
    pictures_only: list[int] = []
    for number, slide in enumerate(slides, start=1):
        builder.begin_page()
        if not _SlideReader(builder, slide, limits).read(f"Slide {number}"):
            pictures_only += [number] if _holds_picture(slide.shapes) else []
        on_progress(number, len(slides))
    about = presentation.core_properties
    metadata = {"author": about.author} if about.author else {}
    return builder.build(title=about.title, metadata=metadata, pages_without_text=pictures_only)


class _SlideReader:
    """Hands one slide's text to a builder."""

    def __init__(self, builder: TextBuilder, slide: Slide, limits: ParseLimits) -> None:
        self._builder = builder
        self._slide = slide
        self._limits = limits

    def read(self, name: str) -> bool:
        """Appends the slide and says whether it holds text; ``name`` is its heading where it has no title."""
        title = self._slide.shapes.title
        heading = title.text_frame.text if title is not None else ""
        shapes = [shape for shape in _leaves(self._slide.shapes) if title is None or shape.element is not title.element]
        notes = _notes(self._slide)
        if not heading.strip() and not any(map(_has_text, shapes)) and not notes.strip():
            return False
        # Without a heading of its own the slide would seem to belong to the one before it.
        self._builder.heading(heading if heading.strip() else name, 1)
        for shape in shapes:
            self._shape(shape)
        for paragraph in notes.split("\n"):
            self._builder.paragraph(paragraph)
        return True

    def _shape(self, shape: BaseShape) -> None:
        if isinstance(shape, GraphicFrame):
            if shape.has_table:
                self._table(shape.table)
            else:
                self._builder.warn("Charts and diagrams were left out; only text and tables are read.")
        elif (frame := _frame_of(shape)) is not None:
            kind = shape.placeholder_format.type if shape.is_placeholder else None
            self._text(frame, bulleted=kind in _BULLETED and len(frame.paragraphs) > 1)

    def _text(self, frame: TextFrame, *, bulleted: bool) -> None:
        """Paragraphs and lists; ``bulleted`` says what a paragraph is that does not say it itself."""
        items: list[Item] = []
        numbers: Counter[int] = Counter()
        for paragraph in frame.paragraphs:
            marks = _marks(paragraph._p)  # pyright: ignore[reportPrivateUsage] - no public way to them
            text, depth = paragraph.text, paragraph.level
            if not text.strip():
                continue
            if _DRAWING + "buNone" not in marks and (bulleted or depth or marks & _BULLETS):
                numbers[depth] += 1
                for deeper in [other for other in numbers if other > depth]:
                    del numbers[deeper]
                items.append(Item(text, depth, f"{numbers[depth]}." if _DRAWING + "buAutoNum" in marks else "-"))
            else:
                self._builder.list(items)
                items, numbers = [], Counter()
                self._builder.paragraph(text)
        self._builder.list(items)

    def _table(self, table: Table) -> None:
        cells = [
            [Cell(cell.text, cell.span_width, cell.span_height) for cell in row.cells if not cell.is_spanned]
            for row in table.rows
        ]
        rows = expand(cells, self._limits)
        self._builder.table(rows, 1 if table.first_row and len(rows) > 1 else guess_header_rows(rows))


def _marks(paragraph: object) -> set[str]:
    """What a paragraph says about its bullet, as names of elements (ECMA-376, part 1, 21.1.2.4)."""
    properties = getattr(paragraph, "pPr", None)
    return set() if properties is None else {str(node.tag) for node in properties}


def _leaves(shapes: Iterable[BaseShape]) -> Iterator[BaseShape]:
    """All shapes but groups, in reading order, the members of a group in its place; furniture is left out."""
    for shape in _in_order(shapes):
        if isinstance(shape, GroupShape):
            yield from _leaves(cast(Iterable[BaseShape], shape.shapes))
        elif not (shape.is_placeholder and shape.placeholder_format.type in _FURNITURE):
            yield shape


def _in_order(shapes: Iterable[BaseShape]) -> list[BaseShape]:
    """The shapes line by line; one without a place of its own comes first, as it takes that of its layout."""
    places = sorted((_place(shape), number, shape) for number, shape in enumerate(shapes))
    ordered: list[tuple[int, int, int, BaseShape]] = []
    line = top = 0
    for (shape_top, left), number, shape in places:
        if not ordered or shape_top - top > _LINE_EMU:
            line, top = line + 1, shape_top
        ordered.append((line, left, number, shape))
    return [shape for *_, shape in sorted(ordered, key=lambda place: place[:3])]


def _place(shape: BaseShape) -> tuple[int, int]:
    # A place is declared as always known, but a shape may have none.
    top, left = cast(int | None, shape.top), cast(int | None, shape.left)
    return top or 0, left or 0


def _frame_of(shape: BaseShape) -> TextFrame | None:
    return cast(TextFrame, getattr(shape, "text_frame")) if shape.has_text_frame else None  # noqa: B009 - see pptx


def _has_text(shape: BaseShape) -> bool:
    if isinstance(shape, GraphicFrame):
        return shape.has_table and any(cell.text.strip() for cell in shape.table.iter_cells())
    frame = _frame_of(shape)
    return frame is not None and bool(frame.text.strip())


def _holds_picture(shapes: Iterable[BaseShape]) -> bool:
    return any(isinstance(shape, Picture) for shape in _leaves(shapes))


def _notes(slide: Slide) -> str:
    """What the speaker means to say."""
    frame = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    return frame.text if frame is not None else ""
