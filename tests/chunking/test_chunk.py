import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.chunking.chunk import chunk
from app.chunking.embedding_text import MAX_CONTEXT_CHARS, embedding_text
from app.chunking.policy import ChunkingPolicy
from app.kit.blocks import BlockKind, ParsedDocument
from app.kit.errors import Invalid
from app.parsing.builder import Item
from tests.chunking.support import a_builder, chunked, count, documents

SENTENCE = "The quick brown fox jumps over the lazy dog near the river."
SMALL = ChunkingPolicy(parent_tokens=100, target_tokens=40, max_tokens=60, hard_cap_tokens=80)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents(), st.sampled_from([ChunkingPolicy(), SMALL]))
def test_every_document_keeps_every_promise(document: ParsedDocument, policy: ChunkingPolicy) -> None:
    chunked(document, policy)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents(), st.integers(1, 20))
def test_overlap_repeats_text_but_leaves_none_out(document: ParsedDocument, overlap: int) -> None:
    policy = ChunkingPolicy(
        parent_tokens=100, target_tokens=40, max_tokens=60, hard_cap_tokens=80, overlap_tokens=overlap
    )
    result = chunked(document, policy)
    covered = {at for draft in result.chunks for at in range(draft.char_start, draft.char_end)}
    assert all(at in covered or letter.isspace() for at, letter in enumerate(document.text))


def test_an_empty_document_has_no_chunks() -> None:
    assert chunked(a_builder().build()).chunks == ()


def test_the_same_document_gives_the_same_chunks() -> None:
    builder = a_builder()
    for number in range(50):
        builder.paragraph(f"{SENTENCE} {number}")
    assert chunked(builder.build()) == chunked(builder.build())


def test_a_short_document_is_one_chunk() -> None:
    builder = a_builder()
    builder.heading("Title", 1)
    builder.paragraph(SENTENCE)
    (only,) = chunked(builder.build()).chunks
    assert only.content == f"Title\n\n{SENTENCE}"
    assert only.heading_path == ("Title",)
    assert only.kind is BlockKind.PARAGRAPH


def test_long_sections_start_their_own_chunks_and_name_them() -> None:
    builder = a_builder()
    for name in ("One", "Two", "Three"):
        builder.heading(name, 2)
        builder.paragraph(" ".join([SENTENCE] * 24))
    result = chunked(builder.build())
    assert [draft.heading_path for draft in result.chunks] == [("One",), ("Two",), ("Three",)]
    assert [draft.content[:5] for draft in result.chunks] == ["One\n\n", "Two\n\n", "Three"]


def test_a_heading_is_never_left_behind() -> None:
    builder = a_builder()
    for number in range(40):
        builder.heading(f"Heading {number}", 1 + number % 3)
        builder.paragraph(" ".join([SENTENCE] * (1 + number % 17)))
    document = builder.build()
    headings = [block for block in document.blocks if block.kind is BlockKind.HEADING]
    for draft in chunked(document).chunks:
        assert not any(block.end == draft.char_end for block in headings)


def test_prose_is_cut_between_sentences() -> None:
    builder = a_builder()
    builder.paragraph(" ".join([SENTENCE] * 200))
    result = chunked(builder.build())
    assert len(result.chunks) > 4
    assert all(draft.content.startswith("The quick") and draft.content.endswith("river.") for draft in result.chunks)
    assert all(300 <= draft.token_count <= 500 for draft in result.chunks)


def test_a_sentence_without_end_is_cut_between_words_and_a_word_without_end_inside() -> None:
    builder = a_builder()
    builder.paragraph("word " * 3000)
    builder.paragraph("x" * 20_000)
    chunks = chunked(builder.build()).chunks
    assert all(draft.token_count <= 500 for draft in chunks)
    assert all("wo rd" not in draft.content and not draft.content.endswith("wor") for draft in chunks)


def test_a_table_is_cut_between_rows_with_its_header_repeated() -> None:
    builder = a_builder()
    builder.heading("Ages", 1)
    builder.table([["Name", "Age"], *[[f"Person {number}", str(number)] for number in range(300)]], 1)
    first, *others = chunked(builder.build()).chunks
    assert first.prefix == ""
    assert "| Name | Age |\n| Person 0 | 0 |" in first.content
    assert len(others) >= 3
    assert all(draft.content.startswith("| Name | Age |\n| Person ") for draft in others)
    assert all(draft.kind is BlockKind.TABLE and draft.heading_path == ("Ages",) for draft in others)


def test_a_row_beyond_every_cap_is_kept_whole_and_reported() -> None:
    builder = a_builder()
    builder.table([["Name", "Story"], ["short", "one"], ["long", "word " * 2000], ["short", "two"]], 1)
    result = chunked(builder.build())
    (long,) = (draft for draft in result.chunks if draft.token_count > 800)
    assert long.content.startswith("| Name | Story |\n| long | word word")
    assert long.content.endswith(" |")
    assert result.oversized == (long.ordinal,)


def test_a_header_too_large_to_repeat_is_not_repeated() -> None:
    builder = a_builder()
    builder.table([["name " * 300, "b"], *[["row " * 30, "x"]] * 30], 1)
    assert all(draft.prefix == "" for draft in chunked(builder.build()).chunks)


def test_code_is_kept_whole_up_to_the_hard_cap_and_cut_between_lines_beyond() -> None:
    whole = "\n".join(f"    call({number})" for number in range(150))
    large = "\n".join(f"    call({number})" for number in range(600))
    builder = a_builder()
    builder.paragraph(SENTENCE)
    builder.code(whole)
    builder.code(large)
    chunks = chunked(builder.build()).chunks
    assert 500 < count(whole) < 800
    assert whole.lstrip("\n") in {draft.content for draft in chunks}
    assert all(draft.content.rstrip().endswith(")") for draft in chunks if draft.kind is BlockKind.CODE)


def test_a_list_is_cut_between_entries() -> None:
    builder = a_builder()
    builder.list([Item(f"{SENTENCE} {number}") for number in range(100)])
    assert all(draft.content.startswith("- The") for draft in chunked(builder.build()).chunks)


def test_parents_are_larger_and_follow_chapters() -> None:
    builder = a_builder()
    for chapter in range(3):
        builder.heading(f"Chapter {chapter}", 1)
        for section in range(3):
            builder.heading(f"Section {chapter}.{section}", 2)
            builder.paragraph(" ".join([SENTENCE] * 20))
    result = chunked(builder.build())
    assert [parent.heading_path for parent in result.parents] == [(f"Chapter {number}",) for number in range(3)]


def test_pages_are_told_by_where_the_chunk_begins() -> None:
    builder = a_builder()
    for _ in range(3):
        builder.begin_page()
        builder.paragraph(" ".join([SENTENCE] * 30))
    assert [draft.page for draft in chunked(builder.build()).chunks] == [1, 2, 3]


def test_a_counter_that_sees_more_in_some_scripts_still_holds_the_maximum() -> None:
    builder = a_builder()
    builder.paragraph((SENTENCE + " ") * 100 + "字" * 5000)
    document = builder.build()
    policy = ChunkingPolicy()
    for draft in chunk(document, policy, lambda text: len(text.encode()) // 3).chunks:
        assert draft.token_count <= policy.max_tokens


@pytest.mark.parametrize(
    "sizes",
    [
        {"target_tokens": 10},
        {"target_tokens": 400, "max_tokens": 300},
        {"hard_cap_tokens": 499},
        {"parent_tokens": 100},
        {"overlap_tokens": 300},
    ],
)
def test_sizes_that_contradict_each_other_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        ChunkingPolicy(**sizes)


def test_what_is_embedded_leads_with_where_it_stands() -> None:
    assert embedding_text("Guide", ("Install", "Linux"), "Run it.") == "Guide > Install > Linux\nRun it."
    assert embedding_text("Guide", ("Guide", "Linux"), "Run it.") == "Guide > Linux\nRun it."
    assert embedding_text(None, (), "Run it.") == "Run it."


def test_a_long_path_gives_up_its_outer_headings_first() -> None:
    line, content = embedding_text("Title", ("outer " * 30, "middle " * 10, "inner"), "text").split("\n")
    assert line.startswith("Title > middle")
    assert line.endswith("> inner")
    assert len(line) <= MAX_CONTEXT_CHARS
    assert content == "text"
