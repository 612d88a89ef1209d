import io
import zipfile
from pathlib import Path

import pytest

from app.parsing.errors import DamagedDocument, DocumentTooComplex
from app.parsing.limits import ParseLimits
from app.parsing.media import MediaType
from app.parsing.parse import parse
from tests.parsing.support import headings, parsed
from tests.support.documents import a_zip, an_epub

CHAPTERS = {"The start": "Once upon a time.", "The end": "They lived happily."}


def parts_of(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as source:
        return {name: source.read(name) for name in source.namelist()}


def test_chapters_come_in_the_order_of_the_spine(tmp_path: Path) -> None:
    document = parsed(tmp_path, an_epub(CHAPTERS, title="The tale"), "a.epub")
    assert document.text == "The start\n\nOnce upon a time.\n\nThe end\n\nThey lived happily."
    assert document.title == "The tale"
    assert document.metadata == {"language": "en"}


def test_chapters_without_a_heading_are_named_by_the_table_of_contents(tmp_path: Path) -> None:
    document = parsed(tmp_path, an_epub(CHAPTERS, declare_titles_in_text=False), "a.epub")
    assert headings(document) == [(1, "The start"), (1, "The end")]


def test_the_older_table_of_contents_names_them_too(tmp_path: Path) -> None:
    parts = parts_of(an_epub(CHAPTERS, declare_titles_in_text=False))
    points = "".join(
        f'<navPoint><navLabel><text>{name}</text></navLabel><content src="text/c%20{number}.xhtml#x"/></navPoint>'
        for number, name in enumerate(CHAPTERS)
    )
    parts["OEBPS/toc.ncx"] = (
        f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>'.encode()
    )
    parts["OEBPS/book.opf"] = parts["OEBPS/book.opf"].replace(
        b'<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>',
        b'<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>',
    )
    assert headings(parsed(tmp_path, a_zip(parts), "a.epub")) == [(1, "The start"), (1, "The end")]


def test_progress_counts_chapters(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(an_epub(CHAPTERS))
    told: list[tuple[int, int]] = []
    parse(path, MediaType.EPUB, ParseLimits(), lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_paths_out_of_the_archive_lead_nowhere(tmp_path: Path) -> None:
    parts = parts_of(an_epub(CHAPTERS))
    parts["OEBPS/book.opf"] = parts["OEBPS/book.opf"].replace(b"text/c%200.xhtml", b"../../../../etc/passwd")
    assert parsed(tmp_path, a_zip(parts), "a.epub").text == "The end\n\nThey lived happily."


def test_a_chapter_that_cannot_be_read_is_left_out_with_a_warning(tmp_path: Path) -> None:
    parts = parts_of(an_epub(CHAPTERS))
    parts["OEBPS/text/c 0.xhtml"] = b"<div>" * 10_000
    document = parsed(tmp_path, a_zip(parts), "a.epub")
    assert document.text == "The end\n\nThey lived happily."
    assert document.warnings


@pytest.mark.parametrize("missing", ["OEBPS/book.opf"])
def test_a_book_without_its_package_is_damaged(tmp_path: Path, missing: str) -> None:
    parts = parts_of(an_epub(CHAPTERS))
    del parts[missing]
    with pytest.raises(DamagedDocument):
        parsed(tmp_path, a_zip({**parts, "mimetype": "application/epub+zip", "x.opf": "<x/>"}), "a.epub")


def test_package_documents_that_are_no_xml_or_declare_entities_are_refused(tmp_path: Path) -> None:
    parts = parts_of(an_epub(CHAPTERS))
    with pytest.raises(DamagedDocument):
        parsed(tmp_path, a_zip({**parts, "OEBPS/book.opf": b""}), "a.epub")
    bomb = b'<!DOCTYPE package [<!ENTITY a "x">]>' + parts["OEBPS/book.opf"]
    with pytest.raises(DocumentTooComplex):
        parsed(tmp_path, a_zip({**parts, "OEBPS/book.opf": bomb}), "a.epub")
