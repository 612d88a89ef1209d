"""Making documents for the chunker, counting tokens cheaply, and checking every promise it makes."""

import re

from hypothesis import strategies as st

from app.chunking.chunk import chunk
from app.chunking.drafts import Chunked
from app.chunking.policy import ChunkingPolicy
from app.kit.blocks import BlockKind, ParsedDocument
from app.parsing.builder import TextBuilder
from app.parsing.limits import ParseLimits
from app.parsing.render import Item

_PIECE = re.compile(r"\w{1,6}|[^\w\s]")


def count(text: str) -> int:
    """Tokens of at most six letters; signs are tokens too."""
    return len(_PIECE.findall(text))


def a_builder() -> TextBuilder:
    return TextBuilder(ParseLimits())


def chunked(document: ParsedDocument, policy: ChunkingPolicy | None = None) -> Chunked:
    """The document's chunks, with every promise checked."""
    policy = policy or ChunkingPolicy()
    result = chunk(document, policy, count)
    check(document, policy, result)
    return result


def check(document: ParsedDocument, policy: ChunkingPolicy, result: Chunked) -> None:
    """What holds of every result."""
    text = document.text
    assert [draft.ordinal for draft in result.chunks] == list(range(len(result.chunks)))
    assert [parent.ordinal for parent in result.parents] == list(range(len(result.parents)))
    for draft in result.chunks:
        assert draft.content == draft.prefix + text[draft.char_start : draft.char_end]
        assert draft.content.strip()
        assert draft.token_count == count(draft.content)
        parent = result.parents[draft.parent]
        assert parent.char_start <= draft.char_start < draft.char_end <= parent.char_end
        if draft.token_count > policy.hard_cap_tokens:
            assert draft.ordinal in result.oversized
            assert draft.kind is BlockKind.TABLE
    if policy.overlap_tokens == 0:
        check_coverage(document, result)
    check_rows(document, result)


def check_coverage(document: ParsedDocument, result: Chunked) -> None:
    """Chunks neither overlap nor leave out anything but white space."""
    at = 0
    for draft in result.chunks:
        assert draft.char_start >= at
        assert not document.text[at : draft.char_start].strip()
        at = draft.char_end
    assert not document.text[at:].strip()


def check_rows(document: ParsedDocument, result: Chunked) -> None:
    """No border of a chunk lies inside a row of a table."""
    borders = {border for draft in result.chunks for border in (draft.char_start, draft.char_end)}
    for block in document.blocks:
        for start, end in block.rows:
            assert not any(start < border < end for border in borders)


WORDS = st.lists(
    st.sampled_from(["alpha", "beta.", "Gamma", "delta!", "I", "9.5", "字字字。", "x" * 90]), min_size=1, max_size=120
)
PROSE = WORDS.map(" ".join)
BLOCKS = st.one_of(
    st.tuples(st.just("heading"), PROSE.map(lambda text: text[:60]), st.integers(1, 6)),
    st.tuples(st.just("paragraph"), PROSE),
    st.tuples(st.just("code"), st.lists(PROSE.map(lambda text: text[:200]), max_size=60).map("\n".join)),
    st.tuples(st.just("list"), st.lists(PROSE, max_size=20)),
    st.tuples(
        st.just("table"),
        st.lists(st.lists(PROSE.map(lambda text: text[:400]), min_size=2, max_size=3), max_size=40),
        st.integers(0, 2),
    ),
    st.tuples(st.just("page")),
)


@st.composite
def documents(draw: st.DrawFn) -> ParsedDocument:
    """Any document that a parser could build."""
    builder = a_builder()
    for kind, *given in draw(st.lists(BLOCKS, max_size=15)):
        match kind:
            case "heading":
                builder.heading(given[0], given[1])
            case "paragraph":
                builder.paragraph(given[0])
            case "code":
                builder.code(given[0])
            case "list":
                builder.list([Item(text, number % 3) for number, text in enumerate(given[0])])
            case "table":
                builder.table(given[0], given[1])
            case _:
                builder.begin_page()
    return builder.build(title=draw(st.sampled_from([None, "A title"])))
