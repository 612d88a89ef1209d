"""The flow: read every page's content, then put the document together knowing all of it."""

import re
from pathlib import Path

from app.kit.blocks import ParsedDocument
from app.parsing.builder import TextBuilder
from app.parsing.errors import DamagedDocument, DocumentTooComplex
from app.parsing.limits import ParseLimits, Progress
from app.parsing.pdf.assemble import Assembler
from app.parsing.pdf.content import PageContent, Table
from app.parsing.pdf.headings import Outline
from app.parsing.pdf.pdfium import Document, Page

MAX_BOOKMARKS = 10_000
KEPT_METADATA = frozenset({"author", "subject", "keywords"})

_PROGRAM_TITLE = re.compile(
    r"^(?:microsoft \w+ - |untitled|\(anonymous\)|document\d*$)|\.(?:docx?|indd|tex|dvi|qxp)$", re.IGNORECASE
)


def parse_pdf(path: Path, limits: ParseLimits, on_progress: Progress) -> ParsedDocument:
    """The document in a PDF file; one that is encrypted with the empty password opens.

    Only plain contents of pages are kept, never pages. A page that cannot be loaded is left out with a warning. Raises
    PasswordNeeded, DamagedDocument, or DocumentTooComplex for more pages than allowed.
    """
    builder = TextBuilder(limits)
    with Document(path) as document:
        count = len(document)
        if count == 0:
            raise DamagedDocument("The PDF holds no page that can be read.")
        if count > limits.max_pages:
            raise DocumentTooComplex(f"The PDF has {count} pages; at most {limits.max_pages} are read. Split it.")
        pages: list[PageContent] = []
        for number in range(count):
            pages.append(_content(document, number, builder, limits))
            on_progress(number + 1, count)
        metadata, bookmarks = document.metadata(), document.bookmarks(MAX_BOOKMARKS)
    assembler = Assembler(builder, pages, Outline(bookmarks))
    for number in range(count):
        assembler.append(number)
    return builder.build(
        title=_title(metadata),
        metadata={key: value for key, value in metadata.items() if key in KEPT_METADATA},
        pages_without_text=[number + 1 for number, page in enumerate(pages) if not page.lines and page.has_graphics],
    )


def _title(metadata: dict[str, str]) -> str | None:
    """The title that a person gave, not the one that a program made of a file's name."""
    title = metadata.get("title", "")
    return None if _PROGRAM_TITLE.search(title) else title


def _content(document: Document, number: int, builder: TextBuilder, limits: ParseLimits) -> PageContent:
    try:
        with document.page(number) as page:
            lines = page.lines()
            tables = _tables(page, limits) if lines else ()
            return PageContent(tuple(lines), tables, page.height, page.has_graphics())
    except DamagedDocument:
        builder.warn(f"Page {number + 1} is damaged and was left out.")
        return PageContent((), (), 0.0, has_graphics=True)


def _tables(page: Page, limits: ParseLimits) -> tuple[Table, ...]:
    if not page.is_ruled(limits.max_table_page_objects):
        return ()
    # Imported where the first grid shows: pdfplumber and pdfminer cost 250 ms and 40 MB that most documents save.
    from app.parsing.pdf.tables import find_tables  # noqa: PLC0415 - see above

    return tuple(find_tables(page))
