"""One door to all parsers."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, assert_never

from app.kit.blocks import ParsedDocument
from app.parsing.errors import DocumentMemory
from app.parsing.limits import ParseLimits, Progress, no_progress
from app.parsing.media import MediaType

Parser = Callable[[Path, ParseLimits, Progress], ParsedDocument]


def parse(
    path: Path, kind: MediaType, limits: ParseLimits | None = None, on_progress: Progress = no_progress
) -> ParsedDocument:
    """The document in the file, which has been detected to be of ``kind``.

    Blocking and possibly long: meant for a child process with a deadline. Raises DamagedDocument, PasswordNeeded,
    DocumentTooComplex or DocumentMemory.
    """
    try:
        return parser_of(kind)(path, limits or ParseLimits(), on_progress)
    except (MemoryError, RecursionError) as fault:
        raise DocumentMemory("The document needs more memory than one document may use. Split it.") from fault


def parser_of(kind: MediaType) -> Parser:
    """The parser of a kind, imported now.

    The imports are local because a child process that reads a text file should not pay the 250 ms and 70 MB of the
    PDF libraries.
    """
    match kind:
        case MediaType.PDF:
            from app.parsing.pdf.parser import parse_pdf as found  # noqa: PLC0415 - see above
        case MediaType.DOCX | MediaType.XLSX | MediaType.PPTX:
            found = _parser_of_office(kind)
        case MediaType.HTML:
            from app.parsing.html.parser import parse_html as found  # noqa: PLC0415 - see above
        case MediaType.EPUB:
            from app.parsing.epub import parse_epub as found  # noqa: PLC0415 - see above
        case MediaType.MD:
            from app.parsing.markdown import parse_markdown as found  # noqa: PLC0415 - see above
        case MediaType.TXT:
            from app.parsing.text import parse_text as found  # noqa: PLC0415 - see above
        case MediaType.CSV | MediaType.TSV:
            from app.parsing.delimited import parse_delimited as found  # noqa: PLC0415 - see above
        case _:
            assert_never(kind)
    return found


def _parser_of_office(kind: Literal[MediaType.DOCX, MediaType.XLSX, MediaType.PPTX]) -> Parser:
    match kind:
        case MediaType.DOCX:
            from app.parsing.docx.parser import parse_docx as found  # noqa: PLC0415 - see parser_of
        case MediaType.XLSX:
            from app.parsing.xlsx import parse_xlsx as found  # noqa: PLC0415 - see parser_of
        case MediaType.PPTX:
            from app.parsing.pptx import parse_pptx as found  # noqa: PLC0415 - see parser_of
    return found
