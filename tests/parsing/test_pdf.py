import io
from pathlib import Path

import pytest
from reportlab.lib import colors
from reportlab.pdfgen import canvas
from reportlab.platypus import SimpleDocTemplate, Table

from app.kit.blocks import BlockKind
from app.parsing.errors import DamagedDocument, DocumentTooComplex, PasswordNeeded
from app.parsing.limits import ParseLimits
from app.parsing.media import MediaType
from app.parsing.parse import parse
from tests.parsing.support import check, headings, parsed, texts
from tests.support.documents import a_long_pdf, a_pdf, a_scanned_pdf

PEOPLE = [["Name", "Age", "Town"], ["Ada", "36", "London"], ["Blaise", "39", "Clermont"], ["Emmy", "53", "Bryn Mawr"]]
FILLER = "\n".join(f"Paragraph {number} holds a few words to fill the page with text." for number in range(12))


def test_text_comes_page_by_page_with_exact_places(tmp_path: Path) -> None:
    document = parsed(tmp_path, a_pdf(["First page here.", "Second page there."]), "a.pdf")
    assert document.text == "First page here.\n\nSecond page there."
    assert [block.page for block in document.blocks] == [1, 2]
    assert document.page_starts == (0, 18)


def test_a_ruled_table_becomes_rows_under_its_header_and_is_not_repeated_as_text(tmp_path: Path) -> None:
    document = parsed(tmp_path, a_pdf(["Before.", FILLER], table=PEOPLE, table_page=2), "a.pdf")
    (table,) = texts(document, BlockKind.TABLE)
    assert table.split("\n")[0] == "| Name | Age | Town |"
    assert table.split("\n")[3] == "| Emmy | 53 | Bryn Mawr |"
    assert document.text.count("Clermont") == 1
    block = next(block for block in document.blocks if block.kind is BlockKind.TABLE)
    assert (block.page, block.header_rows) == (2, 1)


def test_cells_that_span_columns_are_repeated_in_each(tmp_path: Path) -> None:
    made = io.BytesIO()
    grid = Table(
        [["Region", "Sales", ""], ["", "2023", "2024"], ["North", "10", "12"], ["South", "7", "9"]],
        style=[("GRID", (0, 0), (-1, -1), 1, colors.black), ("SPAN", (1, 0), (2, 0)), ("SPAN", (0, 0), (0, 1))],
    )
    SimpleDocTemplate(made).build([grid])
    (table,) = texts(parsed(tmp_path, made.getvalue(), "a.pdf"), BlockKind.TABLE)
    assert table.split("\n") == [
        "| Region | Sales | Sales |",
        "| Region | 2023 | 2024 |",
        "| North | 10 | 12 |",
        "| South | 7 | 9 |",
    ]


@pytest.mark.parametrize("repeat", [0, 1])
def test_a_table_over_many_pages_is_one_table_under_one_header(tmp_path: Path, repeat: int) -> None:
    made = io.BytesIO()
    rows = [["Name", "Age"], *[[f"Person {number}", str(number)] for number in range(120)]]
    SimpleDocTemplate(made).build([Table(rows, repeatRows=repeat, style=[("GRID", (0, 0), (-1, -1), 1, colors.black)])])
    document = parsed(tmp_path, made.getvalue(), "a.pdf")
    (table,) = document.blocks
    assert (len(table.rows), table.header_rows) == (121, 1)
    assert document.text.count("| Name | Age |") == 1
    assert len(document.page_starts) == 4
    assert document.text[document.page_starts[1] :].startswith("| Person")


def test_a_drawing_is_not_searched_for_tables(tmp_path: Path) -> None:
    made = io.BytesIO()
    sheet = canvas.Canvas(made)
    sheet.drawString(72, 700, "A drawing.")
    for number in range(60):
        sheet.line(100, 100 + number * 5, 400, 100 + number * 5)
        sheet.line(100 + number * 5, 100, 100 + number * 5, 400)
    sheet.save()
    assert parsed(tmp_path, made.getvalue(), "a.pdf").text == "A drawing."
    assert parsed(tmp_path, made.getvalue(), "a.pdf", ParseLimits(max_table_page_objects=50)).text == "A drawing."


def test_larger_type_makes_headings_where_there_is_no_outline(tmp_path: Path) -> None:
    document = parsed(tmp_path, a_pdf([FILLER], heading="The great title"), "a.pdf")
    assert headings(document) == [(1, "The great title")]
    assert document.blocks[-1].heading_path == ("The great title",)
    assert document.title == "The great title"


def test_the_title_that_a_person_gave_wins(tmp_path: Path) -> None:
    assert parsed(tmp_path, a_pdf([FILLER], title="Given title"), "a.pdf").title == "Given title"
    assert parsed(tmp_path, a_pdf([FILLER], title="Microsoft Word - x.doc", heading="Real"), "a.pdf").title == "Real"


def test_every_page_of_a_long_document_is_kept_and_progress_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(a_long_pdf(300))
    told: list[tuple[int, int]] = []
    document = parse(path, MediaType.PDF, on_progress=lambda done, total: told.append((done, total)))
    check(document)
    assert all(f"zq{number}." in document.text for number in range(1, 301))
    assert told[-1] == (300, 300)
    assert len(document.page_starts) == 300


def test_more_pages_than_allowed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentTooComplex, match="11 pages"):
        parsed(tmp_path, a_long_pdf(11), "a.pdf", ParseLimits(max_pages=10))


def test_pages_without_a_text_layer_are_named_and_blank_ones_are_not(tmp_path: Path) -> None:
    document = parsed(tmp_path, a_scanned_pdf(4, text_on=[2]), "a.pdf")
    assert document.pages_without_text == (1, 3, 4)
    assert document.text == "Text on page 2."
    assert parsed(tmp_path, a_long_pdf(2, text=""), "a.pdf").pages_without_text == ()


def test_a_password_is_asked_for_unless_the_empty_one_opens(tmp_path: Path) -> None:
    with pytest.raises(PasswordNeeded):
        parsed(tmp_path, a_pdf(["Secret."], password="open sesame"), "a.pdf")
    assert parsed(tmp_path, a_pdf(["Open."], password=""), "a.pdf").text == "Open."


@pytest.mark.parametrize("body", [b"%PDF-1.7\n", b"%PDF-1.7\n" + b"garbage " * 500, a_pdf()[:200]])
def test_what_is_no_pdf_inside_is_damaged(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(DamagedDocument):
        parsed(tmp_path, body, "a.pdf")


def test_words_cut_at_line_ends_are_made_whole_and_hyphenated_ones_stay(tmp_path: Path) -> None:
    line = "word " * 15
    body = a_pdf([f"A well-known fact. {line}\n{line}"])
    assert "well-known" in parsed(tmp_path, body, "a.pdf").text


def a_manual() -> bytes:
    """Two pages with an outline, a list, a listing, and a paragraph and a header that run over the page break."""
    made = io.BytesIO()
    sheet = canvas.Canvas(made, pagesize=(400, 600))
    for number, (title, lines) in enumerate(
        [
            (
                "First chapter",
                ["An introduction to it:", "• one entry", "• another entry", "", "It goes on and on and is an exam-"],
            ),
            ("Second chapter", ["ple of text that runs over a page.", "", "$ ls -l", "$ cd /tmp"]),
        ]
    ):
        if number == 0:
            sheet.bookmarkPage("first")
            sheet.addOutlineEntry(title, "first", 0)
            sheet.setFont("Helvetica", 10)
            sheet.drawString(50, 520, title)
        for step, line in enumerate(lines):
            sheet.setFont("Courier" if line.startswith("$") else "Helvetica", 10)
            sheet.drawString(50, 495 - 12 * step, line)
        sheet.showPage()
    sheet.save()
    return made.getvalue()


def test_the_outline_names_headings_and_layout_tells_the_rest(tmp_path: Path) -> None:
    document = parsed(tmp_path, a_manual(), "a.pdf")
    assert headings(document) == [(1, "First chapter")]
    assert texts(document, BlockKind.LIST) == ["- one entry\n- another entry"]
    assert texts(document, BlockKind.CODE) == ["$ ls -l\n$ cd /tmp"]
    assert "It goes on and on and is an example of text that runs over a page." in texts(document, BlockKind.PARAGRAPH)
    assert document.text[document.page_starts[1] :].startswith("ple of text")
