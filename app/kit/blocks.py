"""What parsing hands to chunking: one normalised text, and blocks that point into it.

Offsets count Unicode code points of ``ParsedDocument.text``; ``text[block.start:block.end]`` is the block. Blocks
come in reading order and do not overlap; what lies between them is white space.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class BlockKind(StrEnum):
    """What a block is, which decides where it may be cut."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document's text with its place in it.

    ``page`` is 1-based, ``None`` where the format has no pages. ``heading_path`` names the headings above the block,
    outermost first (a heading's own text is not in its own path). ``level`` is a heading's depth, 1 to 6.
    ``rows`` are a table's rows as spans of the document's text, the header rows first; ``header_rows`` counts those.
    """

    kind: BlockKind
    start: int
    end: int
    page: int | None = None
    heading_path: tuple[str, ...] = ()
    level: int = 0
    rows: tuple[tuple[int, int], ...] = ()
    header_rows: int = 0


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document after parsing.

    ``page_starts[i]`` is the offset at which page ``i + 1`` begins; empty where the format has no pages.
    ``pages_without_text`` are 1-based numbers of pages that hold no text layer. ``warnings`` are sentences for people.
    """

    text: str
    blocks: tuple[Block, ...]
    title: str | None = None
    page_starts: tuple[int, ...] = ()
    pages_without_text: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict[str, str])
