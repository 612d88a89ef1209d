"""Parsing bytes as the service would: detected, then parsed, then checked for what holds of every document."""

from pathlib import Path

from app.kit.blocks import Block, BlockKind, ParsedDocument
from app.parsing.detect import HEAD_BYTES, detect
from app.parsing.limits import ParseLimits
from app.parsing.parse import parse


def parsed(folder: Path, body: bytes, name: str, limits: ParseLimits | None = None) -> ParsedDocument:
    """The document in ``body``, with all promises about offsets checked."""
    path = folder / "document"
    path.write_bytes(body)
    document = parse(path, detect(body[:HEAD_BYTES], name, path), limits)
    check(document)
    return document


def check(document: ParsedDocument) -> None:
    """Every promise that ``app.kit.blocks`` makes."""
    text, at = document.text, 0
    assert "\r" not in text
    assert "\x00" not in text
    assert "\n\n\n" not in text
    text.encode()
    for block in document.blocks:
        assert not text[at : block.start].strip()
        assert block.start < block.end
        assert text[block.start : block.end].strip("\n") == text[block.start : block.end]
        check_rows(text, block)
        at = block.end
    assert not text[at:].strip()
    assert list(document.page_starts) == sorted(document.page_starts)


def check_rows(text: str, block: Block) -> None:
    """A table's rows are its lines."""
    if block.kind is not BlockKind.TABLE:
        assert not block.rows
        return
    assert block.rows[0][0] == block.start
    assert block.rows[-1][1] == block.end
    assert [text[start:end] for start, end in block.rows] == text[block.start : block.end].split("\n")
    assert 0 <= block.header_rows <= len(block.rows)


def texts(document: ParsedDocument, kind: BlockKind) -> list[str]:
    """The texts of all blocks of a kind."""
    return [document.text[block.start : block.end] for block in document.blocks if block.kind is kind]


def headings(document: ParsedDocument) -> list[tuple[int, str]]:
    """Level and text of every heading."""
    return [
        (block.level, document.text[block.start : block.end])
        for block in document.blocks
        if block.kind is BlockKind.HEADING
    ]
