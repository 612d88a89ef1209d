"""What a file is, told by its bytes; its name only decides between kinds of text."""

import codecs
import io
import re
import zipfile
from pathlib import Path, PurePath

from app.parsing.errors import UnsupportedDocument
from app.parsing.media import MediaType

HEAD_BYTES = 65_536
"""How much of a file's beginning ``detect`` wants to see."""

_TEXT_BY_EXTENSION = {
    ".md": MediaType.MD,
    ".markdown": MediaType.MD,
    ".mdx": MediaType.MD,
    ".csv": MediaType.CSV,
    ".tsv": MediaType.TSV,
    ".tab": MediaType.TSV,
    ".html": MediaType.HTML,
    ".htm": MediaType.HTML,
    ".xhtml": MediaType.HTML,
}
_OFFICE_BY_EXTENSION = {
    ".docx": MediaType.DOCX,
    ".xlsx": MediaType.XLSX,
    ".xlsm": MediaType.XLSX,
    ".pptx": MediaType.PPTX,
    ".pptm": MediaType.PPTX,
    ".ppsx": MediaType.PPTX,
    ".epub": MediaType.EPUB,
}
# For each kind of office file: its folder, its main part, and how the names of its first parts begin.
_OFFICE_FOLDERS = (
    ("word/", "word/document.xml", b"word/", MediaType.DOCX),
    ("xl/", "xl/workbook.xml", b"xl/work", MediaType.XLSX),
    ("ppt/", "ppt/presentation.xml", b"ppt/", MediaType.PPTX),
)
_BINARY_WORKBOOK = "xl/workbook.bin"
_BINARY_MAGIC = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"RIFF", b"OggS", b"fLaC", b"ID3", b"\x7fELF",
    b"MZ\x90", b"\xca\xfe\xba\xbe", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd",
    b"SQLite format 3", b"\x00asm", b"wOFF", b"wOF2", b"{\\rtf", b"%!PS", b"\xd0\xcf\x11\xe0", b"AT&TFORM",
)  # fmt: skip
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*+-->\s*+)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_HTML_TAG = re.compile(
    rb"</?(?:p|div|span|h[1-6]|table|ul|ol|li|br|a|article|section|title|meta)\b[^<>]*>", re.IGNORECASE
)
_MARKDOWN_SIGN = re.compile(rb"^(?:#{1,6} \S|```|\|? *:?-{3,}:? *\|)|\]\(\S{1,200}\)", re.MULTILINE)
# A PDF that has lost its beginning is a damaged PDF, not a text about objects.
_PDF_REMAINS = re.compile(rb"%PDF|\bstartxref\b|%%EOF|\d \d+ obj\b|\btrailer\b")
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x0b\x1b\x08")) + b"\x7f"
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def detect(head: bytes, name: str | None = None, path: Path | None = None) -> MediaType:
    """The kind of document that begins with ``head`` (``HEAD_BYTES`` of it, or all there is).

    ``path`` is the whole file, read where the head is not enough (archives); without it the head is taken for the
    whole. Raises UnsupportedDocument, listing the supported kinds, for anything that has no parser.
    """
    extension = PurePath(name or "").suffix.lower()
    if b"%PDF-" in head[:1024] or (extension == ".pdf" and _PDF_REMAINS.search(head)):
        return MediaType.PDF
    if head.startswith(b"PK\x03\x04"):
        return _archive(head, extension, path)
    if head.startswith(_OLE):
        return _compound_file(head, extension, path)
    if head.startswith(_BINARY_MAGIC) or not _is_text(head):
        raise _unsupported()
    return _text(head, extension)


def supported() -> str:
    """The supported kinds as words, for messages."""
    return ", ".join(kind.value for kind in MediaType)


def _unsupported() -> UnsupportedDocument:
    return UnsupportedDocument(f"This type of file cannot be read. Supported types: {supported()}.")


def _archive(head: bytes, extension: str, path: Path | None) -> MediaType:
    try:
        with zipfile.ZipFile(path or io.BytesIO(head)) as archive:
            names = {entry.filename for entry in archive.infolist()[:1000]}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        # Damaged, which is for the parser to say: what it was meant to be is told by its first entries or its name.
        return _broken_archive(head, extension)
    if (office := _office(names)) is not None:
        return office
    if "META-INF/container.xml" in names and (b"application/epub+zip" in head[:200] or _has_package(names)):
        return MediaType.EPUB
    raise _unsupported()


def _office(names: set[str]) -> MediaType | None:
    """The kind of office file by its main part, or by any part in its folder where the list of parts is there too."""
    for _, main, _, kind in _OFFICE_FOLDERS:
        if main in names:
            return kind
    if "[Content_Types].xml" in names and _BINARY_WORKBOOK not in names:
        for folder, _, _, kind in _OFFICE_FOLDERS:
            if any(name.startswith(folder) for name in names):
                return kind
    return None


def _has_package(names: set[str]) -> bool:
    return any(name.endswith(".opf") for name in names)


def _broken_archive(head: bytes, extension: str) -> MediaType:
    if b"application/epub+zip" in head[:200]:
        return MediaType.EPUB
    for _, _, beginning, kind in _OFFICE_FOLDERS:
        if beginning in head:
            return kind
    if extension in _OFFICE_BY_EXTENSION:
        return _OFFICE_BY_EXTENSION[extension]
    raise _unsupported()


def _compound_file(head: bytes, extension: str, path: Path | None) -> MediaType:
    """An encrypted office file hides in a compound file, as the old kinds do; only it has a parser to refuse it."""
    is_encrypted = _ENCRYPTED_PACKAGE in (head if path is None else path.read_bytes())
    kind = _OFFICE_BY_EXTENSION.get(extension or ".docx")
    if is_encrypted and kind is not None and kind is not MediaType.EPUB:
        return kind
    raise _unsupported()


def _is_text(head: bytes) -> bool:
    """Whether the bytes read as text: with a byte order mark, as UTF-8, or in an older encoding without controls."""
    if head.startswith(_MARKS):
        return True
    controls = len(head) - len(head.translate(None, _CONTROLS))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return controls * 100 < len(head) or _is_wide(head)
    # Valid UTF-8 with a stray NUL is text that wants cleaning; a tenth of controls is data, or wide characters.
    return controls * 10 <= len(head) or _is_wide(head)


def _is_wide(head: bytes) -> bool:
    """Whether every other byte is NUL, as in UTF-16 of European text without a mark."""
    half = len(head) // 2
    even, odd = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    return half >= 4 and max(even, odd) > 0.7 * half and min(even, odd) < 0.05 * half


def _text(head: bytes, extension: str) -> MediaType:
    body = head.removeprefix(codecs.BOM_UTF8)
    if _HTML_START.match(body):
        return MediaType.HTML
    if extension in _TEXT_BY_EXTENSION:
        return _TEXT_BY_EXTENSION[extension]
    if extension:
        return MediaType.TXT
    if len(_HTML_TAG.findall(body)) >= 3:
        return MediaType.HTML
    return MediaType.MD if len(_MARKDOWN_SIGN.findall(body)) >= 2 else MediaType.TXT
