import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Inches

from app.kit.blocks import BlockKind
from app.parsing.errors import DamagedDocument, DocumentTooComplex, PasswordNeeded
from app.parsing.limits import ParseLimits
from tests.parsing.support import headings, parsed, texts
from tests.support.documents import a_pptx, a_zip

ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")
TITLE_ONLY, BLANK = 5, 6


class Show:
    """A presentation in the making."""

    def __init__(self) -> None:
        self.show: Any = Presentation()

    def slide(self, layout: int = BLANK, title: str | None = None) -> Any:
        made = self.show.slides.add_slide(self.show.slide_layouts[layout])
        if title is not None:
            made.shapes.title.text = title
        return made

    def saved(self) -> bytes:
        made = io.BytesIO()
        self.show.save(made)
        return made.getvalue()


def box(shapes: Any, text: str, left: float, top: float) -> None:
    shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(0.5)).text_frame.text = text


def picture() -> io.BytesIO:
    made = io.BytesIO()
    Image.new("RGB", (20, 20)).save(made, "PNG")
    made.seek(0)
    return made


def parts_of(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_slide_is_a_page_with_its_title_points_table_and_notes(tmp_path: Path) -> None:
    body = a_pptx(
        {"Welcome": ["Hello."], "Plan": ["First", "Second"]},
        table=[["Name", "Age"], ["Ada", "36"]],
        notes="Speak slowly.\nSmile.",
    )
    document = parsed(tmp_path, body, "a.pptx")
    assert document.text == (
        "Welcome\n\nHello.\n\nPlan\n\n- First\n- Second\n\n| Name | Age |\n| Ada | 36 |\n\nSpeak slowly.\n\nSmile."
    )
    assert headings(document) == [(1, "Welcome"), (1, "Plan")]
    assert document.page_starts == (0, document.text.index("Plan"))
    assert [block.page for block in document.blocks] == [1, 1, 2, 2, 2, 2, 2]
    table = next(block for block in document.blocks if block.kind is BlockKind.TABLE)
    assert (table.header_rows, table.heading_path) == (1, ("Plan",))


def test_shapes_are_read_line_by_line_and_groups_in_their_place(tmp_path: Path) -> None:
    show = Show()
    slide = show.slide(TITLE_ONLY, "Order")
    box(slide.shapes, "right", 5, 2)
    box(slide.shapes, "bottom", 1, 6)
    box(slide.shapes, "left", 1, 2.05)
    group = slide.shapes.add_group_shape()
    box(group.shapes, "inner right", 4, 4)
    inner = group.shapes.add_group_shape()
    box(inner.shapes, "inner left", 1, 4)
    assert parsed(tmp_path, show.saved(), "a.pptx").text.split("\n\n") == [
        "Order", "left", "right", "inner left", "inner right", "bottom",
    ]  # fmt: skip


def test_levels_numbers_and_paragraphs_without_bullets(tmp_path: Path) -> None:
    show = Show()
    slide = show.slide(1, "Lists")
    frame = slide.placeholders[1].text_frame
    frame.text = "one\ninner\nuntitled prose\ntwo"
    frame.paragraphs[1].level = 1
    frame.paragraphs[2]._p.get_or_add_pPr().append(parse_xml(f"<a:buNone {nsdecls('a')}/>"))
    slide.shapes.add_textbox(Inches(1), Inches(6), Inches(3), Inches(1)).text_frame.text = "a\nb\vmore"
    for paragraph in slide.shapes[2].text_frame.paragraphs:
        mark = parse_xml(f'<a:buAutoNum {nsdecls("a")} type="arabicPeriod"/>')
        paragraph._p.get_or_add_pPr().append(mark)
    document = parsed(tmp_path, show.saved(), "a.pptx")
    assert texts(document, BlockKind.LIST) == ["- one\n  - inner", "- two", "1. a\n2. b\n  more"]
    assert texts(document, BlockKind.PARAGRAPH) == ["untitled prose"]


def test_merged_cells_are_repeated(tmp_path: Path) -> None:
    show = Show()
    table = show.slide(TITLE_ONLY, "T").shapes.add_table(3, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    for row, cells in enumerate((("Who", "Reach", ""), ("A", "1", "2"), ("", "3", "4"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(1, 0).merge(table.cell(2, 0))
    assert texts(parsed(tmp_path, show.saved(), "a.pptx"), BlockKind.TABLE) == [
        "| Who | Reach | Reach |\n| A | 1 | 2 |\n| A | 3 | 4 |"
    ]


def test_a_slide_without_a_title_does_not_belong_to_the_one_before(tmp_path: Path) -> None:
    show = Show()
    show.slide(TITLE_ONLY, "Named")
    box(show.slide().shapes, "Text alone.", 1, 1)
    document = parsed(tmp_path, show.saved(), "a.pptx")
    assert document.text == "Named\n\nSlide 2\n\nText alone."
    assert document.blocks[-1].heading_path == ("Slide 2",)


def test_only_slides_that_hold_nothing_but_pictures_are_pages_without_text(tmp_path: Path) -> None:
    show = Show()
    show.slide()
    show.slide().shapes.add_picture(picture(), 0, 0)
    both = show.slide(TITLE_ONLY, "Both")
    both.shapes.add_picture(picture(), 0, 0)
    show.slide().shapes.add_group_shape().shapes.add_picture(picture(), 0, 0)
    document = parsed(tmp_path, show.saved(), "a.pptx")
    assert document.pages_without_text == (2, 4)
    assert len(document.page_starts) == 4
    assert (document.blocks[0].page, document.text) == (3, "Both")


def test_a_chart_is_left_out_with_a_warning(tmp_path: Path) -> None:
    show = Show()
    data = CategoryChartData()
    data.categories = ["a"]
    data.add_series("s", (1,))
    slide = show.slide(TITLE_ONLY, "Chart")
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, Inches(1), Inches(1), Inches(3), Inches(3), data)
    document = parsed(tmp_path, show.saved(), "a.pptx")
    assert (document.text, len(document.warnings)) == ("Chart", 1)


def test_a_slide_show_is_read_like_a_presentation(tmp_path: Path) -> None:
    parts = parts_of(a_pptx())
    types = parts["[Content_Types].xml"].replace(b"presentation.main+xml", b"slideshow.main+xml")
    document = parsed(tmp_path, a_zip({**parts, "[Content_Types].xml": types}), "a.ppsx")
    assert document.text == "A title\n\n- A point.\n- Another point."


def test_the_strict_variant_is_read_too(tmp_path: Path) -> None:
    usual, strict = b"http://schemas.openxmlformats.org/", b"http://purl.oclc.org/ooxml/"
    parts = parts_of(a_pptx(table=[["a", "b"], ["c", "d"]]))
    for name, part in parts.items():
        for folder in (b"officeDocument/%brelationships", b"presentationml/%bmain", b"drawingml/%bmain"):
            part = part.replace(usual + folder % b"2006/", strict + folder % b"")  # noqa: PLW2901 - step by step
        parts[name] = part
    text = parsed(tmp_path, a_zip(parts), "a.pptx").text
    assert text == "A title\n\n- A point.\n- Another point.\n\n| a | b |\n| c | d |"


def test_a_password_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(PasswordNeeded):
        parsed(tmp_path, ENCRYPTED, "a.pptx")


def test_what_is_missing_or_cut_is_damaged(tmp_path: Path) -> None:
    body = a_pptx()
    parts = parts_of(body)
    for broken in (
        body[: len(body) // 2],
        a_zip({name: part for name, part in parts.items() if name != "ppt/slides/slide1.xml"}),
        a_zip({**parts, "ppt/slides/slide1.xml": b"<p:sld"}),
        a_zip({**parts, "ppt/slides/slide1.xml": b"<a/>"}),
        a_zip({"[Content_Types].xml": b"<Types/>", "ppt/other.xml": b"<x/>"}),
        a_zip({**parts, "[Content_Types].xml": parts["[Content_Types].xml"].replace(b"presentation.main", b"x.main")}),
    ):
        with pytest.raises(DamagedDocument):
            parsed(tmp_path, broken, "a.pptx")


def test_bombs_and_too_many_slides_or_cells_are_refused(tmp_path: Path) -> None:
    body = a_pptx({"A": ["a"], "B": ["b"]}, table=[["a", "b"]] * 20)
    for limits in (ParseLimits(max_pages=1), ParseLimits(max_table_cells=30), ParseLimits(max_archive_bytes=1000)):
        with pytest.raises(DocumentTooComplex):
            parsed(tmp_path, body, "a.pptx", limits)
    parts = parts_of(body)
    with pytest.raises(DocumentTooComplex, match="bombs"):
        parsed(tmp_path, a_zip({**parts, "ppt/media/x.png": b" " * 5_000_000}), "a.pptx")
