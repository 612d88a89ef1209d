from pathlib import Path

import pytest

from app.kit.blocks import BlockKind
from app.parsing.errors import DocumentTooComplex
from app.parsing.limits import ParseLimits
from tests.parsing.support import headings, parsed, texts
from tests.support.documents import an_html


def text_of(folder: Path, body: str) -> str:
    return parsed(folder, f"<!doctype html><html><body>{body}</body></html>".encode(), "a.html").text


def test_only_the_main_content_is_kept(tmp_path: Path) -> None:
    document = parsed(tmp_path, an_html(heading="Ducks", paragraphs=["They quack."], title="All about ducks"), "a.html")
    assert document.text == "Ducks\n\nThey quack."
    assert document.title == "All about ducks"
    assert document.metadata["language"] == "en"


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>x</script>", "<style>x</style>", "<nav>x</nav>", "<footer>x</footer>", "<aside>x</aside>",
        "<template>x</template>", "<div hidden>x</div>", "<div aria-hidden='true'>x</div>", "<dialog>x</dialog>",
        "<p style='display: none'>x</p>", "<p style='font-size:0px'>x</p>", "<div role='navigation'>x</div>",
        "<div class='a sidebar b'>x</div>",
        "<!-- x -->", "<header><ul><li>x</li></ul></header>",
        "<select><option>x</select>",
    ],
)  # fmt: skip
def test_what_a_reader_does_not_see_or_need_is_left_out(tmp_path: Path, hidden: str) -> None:
    assert text_of(tmp_path, f"<p>before</p>{hidden}<p>after</p>") == "before\n\nafter"


@pytest.mark.parametrize(
    "shown",
    [
        "<aside class='footnote'>x</aside>",
        "<article><header><p>x</p></header></article>", "<p style='font-size:0.9em'>x</p>",
        "<blockquote><p>x</p></blockquote>", "<form><p>x</p></form>", "<details><summary>x</summary></details>",
        "<div>x</div>",
        "<dialog open>x</dialog>",
        "x",
    ],
)  # fmt: skip
def test_what_a_reader_sees_is_kept(tmp_path: Path, shown: str) -> None:
    assert text_of(tmp_path, f"<p>before</p>{shown}<p>after</p>") == "before\n\nx\n\nafter"


def test_headings_nest_and_lose_their_link_marks(tmp_path: Path) -> None:
    body = "<h1>One<a class='headerlink'>¶</a></h1><h2>Two</h2><p>text</p><h1>Three</h1>"
    document = parsed(tmp_path, an_html(body), "a.html")
    assert headings(document) == [(1, "One"), (2, "Two"), (1, "Three")]
    assert document.blocks[2].heading_path == ("One", "Two")


def test_lists_nest_number_and_carry_on_after_code(tmp_path: Path) -> None:
    body = "<ol start=3><li>a<ul><li>b<li>c</ul><li>d<pre>  code\n x</pre>e</ol><dl><dt>term<dd>meaning</dl>"
    assert text_of(tmp_path, body) == "3. a\n  - b\n  - c\n4. d\n\n  code\n x\n\ne\n\n- term: meaning"


def test_breaks_and_white_space(tmp_path: Path) -> None:
    assert text_of(tmp_path, "<p>one\n  two<br>three&nbsp;four</p>") == "one two\nthree four"


def test_images_are_told_by_their_description_but_not_by_their_file(tmp_path: Path) -> None:
    assert text_of(tmp_path, "<p>see <img alt='a duck'> and <img alt='duck.jpg'></p>") == "see a duck and"


def test_a_table_with_spans_becomes_full_rows_under_its_header(tmp_path: Path) -> None:
    body = (
        "<table><caption>Sales</caption><thead><tr><th>Region<th colspan=2>Units</thead>"
        "<tr><td rowspan=2>North<td>1<td>2<tr><td>3<td>4|5</table>"
    )
    document = parsed(tmp_path, an_html(body), "a.html")
    assert texts(document, BlockKind.PARAGRAPH) == ["Sales"]
    (table,) = texts(document, BlockKind.TABLE)
    assert table.split("\n") == ["| Region | Units | Units |", "| North | 1 | 2 |", "| North | 3 | 4\\|5 |"]


@pytest.mark.parametrize(
    "layout",
    [
        "<table role=presentation><tr><td>a<td>b</table>",
        "<table><tr><td><p>a</p><p>b</p></td></tr></table>",
        f"<table><tr><td><h1>a</h1>{'word ' * 500}<td>b</table>",
    ],
)
def test_tables_that_arrange_a_page_are_read_as_text(tmp_path: Path, layout: str) -> None:
    document = parsed(tmp_path, an_html(f"<div>{layout}</div>"), "a.html")
    assert texts(document, BlockKind.TABLE) == []
    assert document.text.startswith("a\n\n")


def test_declared_encodings_are_believed(tmp_path: Path) -> None:
    body = "<!doctype html><html><head><meta charset='windows-1251'></head><body>Привет</body></html>"
    assert parsed(tmp_path, body.encode("cp1251"), "a.html").text == "Привет"
    assert parsed(tmp_path, ("\ufeff" + body).encode("utf-16-le"), "a.html").text == "Привет"
    unknown = b"<html><head><meta charset='no-such'></head><body>caf\xe9 au lait, d\xe9j\xe0 vu</body></html>"
    assert "caf" in parsed(tmp_path, unknown, "a.html").text


def test_deep_nesting_is_flattened_and_absurd_nesting_refused(tmp_path: Path) -> None:
    assert text_of(tmp_path, "<div>" * 1000 + "deep" + "</div>" * 1000) == "deep"
    with pytest.raises(DocumentTooComplex, match="nested"):
        text_of(tmp_path, "<div>" * 100_000)


def test_a_span_of_a_million_columns_is_cut_down(tmp_path: Path) -> None:
    body = "<table><tr><th colspan=99999999999>wide<th>b<tr><td rowspan=99999999999>a</table>"
    assert parsed(tmp_path, an_html(body), "a.html").text.count("wide") == 100
    with pytest.raises(DocumentTooComplex, match="cells"):
        parsed(tmp_path, an_html(body), "a.html", ParseLimits(max_table_columns=50))


def test_a_page_without_a_body_is_empty(tmp_path: Path) -> None:
    assert parsed(tmp_path, b"<!doctype html><html></html>", "a.html").text == ""


def test_cells_and_headings_read_through_their_inner_elements(tmp_path: Path) -> None:
    body = (
        "<h2><b>Bold</b> and <i>slanted</i><br>lines</h2><table><tr><th><b>A</b><th>B<tr><td><p>one</p><p>two</p><td>"
        "<script>x</script><img alt='a duck'><span hidden>y</span></table><pre>a<br>b</pre>"
    )
    assert (
        parsed(tmp_path, an_html(body), "a.html").text
        == "Bold and slanted lines\n\n| A | B |\n| one two | a duck |\n\na\nb"
    )


def test_quotes_keep_their_source_and_lists_their_stray_children(tmp_path: Path) -> None:
    assert text_of(tmp_path, "<blockquote>said<footer>Ada</footer></blockquote>") == "said\n\nAda"
    assert text_of(tmp_path, "<ul><li>a<nav>x</nav><div>b</div><script>y</script></ul>") == "- a\n  b"
    assert text_of(tmp_path, "<ul><ul><li>inner</ul></ul>") == "- inner"
