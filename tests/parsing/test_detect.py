from pathlib import Path

import pytest

from app.parsing.detect import detect
from app.parsing.errors import UnsupportedDocument
from app.parsing.media import MediaType
from tests.support.documents import a_csv, a_docx, a_markdown, a_pdf, a_pptx, a_zip, an_epub, an_html, an_xlsx

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.mark.parametrize(
    ("body", "name", "kind"),
    [
        (a_pdf(), "a.pdf", MediaType.PDF),
        (a_pdf(), "lie.txt", MediaType.PDF),
        (b"\n\njunk before\n" + a_pdf(), "a.pdf", MediaType.PDF),
        (b"lost its head\nstartxref\n6\n%%EOF", "a.pdf", MediaType.PDF),
        (b"not lost: startxref ends a PDF", "a.txt", MediaType.TXT),
        (b"words that someone named wrongly", "a.pdf", MediaType.TXT),
        (a_docx(), "a.docx", MediaType.DOCX),
        (a_docx(), None, MediaType.DOCX),
        (an_xlsx(), "a.xlsx", MediaType.XLSX),
        (an_xlsx(), "lie.docx", MediaType.XLSX),
        (a_pptx(), "a.pptx", MediaType.PPTX),
        (a_pptx(), None, MediaType.PPTX),
        (a_zip({"[Content_Types].xml": "<x/>", "xl/other.xml": "<x/>"}), None, MediaType.XLSX),
        (an_epub(), "a.zip", MediaType.EPUB),
        (an_html(), "a.txt", MediaType.HTML),
        (b"<p>a fragment</p>", "a.html", MediaType.HTML),
        (b"<p>one</p><p>two</p>", None, MediaType.HTML),
        (b"<?xml version='1.0'?>\n<!-- hi --><html></html>", "a.xml", MediaType.HTML),
        (a_markdown(), "a.md", MediaType.MD),
        (b"# Title\n\n```\ncode\n```\n", None, MediaType.MD),
        (b"# Title\n", "notes.txt", MediaType.TXT),
        (b"just words", None, MediaType.TXT),
        (b"def f(): pass", "f.py", MediaType.TXT),
        (a_csv(), "a.csv", MediaType.CSV),
        (a_csv(delimiter="\t"), "a.tsv", MediaType.TSV),
        (b"a stray\x00NUL in a text of some length", "a.txt", MediaType.TXT),
        ("Grüße aus Köln, schöne Straße".encode("latin-1"), "a.txt", MediaType.TXT),
        ("wide text without a mark".encode("utf-16-le"), "a.txt", MediaType.TXT),
        ("with a mark".encode("utf-16"), "a.txt", MediaType.TXT),
        ("кириллица в старой кодировке".encode("cp1251"), "a.txt", MediaType.TXT),
        (b"", "empty.txt", MediaType.TXT),
        (b"PK\x03\x04 cut off word/document.xml", "a.docx", MediaType.DOCX),
        (b"PK\x03\x04 cut off", "a.epub", MediaType.EPUB),
        (b"PK\x03\x04\x14\0 mimetypeapplication/epub+zip", None, MediaType.EPUB),
        (b"PK\x03\x04 cut off", "a.xlsx", MediaType.XLSX),
        (b"PK\x03\x04 cut off ppt/slides/slide1.xml", None, MediaType.PPTX),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "secret.docx", MediaType.DOCX),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "secret.xlsx", MediaType.XLSX),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "secret.pptx", MediaType.PPTX),
        (OLE + "EncryptedPackage".encode("utf-16-le"), None, MediaType.DOCX),
    ],
)
def test_bytes_decide_the_kind_and_the_name_only_between_texts(body: bytes, name: str | None, kind: MediaType) -> None:
    assert detect(body, name) is kind


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (bytes(range(256)) * 8, "data.txt"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "image.txt"),
        (b"\x7fELF" + b"\0" * 100, "program.md"),
        (b"text" + b"\0" * 100, "zeros.txt"),
        (OLE, "old.doc"),
        (OLE, "old.xls"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "secret.epub"),
        (a_zip({"word.txt": "hello"}), "a.docx"),
        (a_zip({"xl/other.xml": "<x/>"}), None),
        (a_zip({"[Content_Types].xml": "<x/>", "xl/workbook.bin": "x"}), "a.xlsb"),
        (b"PK\x03\x04 cut off", "a.bin"),
        (b"{\\rtf1 hello}", "a.txt"),
    ],
)
def test_what_has_no_parser_is_refused_with_the_list_of_what_has(body: bytes, name: str | None) -> None:
    with pytest.raises(UnsupportedDocument, match="pdf, docx, xlsx, pptx, html, md, epub, txt, csv, tsv") as refused:
        detect(body, name)
    assert refused.value.status == 415


@pytest.mark.parametrize(
    "body", [b"<!-- -->" * 8_000, b"<!--" * 16_000, b"](a" * 22_000, b"<p" * 32_000, b" " * 65_000]
)
def test_hostile_repetition_is_judged_in_linear_time(body: bytes) -> None:
    detect(body)


def test_an_archive_larger_than_its_head_is_read_from_its_file(tmp_path: Path) -> None:
    body = a_docx(paragraphs=["word " * 5_000] * 20)
    path = tmp_path / "a"
    path.write_bytes(body)
    assert detect(body[:1000], None, path) is MediaType.DOCX
