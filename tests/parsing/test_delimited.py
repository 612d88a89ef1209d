from pathlib import Path

import pytest

from app.parsing.errors import DocumentTooComplex
from app.parsing.limits import ParseLimits
from tests.parsing.support import parsed
from tests.support.documents import a_csv

PEOPLE = [["Name", "Age"], ["Ada", "36"], ["Emmy", "53"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_and_the_first_row_is_the_header(tmp_path: Path, delimiter: str) -> None:
    document = parsed(tmp_path, a_csv(PEOPLE, delimiter=delimiter), "a.csv")
    assert document.text == "| Name | Age |\n| Ada | 36 |\n| Emmy | 53 |"
    assert document.blocks[0].header_rows == 1


def test_quoted_cells_keep_delimiters_and_fold_lines(tmp_path: Path) -> None:
    document = parsed(tmp_path, b'a,b\n"x, y","line one\nline two"\n', "a.csv")
    assert document.text == "| a | b |\n| x, y | line one line two |"


def test_numbers_alone_have_no_header(tmp_path: Path) -> None:
    assert parsed(tmp_path, b"1,2\n3,4\n", "a.csv").blocks[0].header_rows == 0


def test_ragged_rows_and_empty_columns(tmp_path: Path) -> None:
    assert parsed(tmp_path, b"a,,b\n1\n2,,3,\n\n", "a.csv").text == "| a | b |\n| 1 |  |\n| 2 | 3 |"


def test_one_column_is_a_table_too(tmp_path: Path) -> None:
    assert parsed(tmp_path, b"name\nada\nemmy\n", "a.csv").text == "| name |\n| ada |\n| emmy |"


def test_a_giant_cell_is_cut_with_a_warning(tmp_path: Path) -> None:
    document = parsed(tmp_path, b"a,b\n1," + b"x" * 50_000, "a.csv")
    assert len(document.text) < 21_000
    assert document.warnings


def test_too_many_cells_or_too_much_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentTooComplex):
        parsed(tmp_path, a_csv(PEOPLE * 20), "a.csv", ParseLimits(max_table_cells=30))
    with pytest.raises(DocumentTooComplex):
        parsed(tmp_path, a_csv(PEOPLE * 200), "a.csv", ParseLimits(max_chars=300))


def test_nothing_is_an_empty_document(tmp_path: Path) -> None:
    assert parsed(tmp_path, b"", "a.csv").blocks == ()
