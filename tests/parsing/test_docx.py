import io
import zipfile
from pathlib import Path

import docx
import pytest
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn

from app.kit.blocks import BlockKind
from app.parsing.errors import DamagedDocument, DocumentTooComplex, PasswordNeeded
from app.parsing.limits import ParseLimits
from tests.parsing.support import headings, parsed, texts
from tests.support.documents import a_docx, a_zip

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")


def saved(document: "docx.document.Document") -> bytes:  # pyright: ignore[reportAttributeAccessIssue]
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def rewritten(body: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The archive with a replacement made in one part."""
    source = zipfile.ZipFile(io.BytesIO(body))
    return a_zip(
        {name: source.read(name).replace(old, new) if name == part else source.read(name) for name in source.namelist()}
    )


def test_headings_prose_lists_and_tables_come_in_order(tmp_path: Path) -> None:
    body = a_docx(
        heading="Guide",
        paragraphs=["One.", "Two."],
        items=["red", "green"],
        table=[["Name", "Age"], ["Ada", "36"]],
        title="T",
    )
    document = parsed(tmp_path, body, "a.docx")
    assert document.text == "Guide\n\nOne.\n\nTwo.\n\n- red\n- green\n\n| Name | Age |\n| Ada | 36 |"
    assert document.title == "T"
    assert document.blocks[-1].heading_path == ("Guide",)
    assert document.blocks[-1].header_rows == 1


def test_nested_and_numbered_lists_keep_depth_and_number(tmp_path: Path) -> None:
    made = docx.Document()
    for text, style in [("a", "List Number"), ("b", "List Number"), ("x", "List Bullet"), ("deep", "List Bullet 2")]:
        made.add_paragraph(text, style=style)
    (listed,) = texts(parsed(tmp_path, saved(made), "a.docx"), BlockKind.LIST)
    assert listed.split("\n")[:3] == ["1. a", "2. b", "- x"]


def test_merged_cells_repeat_their_text_in_every_place(tmp_path: Path) -> None:
    made = docx.Document()
    table = made.add_table(rows=3, cols=3)
    for row, cells in enumerate([["Region", "Q1", "Q2"], ["North", "1", "2"], ["", "3", "4"]]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(0, 1).merge(table.cell(0, 2))
    (found,) = texts(parsed(tmp_path, saved(made), "a.docx"), BlockKind.TABLE)
    assert found.split("\n") == ["| Region | Q1 Q2 | Q1 Q2 |", "| North | 1 | 2 |", "| North | 3 | 4 |"]


def test_a_table_of_one_column_is_a_frame_around_text(tmp_path: Path) -> None:
    document = parsed(tmp_path, a_docx(heading=None, paragraphs=[], table=[["Boxed text."]]), "a.docx")
    assert [block.kind for block in document.blocks] == [BlockKind.PARAGRAPH]


def test_tracked_changes_content_controls_and_breaks_read_as_accepted(tmp_path: Path) -> None:
    made = docx.Document()
    made.add_paragraph("Start.")
    for xml in (
        "<w:p><w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del></w:p>",
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>con</w:t><w:noBreakHyphen/><w:t>trol</w:t></w:r></w:p></w:sdtContent></w:sdt>",
        "<w:p><w:r><w:t>a</w:t><w:br/><w:t>b</w:t><w:tab/><w:instrText>PAGE</w:instrText></w:r></w:p>",
    ):
        made.element.body.insert(-1, parse_xml(xml.replace(">", f" {nsdecls('w')}>", 1)))
    assert parsed(tmp_path, saved(made), "a.docx").text == "Start.\n\nnew\n\ncon-trol\n\na\nb"


def test_text_boxes_follow_their_paragraph(tmp_path: Path) -> None:
    made = docx.Document()
    box = OxmlElement("w:txbxContent")
    box.append(parse_xml(f"<w:p {nsdecls('w')}><w:r><w:t>boxed</w:t></w:r></w:p>"))
    run = made.add_paragraph("outside").runs[0]
    run._r.append(box)
    assert parsed(tmp_path, saved(made), "a.docx").text == "outside\n\nboxed"


def test_footnotes_stand_behind_what_they_belong_to(tmp_path: Path) -> None:
    made = docx.Document()
    paragraph = made.add_paragraph("A claim.")
    reference = OxmlElement("w:footnoteReference")
    reference.set(qn("w:id"), "2")
    paragraph.runs[0]._r.append(reference)
    made.add_paragraph("After.")
    body = saved(made)
    with zipfile.ZipFile(io.BytesIO(body)) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    relations = "word/_rels/document.xml.rels"
    parts[relations] = parts[relations].replace(
        b"</Relationships>", f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/></Relationships>'.encode()
    )
    content_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(
        b"</Types>", f'<Override PartName="/word/footnotes.xml" ContentType="{content_type}"/></Types>'.encode()
    )
    parts["word/footnotes.xml"] = (
        f"<w:footnotes {nsdecls('w')}><w:footnote w:id='2'><w:p><w:r><w:t>The proof.</w:t></w:r></w:p></w:footnote>"
        "</w:footnotes>"
    ).encode()
    assert parsed(tmp_path, a_zip(parts), "a.docx").text == "A claim.[1]\n\n[1] The proof.\n\nAfter."


def test_code_styles_make_one_listing(tmp_path: Path) -> None:
    made = docx.Document()
    made.styles.add_style("Source Code", 1)
    for line in ("if x:", "    y()", "", "z()"):
        made.add_paragraph(line, style="Source Code")
    made.add_paragraph("Prose.")
    assert texts(parsed(tmp_path, saved(made), "a.docx"), BlockKind.CODE) == ["if x:\n    y()\n\nz()"]


def test_the_title_style_names_the_document(tmp_path: Path) -> None:
    made = docx.Document()
    made.add_heading("The title", level=0)
    made.add_heading("A part", level=2)
    document = parsed(tmp_path, saved(made), "a.docx")
    assert document.title == "The title"
    assert headings(document) == [(1, "The title"), (2, "A part")]


def test_the_strict_variant_is_read_like_the_usual_one(tmp_path: Path) -> None:
    usual, strict = b"http://schemas.openxmlformats.org/", b"http://purl.oclc.org/ooxml/"
    body = a_docx()
    with zipfile.ZipFile(io.BytesIO(body)) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    for name in ("_rels/.rels", "word/_rels/document.xml.rels"):
        parts[name] = parts[name].replace(usual + b"officeDocument/2006/", strict + b"officeDocument/")
    parts["word/document.xml"] = parts["word/document.xml"].replace(
        usual + b"wordprocessingml/2006/main", strict + b"wordprocessingml/main"
    )
    assert parsed(tmp_path, a_zip(parts), "a.docx").text == "A heading\n\nA paragraph of text."


def test_an_encrypted_file_asks_for_its_password(tmp_path: Path) -> None:
    with pytest.raises(PasswordNeeded):
        parsed(tmp_path, OLE, "a.docx")


def test_entities_are_refused_before_anything_reads_them(tmp_path: Path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    body = rewritten(a_docx(), "word/document.xml", b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>", bomb)
    with pytest.raises(DocumentTooComplex, match="entities"):
        parsed(tmp_path, body, "a.docx")


@pytest.mark.parametrize(
    "limits",
    [ParseLimits(max_archive_bytes=10_000), ParseLimits(max_archive_entries=3), ParseLimits(max_archive_ratio=20)],
)
def test_archives_beyond_their_limits_are_refused_unopened(tmp_path: Path, limits: ParseLimits) -> None:
    body = a_docx()
    with zipfile.ZipFile(io.BytesIO(body)) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    parts["word/media/bomb.bin"] = b"\0" * 3_000_000
    with pytest.raises(DocumentTooComplex, match="archive"):
        parsed(tmp_path, a_zip(parts), "a.docx", limits)


def test_broken_packages_are_damaged(tmp_path: Path) -> None:
    body = a_docx()
    for broken in (
        body[: len(body) // 2],
        a_zip({"word/document.xml": b"<w:document/>", "[Content_Types].xml": b"<Types/>"}),
    ):
        with pytest.raises(DamagedDocument):
            parsed(tmp_path, broken, "a.docx")


def test_a_table_beyond_the_limit_of_cells_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentTooComplex, match="cells"):
        parsed(tmp_path, a_docx(table=[["a", "b"]] * 20), "a.docx", ParseLimits(max_table_cells=30))


def test_one_of_several_ways_to_show_a_thing_is_read(tmp_path: Path) -> None:
    made = docx.Document()
    names = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    for choice in ("<mc:Choice><w:r><w:t>new</w:t></w:r></mc:Choice>", ""):
        fallback = "<mc:Fallback><w:r><w:t>old</w:t></w:r></mc:Fallback>"
        xml = f"<w:p {nsdecls('w')} {names}><mc:AlternateContent>{choice}{fallback}</mc:AlternateContent></w:p>"
        made.element.body.insert(-1, parse_xml(xml))
    assert parsed(tmp_path, saved(made), "a.docx").text == "new\n\nold"


def test_marked_header_rows_and_rows_in_containers_count(tmp_path: Path) -> None:
    made = docx.Document()
    table = made.add_table(rows=3, cols=2)
    for row, texts_ in enumerate([("2019", "1"), ("2020", "2"), ("a", "b")]):
        for column, text in enumerate(texts_):
            table.cell(row, column).text = text
    for row in table.rows[:2]:
        row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    wrapped = parse_xml(f"<w:sdt {nsdecls('w')}><w:sdtContent/></w:sdt>")
    last = table.rows[2]._tr
    last.addprevious(wrapped)
    wrapped[0].append(last)
    (found,) = parsed(tmp_path, saved(made), "a.docx").blocks
    assert (len(found.rows), found.header_rows) == (3, 2)
