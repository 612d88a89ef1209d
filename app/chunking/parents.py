"""Grouping finished chunks into the larger pieces that are read around them."""

from collections.abc import Sequence

from app.chunking.groups import Group
from app.chunking.partition import Border, partition
from app.chunking.policy import ChunkingPolicy
from app.kit.blocks import Block, BlockKind, ParsedDocument

CUT_BLOCK = 0.3
CUT_INSIDE_BLOCK = 0.6
SWALLOW_HEADING = (0.0, 0.8, 0.4, 0.2, 0.1, 0.1, 0.1)
SLACK = 1.25
"""A parent may exceed its target by a quarter for the sake of a good border."""


def parent_cuts(document: ParsedDocument, groups: Sequence[Group], policy: ChunkingPolicy) -> list[int]:
    """The indexes of the groups at which parents begin."""
    sizes = [group.tokens for group in groups]
    borders = [_border(document, group) for group in groups]
    return partition(sizes, borders, policy.parent_tokens, int(policy.parent_tokens * SLACK))


def _border(document: ParsedDocument, group: Group) -> Border:
    first = group.units[0]
    block = document.blocks[first.block]
    if block.kind is BlockKind.HEADING and first.first:
        return Border(0.0, SWALLOW_HEADING[min(block.level, 6)])
    return Border(CUT_BLOCK if first.first else CUT_INSIDE_BLOCK)


def section_of(document: ParsedDocument, block: Block) -> tuple[str, ...]:
    """The headings around a block, a heading's own text included."""
    if block.kind is not BlockKind.HEADING:
        return block.heading_path
    return (*block.heading_path, document.text[block.start : block.end])


def common_section(document: ParsedDocument, first: int, last: int) -> tuple[str, ...]:
    """The headings that all blocks from number ``first`` to ``last`` stand under.

    A heading counts as standing under itself, so that a chunk which is one section carries that section's name; a
    title that is followed by its own sub-sections gives way to them.
    """
    common: tuple[str, ...] | None = None
    for index in range(first, last + 1):
        path = section_of(document, document.blocks[index])
        if common is None:
            common = path
            continue
        shared = 0
        while shared < min(len(common), len(path)) and common[shared] == path[shared]:
            shared += 1
        common = common[:shared]
    return common or ()
