import pytest

from app.kit.blocks import BlockKind
from app.parsing.builder import TextBuilder
from app.parsing.errors import DocumentTooComplex
from app.parsing.grids import Cell, expand, guess_header_rows, rectangle
from app.parsing.limits import ParseLimits
from app.parsing.render import Item
from tests.parsing.support import check


def a_builder(**limits: int) -> TextBuilder:
    return TextBuilder(ParseLimits(**limits))


def test_prose_that_runs_over_a_page_is_one_paragraph_with_the_page_inside() -> None:
    builder = a_builder()
    builder.begin_page()
    builder.paragraph("It begins here and is cut in an exam-")
    builder.begin_page()
    builder.continue_paragraph("ple on the next page.", joint="")
    builder.begin_page()
    builder.paragraph("Third page.")
    document = builder.build()
    check(document)
    assert document.text == "It begins here and is cut in an example on the next page.\n\nThird page."
    assert document.page_starts == (0, document.text.index("ple on"), document.text.index("Third"))


def test_a_table_that_runs_over_a_page_is_one_table_with_the_page_inside() -> None:
    builder = a_builder()
    builder.begin_page()
    builder.table([["Name", "Age"], ["Ada", "36"]], 1)
    builder.begin_page()
    builder.continue_table([["", ""], ["Emmy", "53"]])
    builder.paragraph("After.")
    document = builder.build()
    check(document)
    assert document.text == "| Name | Age |\n| Ada | 36 |\n| Emmy | 53 |\n\nAfter."
    assert document.page_starts == (0, document.text.index("| Emmy"))
    assert len(document.blocks[0].rows) == 3


def test_empty_pieces_leave_no_trace() -> None:
    builder = a_builder()
    builder.heading(" \u200b ", 1)
    builder.paragraph("\n")
    builder.list([Item(" ")])
    builder.table([["", " "], []], 1)
    builder.code("\n\n")
    assert builder.build().blocks == ()
    assert builder.last_kind is None


def test_a_heading_the_length_of_a_paragraph_is_a_paragraph() -> None:
    builder = a_builder()
    builder.heading("word " * 100, 1)
    assert builder.build().blocks[0].kind is BlockKind.PARAGRAPH


def test_empty_rows_go_and_header_rows_are_counted_without_them() -> None:
    builder = a_builder()
    builder.table([["", ""], ["a", "b"], ["1", "2"]], 2)
    (table,) = builder.build().blocks
    assert (len(table.rows), table.header_rows) == (2, 1)


def test_empty_pages_at_the_end_point_at_the_end() -> None:
    builder = a_builder()
    for text in ("one", "", ""):
        builder.begin_page()
        builder.paragraph(text)
    assert builder.build().page_starts == (0, 3, 3)


def test_text_pages_and_columns_beyond_the_limits_are_refused() -> None:
    with pytest.raises(DocumentTooComplex, match="characters"):
        a_builder(max_chars=5).paragraph("too long")
    with pytest.raises(DocumentTooComplex, match="pages"):
        a_builder(max_pages=0).begin_page()
    with pytest.raises(DocumentTooComplex, match="cells"):
        a_builder(max_table_columns=2).table([["a", "b", "c"]], 0)


def test_spans_fill_the_places_that_they_cover() -> None:
    rows = [[Cell("a", 2, 2), Cell("b")], [Cell("c")], [Cell("d", rows=0), Cell("e")], [Cell("f")]]
    assert expand(rows, ParseLimits()) == [["a", "a", "b"], ["a", "a", "c"], ["d", "e", ""], ["d", "f", ""]]
    with pytest.raises(DocumentTooComplex):
        expand([[Cell("x", 900)]] * 10, ParseLimits(max_table_cells=5_000))


def test_columns_that_are_empty_throughout_vanish() -> None:
    assert rectangle([["a", "", "b"], ["c"]]) == [["a", "b"], ["c", ""]]
    assert rectangle([]) == []


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (["Name", "Age"], 1),
        (["2019", "2020"], 1),
        (["Ada", "36"], 0),
        (["", ""], 0),
        (["x" * 100, "y"], 0),
        (["one"], 0),
    ],
)
def test_a_header_is_short_filled_and_without_numbers(row: list[str], expected: int) -> None:
    assert guess_header_rows([row, ["a", "b"]]) == expected
