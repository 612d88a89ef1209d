"""Real documents, made on the spot: every test that feeds the service a file makes it here.

>>> a_pdf(pages=["First page.", "Second page."], table=[["Name", "Age"], ["Ada", "36"]], table_page=2)
>>> a_docx(heading="Guide", paragraphs=["Text."], table=[["Name", "Age"], ["Ada", "36"]])
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import docx
from docx.document import Document as WordDocument
from pptx import Presentation
from pptx.presentation import Presentation as SlideShow
from pptx.util import Inches
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen import canvas
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table
from xlsxwriter import Workbook

Rows = Sequence[Sequence[str]]


def a_pdf(
    pages: Sequence[str] = ("A page of text.",),
    *,
    table: Rows | None = None,
    table_page: int = 1,
    heading: str | None = None,
    title: str | None = None,
    password: str | None = None,
) -> bytes:
    """A PDF with a text layer: a paragraph per line of each page, a ruled table at the end of page ``table_page``."""
    styles = getSampleStyleSheet()
    story: list[Flowable] = [Paragraph(escape(heading), styles["Heading1"])] if heading else []
    for number, text in enumerate(pages, start=1):
        for line in text.split("\n"):
            story += [Paragraph(escape(line), styles["BodyText"]), Spacer(1, 6)]
        if table is not None and number == table_page:
            story.append(Table([list(row) for row in table], style=[("GRID", (0, 0), (-1, -1), 1, colors.black)]))
        if number < len(pages):
            story.append(PageBreak())
    made = io.BytesIO()
    SimpleDocTemplate(made, pagesize=A4, title=title or "", author="", encrypt=password).build(story)
    return made.getvalue()


def a_long_pdf(pages: int, text: str = "Page {n} says that the code word is zq{n}.") -> bytes:
    """A PDF of any number of pages with one line of text each, made quickly."""
    made = io.BytesIO()
    sheet = canvas.Canvas(made, pagesize=A4)
    for number in range(1, pages + 1):
        sheet.drawString(72, 500, text.format(n=number))
        sheet.showPage()
    sheet.save()
    return made.getvalue()


def a_scanned_pdf(pages: int = 1, *, text_on: Sequence[int] = ()) -> bytes:
    """A PDF whose pages are drawings without any text layer, but for those named in ``text_on``."""
    made = io.BytesIO()
    sheet = canvas.Canvas(made, pagesize=A4)
    for number in range(1, pages + 1):
        sheet.rect(100, 100, 300, 500, fill=1)
        if number in text_on:
            sheet.drawString(72, 700, f"Text on page {number}.")
        sheet.showPage()
    sheet.save()
    return made.getvalue()


def a_docx(
    *,
    heading: str | None = "A heading",
    paragraphs: Sequence[str] = ("A paragraph of text.",),
    items: Sequence[str] = (),
    table: Rows | None = None,
    title: str | None = None,
) -> bytes:
    """A Word document."""
    document = docx.Document()
    if title:
        document.core_properties.title = title
    if heading:
        document.add_heading(heading, level=1)
    for text in paragraphs:
        document.add_paragraph(text)
    for text in items:
        document.add_paragraph(text, style="List Bullet")
    if table is not None:
        made = document.add_table(rows=len(table), cols=len(table[0]))
        for row, cells in zip(made.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    return _saved(document)


def an_xlsx(sheets: Mapping[str, Sequence[Sequence[object]]] | None = None) -> bytes:
    """An Excel workbook: sheets by their name, written cell by cell."""
    made = io.BytesIO()
    with Workbook(made, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        for name, rows in (sheets or {"People": (("Name", "Age"), ("Ada", 36))}).items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return made.getvalue()


def a_pptx(
    slides: Mapping[str, Sequence[str]] | None = None, *, table: Rows | None = None, notes: str | None = None
) -> bytes:
    """A presentation: for each title a slide with its points; the table and the notes are on the last slide."""
    show: Any = Presentation()
    for title, points in (slides or {"A title": ("A point.", "Another point.")}).items():
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text_frame.text = "\n".join(points)
    if table is not None:
        frame = slide.shapes.add_table(len(table), len(table[0]), Inches(1), Inches(6), Inches(8), Inches(1))
        for row, cells in zip(frame.table.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    if notes is not None:
        slide.notes_slide.notes_text_frame.text = notes
    return _saved(show)


def _saved(document: WordDocument | SlideShow) -> bytes:
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def an_html(
    body: str | None = None,
    *,
    title: str = "A page",
    heading: str | None = "A heading",
    paragraphs: Sequence[str] = ("A paragraph of text.",),
    table: Rows | None = None,
) -> bytes:
    """A page with navigation and a footer around its main content; ``body`` replaces that content."""
    if body is None:
        parts = [f"<h1>{escape(heading)}</h1>"] if heading else []
        parts += [f"<p>{escape(text)}</p>" for text in paragraphs]
        parts += [_html_table(table)] if table is not None else []
        body = "\n".join(parts)
    return (
        f"<!doctype html><html lang='en'><head><title>{escape(title)}</title></head><body>"
        f"<nav><a href='/'>Home</a></nav><main>{body}</main><footer>All rights reserved</footer></body></html>"
    ).encode()


def _html_table(rows: Rows) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + row(rows[0], "th") + "".join(row(cells, "td") for cells in rows[1:]) + "</table>"


def a_markdown(
    *,
    heading: str | None = "A heading",
    paragraphs: Sequence[str] = ("A paragraph of text.",),
    table: Rows | None = None,
    front_matter: Mapping[str, str] | None = None,
) -> bytes:
    """A Markdown document."""
    parts: list[str] = []
    if front_matter:
        parts.append("---\n" + "\n".join(f"{key}: {value}" for key, value in front_matter.items()) + "\n---")
    parts += [f"# {heading}"] if heading else []
    parts += paragraphs
    if table is not None:
        rows = ["| " + " | ".join(row) + " |" for row in table]
        parts.append("\n".join([rows[0], "|" + " --- |" * len(table[0]), *rows[1:]]))
    return ("\n\n".join(parts) + "\n").encode()


def an_epub(
    chapters: Mapping[str, str] | None = None, *, title: str = "A book", declare_titles_in_text: bool = True
) -> bytes:
    """An EPUB 3 book: chapters by their title, each with its text as one paragraph."""
    chapters = chapters or {"First chapter": "It was a dark and stormy night.", "Second chapter": "Then came the day."}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        items = "".join(
            f'<item id="c{number}" href="text/c%20{number}.xhtml" media-type="application/xhtml+xml"/>'
            for number in range(len(chapters))
        )
        spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
        archive.writestr(
            "OEBPS/book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title>'
            "<dc:language>en</dc:language></metadata><manifest>"
            '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
            f"{items}</manifest><spine>{spine}</spine></package>",
        )
        links = "".join(
            f'<li><a href="text/c%20{number}.xhtml">{escape(name)}</a></li>' for number, name in enumerate(chapters)
        )
        archive.writestr("OEBPS/nav.xhtml", f"<html><body><nav><ol>{links}</ol></nav></body></html>")
        for number, (name, text) in enumerate(chapters.items()):
            head = f"<h1>{escape(name)}</h1>" if declare_titles_in_text else ""
            archive.writestr(f"OEBPS/text/c {number}.xhtml", f"<html><body>{head}<p>{escape(text)}</p></body></html>")
    return made.getvalue()


def a_csv(rows: Rows = (("Name", "Age"), ("Ada", "36")), *, delimiter: str = ",") -> bytes:
    """A file of delimited values."""
    return "".join(delimiter.join(row) + "\r\n" for row in rows).encode()


def a_zip(entries: Mapping[str, bytes | str]) -> bytes:
    """An archive of exactly these entries, compressed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return made.getvalue()
