"""What it costs to cut before a unit, and what it costs not to.

The figures are in the unit of a chunk's size cost: 1 is a chunk of no size at all, 0.25 one of half the target.
"""

from collections.abc import Callable, Sequence

from app.chunking.partition import Border
from app.chunking.units import Unit
from app.kit.blocks import Block, BlockKind, ParsedDocument

CUT_AFTER_HEADING = 10.0
CUT_BLOCK = 0.1
CUT_AFTER_COLON = 0.4
CUT_LINE = 0.2
CUT_SENTENCE = 0.35
SWALLOW_HEADING = (0.0, 1.0, 0.6, 0.35, 0.2, 0.15, 0.1)
"""By the heading's level: two short chapters stay apart, two short sub-sections may share a chunk."""

PathCost = Callable[[tuple[str, ...]], int]


def unit_borders(
    document: ParsedDocument, units: Sequence[Unit], header_tokens: Sequence[int], context_tokens: PathCost
) -> list[Border]:
    """The border before each unit. ``header_tokens`` holds, per block, the size of the header that is repeated."""
    borders: list[Border] = []
    previous: Block | None = None
    end = 0
    for unit in units:
        block = document.blocks[unit.block]
        extra = context_tokens(block.heading_path)
        if unit.first:
            cut = _block_cut(document.text, previous)
            swallow = SWALLOW_HEADING[min(block.level, 6)] if block.kind is BlockKind.HEADING else 0.0
            is_new_section = swallow > 0 and (previous is None or previous.kind is not BlockKind.HEADING)
            borders.append(Border(0.0 if is_new_section else cut, swallow if is_new_section else 0.0, extra))
        else:
            # A line that its author ended is as good a border in prose as it is in a list.
            is_line = (
                block.kind not in {BlockKind.PARAGRAPH, BlockKind.HEADING} or "\n" in document.text[end : unit.start]
            )
            cut = CUT_LINE if is_line else CUT_SENTENCE
            borders.append(Border(cut, 0.0, extra + (header_tokens[unit.block] if unit.row else 0)))
        previous, end = block, unit.end
    return borders


def _block_cut(text: str, previous: Block | None) -> float:
    if previous is None:
        return 0.0
    if previous.kind is BlockKind.HEADING:
        return CUT_AFTER_HEADING
    # A paragraph that ends with a colon announces what follows.
    return CUT_AFTER_COLON if text[previous.end - 1 : previous.end] in {":", "："} else CUT_BLOCK
