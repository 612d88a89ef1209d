import datetime
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from xlsxwriter import Workbook

from app.kit.blocks import BlockKind
from app.parsing.errors import DamagedDocument, DocumentTooComplex, PasswordNeeded
from app.parsing.limits import ParseLimits
from app.parsing.media import MediaType
from app.parsing.parse import parse
from tests.parsing.support import headings, parsed, texts
from tests.support.documents import a_zip, an_xlsx

ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")
SHEET = "xl/worksheets/sheet1.xml"


def a_book(write: Callable[[Workbook], object]) -> bytes:
    """A workbook as ``write`` makes it."""
    made = io.BytesIO()
    with Workbook(made, {"in_memory": True}) as book:
        write(book)
    return made.getvalue()


def rewritten(body: bytes, change: Callable[[bytes], bytes], part: str = SHEET) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return a_zip({**parts, part: change(parts[part])})


def test_every_sheet_is_a_heading_and_a_table_with_its_header(tmp_path: Path) -> None:
    body = an_xlsx({"People": [["Name", "Age"], ["Ada", 36]], "Towns": [["Town"], ["London"], ["Göttingen"]]})
    document = parsed(tmp_path, body, "a.xlsx")
    assert document.text == ("People\n\n| Name | Age |\n| Ada | 36 |\n\nTowns\n\n| Town |\n| London |\n| Göttingen |")
    assert headings(document) == [(1, "People"), (1, "Towns")]
    tables = [block for block in document.blocks if block.kind is BlockKind.TABLE]
    assert [(block.header_rows, block.heading_path) for block in tables] == [(1, ("People",)), (1, ("Towns",))]


def test_hidden_and_empty_sheets_and_charts_are_left_out(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        book.add_worksheet("Seen").write("A1", "here")
        for name, hide in (("Hidden", "hide"), ("Deep", "very_hidden")):
            sheet = book.add_worksheet(name)
            sheet.write("A1", "secret")
            getattr(sheet, hide)()
        book.add_worksheet("Empty")
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Seen!$A$1:$A$1"})
        book.add_chartsheet("Chart").set_chart(chart)

    assert parsed(tmp_path, a_book(write), "a.xlsx").text == "Seen\n\n| here |"


def test_values_are_written_as_people_write_them(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        sheet = book.add_worksheet("S")
        sheet.write_row(0, 0, ["a"] * 11)
        sheet.write_row(1, 0, [1.0, 0.1 + 0.2, -2.50, 1e20, 0.00001, 123456789012.0, True])
        for column, (value, shape) in enumerate(
            [
                (datetime.date(2024, 5, 1), "yyyy-mm-dd"),
                (datetime.datetime(2024, 5, 1, 13, 30, 59), "dd/mm/yy hh:mm"),  # noqa: DTZ001 - sheets know no zones
                (datetime.time(7, 5), "hh:mm:ss"),
                (datetime.timedelta(hours=26.5), "[h]:mm:ss"),
            ],
            start=7,
        ):
            sheet.write_datetime(1, column, value, book.add_format({"num_format": shape}))

    row = parsed(tmp_path, a_book(write), "a.xlsx").text.splitlines()[-1]
    assert row == (
        "| 1 | 0.3 | -2.5 | 100000000000000000000 | 0.00001 | 123456789012 | TRUE "
        "| 2024-05-01 | 2024-05-01 13:30:59 | 07:05:00 | 26:30:00 |"
    )


def test_a_formula_counts_as_its_last_result_and_an_error_as_nothing(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        sheet = book.add_worksheet("S")
        sheet.write_row(0, 0, ["Sum", "Wrong", "Word"])
        sheet.write_formula(1, 0, "=40+2", None, 42)
        sheet.write_formula(1, 1, "=NA()", None, "#N/A")
        sheet.write(1, 2, "end")
        sheet.write(2, 1, "x")

    assert texts(parsed(tmp_path, a_book(write), "a.xlsx"), BlockKind.TABLE) == [
        "| Sum | Wrong | Word |\n| 42 |  | end |\n|  | x |  |"
    ]


def test_empty_rows_and_columns_go_and_a_table_may_begin_anywhere(tmp_path: Path) -> None:
    rows = [[], ["", "", "a", "", "b"], ["", "", " ", "", " "], ["", "", 1, "", 2]]
    assert texts(parsed(tmp_path, an_xlsx({"S": rows}), "a.xlsx"), BlockKind.TABLE) == ["| a | b |\n| 1 | 2 |"]


def test_merged_cells_are_repeated_where_a_row_says_more_and_a_title_stands_above(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        sheet = book.add_worksheet("Sales")
        sheet.merge_range("B2:D2", "Sales of 2024")
        sheet.write_row("B3", ["Region", "Town", "Units"])
        sheet.merge_range("B4:B5", "North")
        sheet.write_row("C4", ["Oslo", 7])
        sheet.write_row("C5", ["Bergen", 5])
        sheet.merge_range("B6:C7", "All")
        sheet.write("D6", 12)

    assert parsed(tmp_path, a_book(write), "a.xlsx").text == (
        "Sales\n\nSales of 2024\n\n"
        "| Region | Town | Units |\n| North | Oslo | 7 |\n| North | Bergen | 5 |\n| All | All | 12 |"
    )


def test_a_password_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(PasswordNeeded):
        parsed(tmp_path, ENCRYPTED, "a.xlsx")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_damaged_file_says_so(tmp_path: Path, share: float) -> None:
    body = an_xlsx()
    with pytest.raises(DamagedDocument):
        parsed(tmp_path, body[: int(len(body) * share)], "a.xlsx")


def test_an_archive_without_a_workbook_and_a_broken_sheet_are_damaged(tmp_path: Path) -> None:
    for body in (
        a_zip({"[Content_Types].xml": "<Types/>", "xl/other.xml": "<x/>"}),
        rewritten(an_xlsx(), lambda part: part[:-30]),
        rewritten(an_xlsx(), lambda part: part.replace(b"UTF-8", b"UlF-8")),
        rewritten(an_xlsx(), lambda part: part.replace(b"<v>0</v>", b"<v>99999</v>")),
    ):
        with pytest.raises(DamagedDocument):
            parsed(tmp_path, body, "a.xlsx")


def test_archive_bombs_and_entities_are_refused_before_the_reader_sees_them(tmp_path: Path) -> None:
    with pytest.raises(DocumentTooComplex, match="bombs"):
        parsed(tmp_path, rewritten(an_xlsx(), lambda part: part + b" " * 5_000_000), "a.xlsx")
    with pytest.raises(DocumentTooComplex, match="entities"):
        parsed(tmp_path, rewritten(an_xlsx(), lambda part: b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + part), "a.xlsx")


def test_too_many_cells_sheets_or_columns_are_refused(tmp_path: Path) -> None:
    body = an_xlsx({"A": [["a", "b"]] * 20, "B": [["c"]], "C": [["d"]]})
    for limits in (ParseLimits(max_table_cells=30), ParseLimits(max_pages=2), ParseLimits(max_table_columns=1)):
        with pytest.raises(DocumentTooComplex):
            parsed(tmp_path, body, "a.xlsx", limits)


def test_values_in_opposite_corners_do_not_cost_the_rectangle_between_them(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        sheet = book.add_worksheet("S")
        sheet.write(0, 0, "first")
        sheet.write(1_048_575, 16_383, "last")

    with pytest.raises(DocumentTooComplex, match="far apart"):
        parsed(tmp_path, a_book(write), "a.xlsx")


def test_a_far_cell_that_is_only_painted_does_not_count(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        sheet = book.add_worksheet("S")
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write_blank(1_048_575, 16_383, None, book.add_format({"bold": True}))

    assert parsed(tmp_path, a_book(write), "a.xlsx").text == "S\n\n| a | b |"


def test_cells_without_references_are_counted_by_their_order(tmp_path: Path) -> None:
    bare = rewritten(an_xlsx({"S": [["a", "b"], [1, 2]]}), lambda part: re.sub(rb' (?:r|spans)="[^"]*"', b"", part))
    assert parsed(tmp_path, bare, "a.xlsx").text == "S\n\n| a | b |\n| 1 | 2 |"
    with pytest.raises(DocumentTooComplex):
        parsed(tmp_path, bare, "a.xlsx", ParseLimits(max_table_cells=3))


def test_progress_counts_sheets(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = tmp_path / "a"
    path.write_bytes(an_xlsx({"A": [["a"]], "B": [["b"]]}))
    parse(path, MediaType.XLSX, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
