"""Taking in bytes: streamed to where files are kept, hashed on the way, their type told by the bytes themselves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID

from app.adapters.blob_store import BlobStore, StoredBlob
from app.kit.errors import Invalid
from app.kit.ids import new_id
from app.kit.text import is_printable_name
from app.parsing.detect import HEAD_BYTES, detect
from app.parsing.media import MediaType

_NAME_CHARS = 500
_PIECE_CHARS = 65_536


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes that are kept now but belong to no source yet. ``content_hash`` is SHA-256 in hex.

    Whoever does not attach them to a source removes ``blob_key`` (``discard``).
    """

    blob_key: str
    content_hash: str
    media_type: str
    size_bytes: int
    file_name: str


async def receive(
    blobs: BlobStore, tenant_id: UUID, file_chunks: AsyncIterator[bytes], file_name: str, limit_bytes: int
) -> Received:
    """Keep a file of at most ``limit_bytes`` that has a type we can read.

    Raises TooLarge, UnsupportedType (listing the supported types) and Invalid for an empty file or a name with
    control characters; nothing is kept then. A damaged file is not seen here: that is for its parser to tell.
    """
    name = _checked_name(file_name)
    head = bytearray()
    stored = await _store(blobs, tenant_id, _watched(file_chunks, head), limit_bytes)
    try:
        if stored.size_bytes == 0:
            raise Invalid.field("file", "is empty")
        media_type = await asyncio.to_thread(detect, bytes(head), name, blobs.path(stored.key))
    except BaseException:
        await asyncio.shield(blobs.delete_prefix(stored.key))
        raise
    return Received(stored.key, stored.sha256, media_type.value, stored.size_bytes, name)


async def receive_text(
    blobs: BlobStore, tenant_id: UUID, content: str, title: str, limit_bytes: int, path: str = "content"
) -> Received:
    """Keep a text that came as such: it stays plain text, whatever it looks like.

    Raises TooLarge, and Invalid on ``path`` for a text that holds nothing but white space.
    """
    if not content.strip(" \t\r\n\f\v\x00"):
        raise Invalid.field(path, "holds no text")
    stored = await _store(blobs, tenant_id, _encoded(content), limit_bytes)
    name = "".join(letter if letter.isalnum() or letter in " .-_" else "_" for letter in title)[:100].strip() or "text"
    return Received(stored.key, stored.sha256, MediaType.TXT.value, stored.size_bytes, f"{name}.txt")


async def discard(blobs: BlobStore, received: Received) -> None:
    """Remove bytes that turned out not to be needed."""
    await blobs.delete_prefix(received.blob_key)


async def _store(blobs: BlobStore, tenant_id: UUID, pieces: AsyncIterator[bytes], limit_bytes: int) -> StoredBlob:
    return await blobs.put(f"{tenant_id}/uploads/{new_id()}", pieces, limit_bytes)


async def _watched(pieces: AsyncIterator[bytes], head: bytearray) -> AsyncIterator[bytes]:
    """The same pieces, the beginning of the file noted in ``head``."""
    async for piece in pieces:
        if len(head) < HEAD_BYTES:
            head += piece[: HEAD_BYTES - len(head)]
        yield piece


async def _encoded(content: str) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE_CHARS):
        yield content[start : start + _PIECE_CHARS].encode()


def _checked_name(file_name: str) -> str:
    """The file's own name without folders, which some browsers send along."""
    if not is_printable_name(file_name) or "\n" in file_name:
        raise Invalid.field("file", "has a name with control characters; rename it")
    name = PurePosixPath(file_name.replace("\\", "/")).name.strip()
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix[:20]
    return f"{stem[: _NAME_CHARS - len(suffix)]}{suffix}" or "upload"
