"""The flow: units, the best borders between them, exact counts, parents, overlap."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from app.chunking.borders import PathCost, unit_borders
from app.chunking.drafts import ChunkDraft, Chunked, ParentDraft
from app.chunking.embedding_text import context_line
from app.chunking.estimate import estimate_tokens
from app.chunking.groups import Group, Measure
from app.chunking.overlap import overlapped
from app.chunking.parents import common_section, parent_cuts
from app.chunking.partition import partition
from app.chunking.policy import ChunkingPolicy
from app.chunking.units import CountTokens, units_of
from app.kit.blocks import Block, BlockKind, ParsedDocument


def chunk(document: ParsedDocument, policy: ChunkingPolicy, count_tokens: CountTokens) -> Chunked:
    """Cuts a document into chunks and parents. The same input gives the same output; sizes are in counted tokens.

    Chunks come in order and, without overlap, hold every character of every block once; each lies inside its parent.
    """
    groups = _groups(document, policy, count_tokens)
    cuts = parent_cuts(document, groups, policy)
    parents: list[ParentDraft] = []
    chunks: list[ChunkDraft] = []
    for ordinal, (begin, end) in enumerate(pairwise([*cuts, len(groups)])):
        members = groups[begin:end]
        first, last = members[0].units[0].block, members[-1].units[-1].block
        path = common_section(document, first, last)
        parents.append(ParentDraft(ordinal, members[0].start, members[-1].end, path))
        for number, group in enumerate(members):
            before = members[number - 1] if number else None
            start = overlapped(document.text, before, group, policy, count_tokens)
            chunks.append(_draft(document, group, start, len(chunks), ordinal, count_tokens))
    over = tuple(draft.ordinal for draft in chunks if draft.token_count > policy.hard_cap_tokens)
    return Chunked(tuple(parents), tuple(chunks), over)


def _groups(document: ParsedDocument, policy: ChunkingPolicy, count_tokens: CountTokens) -> list[Group]:
    units = units_of(document, policy, count_tokens)
    headers, header_tokens = _headers(document, policy)
    context_tokens = _context_counter(document.title)
    borders = unit_borders(document, units, header_tokens, context_tokens)
    room = policy.max_tokens - policy.overlap_tokens
    cuts = partition([unit.tokens for unit in units], borders, min(policy.target_tokens, room), room)
    measure = Measure(document, policy, count_tokens, headers, context_tokens)
    groups: list[Group] = []
    for begin, end in pairwise([*cuts, len(units)]):
        groups.extend(measure.groups(units[begin:end], borders[begin:end]))
    return groups


def _headers(document: ParsedDocument, policy: ChunkingPolicy) -> tuple[list[str], list[int]]:
    """Per block, the table header to repeat in front of a continuation, and its size.

    A header of more than half the target is not repeated: it would leave no room for rows.
    """
    texts = [_header_text(document.text, block) for block in document.blocks]
    sizes = [estimate_tokens(text) for text in texts]
    for index, size in enumerate(sizes):
        if size > policy.target_tokens // 2:
            texts[index], sizes[index] = "", 0
    return texts, sizes


def _header_text(text: str, block: Block) -> str:
    if block.kind is not BlockKind.TABLE or not 0 < block.header_rows < len(block.rows):
        return ""
    return text[block.rows[0][0] : block.rows[block.header_rows - 1][1]] + "\n"


def _context_counter(title: str | None) -> PathCost:
    """Counts the line that is embedded in front of a chunk, each path once."""
    known: dict[tuple[str, ...], int] = {}

    def cost(path: tuple[str, ...]) -> int:
        if path not in known:
            known[path] = estimate_tokens(context_line(title, path))
        return known[path]

    return cost


def _draft(
    document: ParsedDocument, group: Group, start: int, ordinal: int, parent: int, count_tokens: CountTokens
) -> ChunkDraft:
    first, last = group.units[0], group.units[-1]
    content, tokens = document.text[start : group.end], group.tokens
    if start < group.start:
        tokens = count_tokens(content)
    elif group.prefix:
        content = group.prefix + content
    return ChunkDraft(
        ordinal=ordinal,
        content=content,
        prefix=group.prefix,
        char_start=start,
        char_end=group.end,
        page=_page_at(document, start, document.blocks[first.block]),
        heading_path=common_section(document, first.block, last.block),
        token_count=tokens,
        parent=parent,
        kind=_main_kind(document.blocks, group),
    )


def _page_at(document: ParsedDocument, offset: int, block: Block) -> int | None:
    if not document.page_starts:
        return block.page
    return max(1, bisect_right(document.page_starts, offset))


def _main_kind(blocks: Sequence[Block], group: Group) -> BlockKind:
    """The kind that most characters of the group are of, headings only where there is nothing else."""
    sizes: Counter[BlockKind] = Counter()
    for unit in group.units:
        sizes[blocks[unit.block].kind] += unit.end - unit.start
    if len(sizes) > 1:
        del sizes[BlockKind.HEADING]
    return sizes.most_common(1)[0][0]
