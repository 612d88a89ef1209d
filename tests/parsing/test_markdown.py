from pathlib import Path

from app.kit.blocks import BlockKind
from tests.parsing.support import headings, parsed, texts
from tests.support.documents import a_markdown


def text_of(folder: Path, body: str) -> str:
    return parsed(folder, body.encode(), "a.md").text


def test_front_matter_becomes_metadata(tmp_path: Path) -> None:
    body = a_markdown(front_matter={"title": "'The guide'", "author": "Ada", "tags": "[a, b]"}, heading="Install")
    document = parsed(tmp_path, body, "a.md")
    assert document.title == "The guide"
    assert document.metadata == {"title": "The guide", "author": "Ada", "tags": "[a, b]"}
    assert document.text == "Install\n\nA paragraph of text."


def test_marks_and_addresses_go_and_words_stay(tmp_path: Path) -> None:
    body = "A *very* **bold** `x = 1` [link](http://a.b/c) ![a duck](d.png) <b>tag</b>, <http://e.f>\nand  \nmore."
    assert text_of(tmp_path, body) == "A very bold x = 1 link a duck tag, http://e.f and\nmore."


def test_headings_of_both_styles_nest(tmp_path: Path) -> None:
    document = parsed(tmp_path, b"Title\n=====\n\nSub\n---\n\ntext\n\n### Deep\n", "a.md")
    assert headings(document) == [(1, "Title"), (2, "Sub"), (3, "Deep")]
    assert document.title == "Title"


def test_fences_keep_their_lines(tmp_path: Path) -> None:
    document = parsed(tmp_path, b"```python\nif x:\n    y()\n\n\n\nz()\n```\n\n    indented\n", "a.md")
    assert texts(document, BlockKind.CODE) == ["if x:\n    y()\n\nz()", "indented"]


def test_lists_nest_and_number(tmp_path: Path) -> None:
    assert text_of(tmp_path, "3. a\n   - b\n4. c\n\n   more of c\n") == "3. a\n  - b\n4. c\n  more of c"


def test_tables_have_their_header(tmp_path: Path) -> None:
    document = parsed(tmp_path, a_markdown(table=[["Name", "Age"], ["Ada | Co".replace("|", "\\|"), "36"]]), "a.md")
    (table,) = (block for block in document.blocks if block.kind is BlockKind.TABLE)
    assert document.text[table.start : table.end] == "| Name | Age |\n| Ada \\| Co | 36 |"
    assert table.header_rows == 1


def test_html_inside_is_read_as_html(tmp_path: Path) -> None:
    body = (
        "before\n\n<table><tr><th>A<th>B<tr><td>1<td>2</table>\n\n<!-- hidden -->\n\n<script>evil()</script>\n\nafter"
    )
    assert text_of(tmp_path, body) == "before\n\n| A | B |\n| 1 | 2 |\n\nafter"


def test_windows_line_ends_a_mark_and_nul(tmp_path: Path) -> None:
    assert text_of(tmp_path, "\ufeff# A\r\n\r\ntext\x00 here\r\nand more\r\n") == "A\n\ntext here and more"


def test_quotes_and_rules(tmp_path: Path) -> None:
    assert text_of(tmp_path, "> quoted\n> words\n\n***\n\nend") == "quoted words\n\nend"


def test_endless_nesting_ends(tmp_path: Path) -> None:
    assert "deep" in text_of(tmp_path, "> " * 40 + "deep")
    text_of(tmp_path, "[" * 5000 + "x" + "](" * 5000)
