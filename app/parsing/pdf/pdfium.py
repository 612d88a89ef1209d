"""Where PDFium is talked to, with ``strokes`` beside it; everything else sees our own types.

PDFium is not thread-safe: one document at a time, in one thread. Pages must be closed, or all of them are kept.
"""

# pypdfium2's raw layer is generated from C headers and has no annotations.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false, reportMissingParameterType=false

import contextlib
import ctypes
import re
from collections.abc import Generator
from pathlib import Path
from types import TracebackType

import pypdfium2
from pypdfium2 import raw

from app.parsing.errors import DamagedDocument, PasswordNeeded
from app.parsing.pdf.content import Bookmark, Box, Edge, Line
from app.parsing.pdf.strokes import straight_edges

HYPHEN_BREAK = "\ufffe"
"""PDFium writes this for a hyphen at the end of a line, in place of the hyphen and the line break."""

_LINE_BREAK = re.compile(f"\r\n|[\r\n{HYPHEN_BREAK}]")
_FIXED_PITCH = 1
_FIXED_NAME = re.compile(r"courier|mono|consol|typewriter|menlo|cmtt|nimbusmon|cursor", re.IGNORECASE)
_BOLD_NAME = re.compile(r"bold|black|heavy", re.IGNORECASE)
_BOLD_WEIGHT = 600
MAX_FORM_DEPTH = 4


class Document:
    """An open PDF file."""

    def __init__(self, path: Path) -> None:
        """Raises PasswordNeeded or DamagedDocument."""
        try:
            self._pdf = pypdfium2.PdfDocument(path)
        except pypdfium2.PdfiumError as fault:
            if "password" in str(fault).lower():
                raise PasswordNeeded(
                    "The PDF is protected by a password. Remove the protection and try again."
                ) from None
            if "security" in str(fault).lower():
                raise PasswordNeeded("The PDF is encrypted in a way that cannot be opened.") from None
            raise DamagedDocument("The PDF is damaged: its structure could not be read.") from fault

    def __enter__(self) -> "Document":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pdf.close()

    def __len__(self) -> int:
        return len(self._pdf)

    def metadata(self) -> dict[str, str]:
        """The document's own title, author and so on, without those that are empty."""
        with contextlib.suppress(pypdfium2.PdfiumError):
            return {key.lower(): value for key, value in self._pdf.get_metadata_dict(skip_empty=True).items()}
        return {}

    def bookmarks(self, limit: int) -> list[Bookmark]:
        """The first ``limit`` entries of the outline that point at a page."""
        found: list[Bookmark] = []
        with contextlib.suppress(pypdfium2.PdfiumError, UnicodeDecodeError):
            for entry in self._pdf.get_toc(max_depth=6):
                destination = entry.get_dest()
                page = destination.get_index() if destination is not None else None
                if page is not None:
                    found.append(Bookmark(entry.get_title(), page, entry.level + 1))
                if len(found) >= limit:
                    break
        return found

    @contextlib.contextmanager
    def page(self, index: int) -> "Generator[Page]":
        """Page number ``index`` from 0, closed afterwards. Raises DamagedDocument where it cannot be loaded."""
        try:
            page = self._pdf[index]
            text = page.get_textpage()
        except pypdfium2.PdfiumError as fault:
            raise DamagedDocument(f"Page {index + 1} of the PDF could not be loaded.") from fault
        try:
            yield Page(page, text)
        finally:
            text.close()
            page.close()


class Page:
    """An open page."""

    def __init__(self, page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage) -> None:
        self._page = page
        self._text = text
        self.height: float = page.get_height()

    def lines(self) -> list[Line]:
        """The lines of text that are not empty, in the order of the content; a hyphen at the end of one is kept."""
        whole: str = self._text.get_text_range()
        found: list[Line] = []
        at = 0
        for end in _LINE_BREAK.finditer(whole):
            self._append_line(found, whole, at, end.start(), "-" if end[0] == HYPHEN_BREAK else "")
            at = end.end()
        self._append_line(found, whole, at, len(whole), "")
        return found

    def _append_line(self, found: list[Line], whole: str, start: int, end: int, hyphen: str) -> None:
        text = whole[start:end].strip()
        if not text:
            return
        first = start + len(whole[start:end]) - len(whole[start:end].lstrip())
        head = raw.FPDFText_GetCharIndexFromTextIndex(self._text, first)
        tail = raw.FPDFText_GetCharIndexFromTextIndex(self._text, first + len(text) - 1)
        box = raw.FS_RECTF()
        raw.FPDFText_GetLooseCharBox(self._text, tail, box)
        right = box.right
        raw.FPDFText_GetLooseCharBox(self._text, head, box)
        height = abs(box.top - box.bottom) or 1.0
        fixed, bold = self._face(head)
        # A line of prose may begin with a file's name; a line of a listing is set in one face throughout.
        fixed = fixed and self._face(tail)[0] and self._face((head + tail) // 2)[0]
        found.append(Line(text + hyphen, box.left, box.bottom, max(right, box.left), height, fixed, bold))

    def _face(self, char: int) -> tuple[bool, bool]:
        """Whether a character's font is a typewriter's, and whether it is bold."""
        name, flags = ctypes.create_string_buffer(64), ctypes.c_int()
        raw.FPDFText_GetFontInfo(self._text, char, name, 64, flags)
        spelled = name.value.decode("latin-1")
        fixed = bool(flags.value & _FIXED_PITCH) or bool(_FIXED_NAME.search(spelled))
        bold = bool(_BOLD_NAME.search(spelled)) or raw.FPDFText_GetFontWeight(self._text, char) >= _BOLD_WEIGHT
        return fixed, bold

    def text_in(self, box: Box) -> str:
        """The text of all characters that touch the box."""
        left, bottom, right, top = box
        return self._text.get_text_bounded(left, bottom, right, top).replace(HYPHEN_BREAK, "-\n")

    def has_graphics(self) -> bool:
        """Whether the page shows anything at all: a page without text that does is a scan or a drawing."""
        return raw.FPDFPage_CountObjects(self._page) > 0

    def is_ruled(self, max_objects: int) -> bool:
        """Whether the page's paths could be the grid of a table: cheap, and never wrong about a real grid so far.

        Pages with more than ``max_objects`` paths are drawings.
        """
        rules = posts = boxes = 0
        paths = self._page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=MAX_FORM_DEPTH)
        for count, item in enumerate(paths):
            if count >= max_objects:
                return False
            left, bottom, right, top = item.get_bounds()
            width, height = right - left, top - bottom
            rules += width > 10 and height <= 3
            posts += height > 5 and width <= 3
            boxes += width > 10 and height > 5
        return rules + 2 * boxes >= 2 and posts + 2 * boxes >= 2

    def edges(self, limit: int) -> list[Edge]:
        """The straight strokes and the sides of boxes, up to ``limit`` of them, in the page's coordinates."""
        found: list[Edge] = []
        for item in self._page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=MAX_FORM_DEPTH):
            matrix = item.get_matrix()
            outer = item.container
            while outer is not None:
                matrix = matrix.multiply(outer.get_matrix())
                outer = outer.container
            found.extend(straight_edges(item, matrix.on_point))
            if len(found) > limit:
                return []
        return found
