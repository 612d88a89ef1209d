"""The smallest pieces that a chunk is put together from, each with its estimated size and the border before it.

Tokens are estimated once per block; the pieces of a block share the estimate by their length. The exact count follows
once per finished chunk.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.chunking.cuts import Span, long_spans, span_lines
from app.chunking.estimate import estimate_tokens
from app.chunking.policy import ChunkingPolicy
from app.kit.blocks import Block, BlockKind, ParsedDocument
from app.kit.sentences import sentence_spans

CountTokens = Callable[[str], int]

CODE_DOUBT = 0.4
"""From this share of the hard cap on, a listing's estimate is not to be trusted."""

SMALLEST_SHARE = 25
"""Lines and rows are taken together up to a 25th of the target, which bounds the number of units in a chunk."""


@dataclass(frozen=True, slots=True)
class Unit:
    """``text[start:end]`` of block number ``block``; ``first`` where the block begins with it.

    ``row`` is set for a piece of a table (it may be larger than any cap), ``whole`` for code that is kept in one.
    """

    start: int
    end: int
    tokens: int
    block: int
    first: bool
    row: bool = False
    whole: bool = False


def units_of(document: ParsedDocument, policy: ChunkingPolicy, count_tokens: CountTokens) -> list[Unit]:
    """All units of the document in reading order; together they hold every block's text once."""
    units: list[Unit] = []
    for index, block in enumerate(document.blocks):
        body = document.text[block.start : block.end]
        tokens = estimate_tokens(body)
        if block.kind is BlockKind.CODE and tokens > policy.hard_cap_tokens * CODE_DOUBT:
            # Whether a listing may stay in one piece is decided once, so it is decided by the exact count.
            tokens = count_tokens(body)
        units.extend(_of_block(document.text, index, block, tokens, policy))
    return units


def _of_block(text: str, index: int, block: Block, tokens: int, policy: ChunkingPolicy) -> Iterator[Unit]:
    is_code = block.kind is BlockKind.CODE
    # Half the target leaves room to put a paragraph with its neighbours; a larger one is offered in sentences.
    fits = policy.hard_cap_tokens if is_code else policy.target_tokens // 2
    if tokens <= fits and block.kind is not BlockKind.TABLE:
        if block.end > block.start:
            yield Unit(block.start, block.end, tokens, index, first=True, whole=is_code)
        return
    per_char = tokens / max(1, block.end - block.start)
    spans = _pieces(text, block, per_char, policy)
    for number, (start, end) in enumerate(spans):
        size = max(1, round((end - start) * per_char))
        yield Unit(start, end, size, index, first=number == 0, row=block.kind is BlockKind.TABLE)


def _pieces(text: str, block: Block, per_char: float, policy: ChunkingPolicy) -> list[Span]:
    """The block as rows, lines or sentences; only rows may be longer than the maximum."""
    smallest = round(policy.target_tokens / SMALLEST_SHARE / max(per_char, 1e-6))
    longest = max(16, int(policy.max_tokens * 0.75 / max(per_char, 1e-6)))
    if block.kind is BlockKind.TABLE:
        return _together(_table_rows(block, longest), smallest, block.header_rows)
    if block.kind in {BlockKind.CODE, BlockKind.LIST}:
        spans = span_lines(text, block.start, block.end)
    else:
        body = text[block.start : block.end]
        spans = [(block.start + start, block.start + end) for start, end in sentence_spans(body)]
    return _together([part for span in spans for part in long_spans(text, span, longest)], smallest, 0)


def _table_rows(block: Block, longest: int) -> list[Span]:
    """The rows, the header and the row after it as one where they fit: a header without a row says nothing."""
    rows = list(block.rows) or [(block.start, block.end)]
    head = min(block.header_rows + 1, len(rows))
    if rows[head - 1][1] - rows[0][0] > longest:
        return rows
    return [(rows[0][0], rows[head - 1][1]), *rows[head:]]


def _together(spans: list[Span], smallest: int, header_rows: int) -> list[Span]:
    """Neighbouring spans joined while they are shorter than ``smallest`` characters (a table's header excepted)."""
    joined: list[Span] = []
    for number, (start, end) in enumerate(spans):
        closed = header_rows > 0 and number == 1
        if joined and not closed and joined[-1][1] - joined[-1][0] + end - start <= smallest:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
