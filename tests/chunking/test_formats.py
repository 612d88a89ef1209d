"""The promises of parsing and chunking together, for every format."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.chunking.policy import ChunkingPolicy
from app.kit.blocks import ParsedDocument
from tests.chunking.support import chunked
from tests.parsing.support import parsed
from tests.support.documents import a_csv, a_docx, a_markdown, a_pdf, a_pptx, an_epub, an_html, an_xlsx

WORDS = st.lists(
    st.sampled_from(["alpha", "Beta.", "naïve", "ﬁsh", "e\u0301tude", "x\u200by", "12,5", "Straße", "a&b"]),
    min_size=3,
    max_size=150,
).map(" ".join)
CELLS = st.lists(
    st.lists(st.sampled_from(["Ada", "Emmy", "a|b", "42", "São"]), min_size=3, max_size=3), min_size=1, max_size=60
)

Maker = Callable[[str, list[str], list[list[str]]], bytes]
MAKERS: dict[str, Maker] = {
    "pdf": lambda head, texts, rows: a_pdf(texts, heading=head, table=rows, table_page=len(texts)),
    "docx": lambda head, texts, rows: a_docx(heading=head, paragraphs=texts, table=rows),
    "xlsx": lambda head, texts, rows: an_xlsx({head: rows, "Texts": [[text] for text in texts]}),
    "pptx": lambda head, texts, rows: a_pptx({head: texts}, table=rows, notes=texts[0]),
    "html": lambda head, texts, rows: an_html(heading=head, paragraphs=texts, table=rows),
    "md": lambda head, texts, rows: a_markdown(
        heading=head, paragraphs=texts, table=[[cell.replace("|", "\\|") for cell in row] for row in rows]
    ),
    "epub": lambda head, texts, rows: an_epub({f"{head} {number}": text for number, text in enumerate(texts)}),
    "txt": lambda head, texts, rows: "\n\n".join([f"{head}\n=====", *texts]).encode(),
    "csv": lambda head, texts, rows: a_csv(rows),
}  # fmt: skip
SMALL = ChunkingPolicy(parent_tokens=100, target_tokens=40, max_tokens=60, hard_cap_tokens=80)


def read(body: bytes, name: str) -> ParsedDocument:
    with tempfile.TemporaryDirectory() as folder:
        return parsed(Path(folder), body, name)


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(WORDS, min_size=1, max_size=5), rows=CELLS)
def test_every_chunk_is_the_text_at_its_offsets(kind: str, texts: list[str], rows: list[list[str]]) -> None:
    document = read(MAKERS[kind]("Heading", texts, [["Name", "Age", "Town"], *rows]), f"a.{kind}")
    for policy in (ChunkingPolicy(), SMALL):
        chunked(document, policy)


@pytest.mark.parametrize("kind", ["pdf", "docx", "xlsx", "pptx", "html", "md", "csv"])
def test_a_cell_is_found_with_its_row_and_its_header(kind: str) -> None:
    rows = [[f"Person {number}", str(20 + number), f"Town {number}"] for number in range(60)]
    document = read(MAKERS[kind]("People", ["Everyone."], [["Name", "Age", "Town"], *rows]), f"a.{kind}")
    found = [draft.content for draft in chunked(document).chunks if "Town 47" in draft.content]
    assert len(found) == 1
    assert "| Name | Age | Town |" in found[0]
    assert "| Person 47 | 67 | Town 47 |" in found[0]
