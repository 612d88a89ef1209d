"""Taking in bytes: what is kept, what is refused, and that nothing is left of what is refused."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from app.adapters.blob_store import FolderBlobStore
from app.kit.errors import AppError, Invalid, TooLarge, UnsupportedType
from app.kit.ids import new_id
from app.knowledge.intake import discard, receive, receive_text

TENANT = new_id()


async def pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.fixture
async def blobs(tmp_path: Path) -> FolderBlobStore:
    store = FolderBlobStore(tmp_path / "files")
    await store.open()
    return store


async def test_bytes_are_kept_as_they_came_with_their_hash_and_type(blobs: FolderBlobStore) -> None:
    content = b"# Leave\n\nThirty days.\n" * 5000
    received = await receive(blobs, TENANT, pieces(content), "C:\\docs\\leave.md", 1_000_000)
    assert (received.media_type, received.file_name, received.size_bytes) == ("md", "leave.md", len(content))
    assert received.content_hash == sha256(content).hexdigest()
    assert blobs.path(received.blob_key).read_bytes() == content
    assert received.blob_key.startswith(f"{TENANT}/")
    await discard(blobs, received)
    assert await blobs.used_bytes(str(TENANT)) == 0


@pytest.mark.parametrize(
    ("content", "name", "limit", "error"),
    [
        (b"", "empty.txt", 1000, Invalid),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "picture.txt", 1000, UnsupportedType),
        (b"x" * 2000, "large.txt", 1000, TooLarge),
        (b"text", "na\x00me.txt", 1000, Invalid),
        (b"text", "na\nme.txt", 1000, Invalid),
    ],
)
async def test_nothing_is_left_of_what_is_refused(
    blobs: FolderBlobStore, content: bytes, name: str, limit: int, error: type[AppError]
) -> None:
    with pytest.raises(error):
        await receive(blobs, TENANT, pieces(content), name, limit)
    assert await blobs.used_bytes(str(TENANT)) == 0


async def test_a_sender_that_goes_away_leaves_nothing(blobs: FolderBlobStore) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await receive(blobs, TENANT, broken(), "half.txt", 1000)
    assert await blobs.used_bytes(str(TENANT)) == 0


async def test_a_long_name_keeps_its_extension(blobs: FolderBlobStore) -> None:
    received = await receive(blobs, TENANT, pieces(b"a,b\n1,2\n"), f"{'n' * 900}.csv", 1000)
    assert (received.media_type, len(received.file_name), received.file_name[-4:]) == ("csv", 500, ".csv")


async def test_a_text_stays_text_whatever_it_looks_like(blobs: FolderBlobStore) -> None:
    content = "<!doctype html><p>Grüße</p>\n# Title\n"
    received = await receive_text(blobs, TENANT, content, "Über/uns: 1", 1000)
    assert (received.media_type, received.file_name) == ("txt", "Über_uns_ 1.txt")
    assert blobs.path(received.blob_key).read_bytes() == content.encode()


@pytest.mark.parametrize(("content", "error"), [(" \n\t", Invalid), ("", Invalid), ("é" * 600, TooLarge)])
async def test_an_empty_or_too_long_text_is_refused(
    blobs: FolderBlobStore, content: str, error: type[AppError]
) -> None:
    with pytest.raises(error):
        await receive_text(blobs, TENANT, content, "T", 1000)
    assert await blobs.used_bytes(str(TENANT)) == 0
