"""What chunking hands on: chunks and the parents they are read in."""

from dataclasses import dataclass

from app.kit.blocks import BlockKind


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """A piece that is found by search: ``content == prefix + text[char_start:char_end]``.

    ``prefix`` is a table's header where the piece continues a table, else empty. ``page`` is where the piece begins.
    ``parent`` is the ordinal of the parent around it. ``token_count`` counts ``content``. ``kind`` is what most of
    the piece is.
    """

    ordinal: int
    content: str
    prefix: str
    char_start: int
    char_end: int
    page: int | None
    heading_path: tuple[str, ...]
    token_count: int
    parent: int
    kind: BlockKind


@dataclass(frozen=True, slots=True)
class ParentDraft:
    """A larger piece that is read around a chunk that was found."""

    ordinal: int
    char_start: int
    char_end: int
    heading_path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chunked:
    """A document's parents and chunks in reading order.

    ``oversized`` are the ordinals of chunks beyond the hard cap: single table rows, which are never cut.
    """

    parents: tuple[ParentDraft, ...]
    chunks: tuple[ChunkDraft, ...]
    oversized: tuple[int, ...] = ()
