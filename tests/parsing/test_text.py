from pathlib import Path

import pytest

from app.kit.blocks import BlockKind
from tests.parsing.support import headings, parsed, texts


def text_of(folder: Path, body: str) -> str:
    return parsed(folder, body.encode(), "a.txt").text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_unicode_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    text = "A first line of text, long enough."
    assert parsed(tmp_path, text.encode(encoding), "a.txt").text == text


def test_older_encodings_are_guessed(tmp_path: Path) -> None:
    russian = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 4
    assert parsed(tmp_path, russian.encode("cp1251"), "a.txt").text == russian.strip()
    assert (
        "Köln" in parsed(tmp_path, ("Grüße aus Köln und München, schöne Straßen. " * 4).encode("cp1252"), "a.txt").text
    )


def test_wrapped_lines_are_joined_and_set_ones_kept(tmp_path: Path) -> None:
    wrapped = "This paragraph was wrapped by an editor at some\ncolumn, as many text files are, until it ends.\nShort."
    poem = "Roses are red\nviolets are blue\nsugar is sweet"
    assert text_of(tmp_path, f"{wrapped}\n\n{poem}") == f"{wrapped.replace(chr(10), ' ')}\n\n{poem}"


def test_titles_are_told_by_underlines_and_numbers(tmp_path: Path) -> None:
    document = parsed(tmp_path, b"The Book\n********\n\n1.2. A part\n\nText.\n\nSmall\n-----\nMore.", "a.txt")
    assert headings(document) == [(1, "The Book"), (2, "1.2. A part"), (3, "Small")]
    assert document.blocks[-1].heading_path == ("The Book", "1.2. A part", "Small")


def test_lists_nest_and_blank_lines_do_not_end_them(tmp_path: Path) -> None:
    document = parsed(tmp_path, b"* one\n  goes on\n  * inner\n\n* two\n\ntext\n\n1) first", "a.txt")
    assert texts(document, BlockKind.LIST) == ["- one goes on\n  - inner\n- two", "1) first"]


def test_indented_code_is_code_and_indented_prose_is_not(tmp_path: Path) -> None:
    prose = (
        "    This paragraph is indented by four spaces but it is\n    quite ordinary prose that goes on and on and on."
    )
    document = parsed(tmp_path, f"    if (x) {{\n        y();\n    }}\n\n{prose}".encode(), "a.txt")
    assert texts(document, BlockKind.CODE) == ["    if (x) {\n        y();\n    }"]
    assert len(texts(document, BlockKind.PARAGRAPH)) == 1


@pytest.mark.parametrize("body", [b"", b"\n \n\t\n", b"\xef\xbb\xbf"])
def test_nothing_is_an_empty_document(tmp_path: Path, body: bytes) -> None:
    document = parsed(tmp_path, body, "a.txt")
    assert (document.text, document.blocks, document.title) == ("", (), None)
