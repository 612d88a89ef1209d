"""Files in a folder."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from app.adapters.blob_store import BlobMissing, FolderBlobStore
from app.kit.errors import DependencyDown, Invalid, TooLarge


@pytest.fixture
async def store(tmp_path: Path) -> FolderBlobStore:
    """A store in an empty folder."""
    store = FolderBlobStore(tmp_path / "files")
    await store.open()
    return store


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """An upload."""
    for part in parts:
        await asyncio.sleep(0)
        yield part


async def content(store: FolderBlobStore, key: str) -> bytes:
    """All of a file."""
    async with aclosing(store.read(key)) as read:
        return b"".join([piece async for piece in read])


def every_file(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_a_file_is_stored_whole_with_its_size_and_digest(store: FolderBlobStore) -> None:
    parts = [os.urandom(700_000) for _ in range(4)]
    blob = await store.put("t1/source/file.pdf", pieces(*parts), 3_000_000)
    whole = b"".join(parts)
    assert (blob.key, blob.size_bytes, blob.sha256) == (
        "t1/source/file.pdf",
        2_800_000,
        hashlib.sha256(whole).hexdigest(),
    )
    assert await content(store, blob.key) == whole
    assert store.path(blob.key).read_bytes() == whole
    assert await store.exists(blob.key)


async def test_storing_again_replaces(store: FolderBlobStore) -> None:
    await store.put("t/a", pieces(b"old and long"), 100)
    await store.put("t/a", pieces(b"new"), 100)
    assert await content(store, "t/a") == b"new"


async def test_an_empty_file_is_a_file(store: FolderBlobStore) -> None:
    assert (await store.put("t/a", pieces(), 0)).size_bytes == 0
    assert await content(store, "t/a") == b""


@pytest.mark.parametrize("size", [11, 5_000_000])
async def test_a_file_that_is_too_large_leaves_nothing(store: FolderBlobStore, tmp_path: Path, size: int) -> None:
    limit = size - 1
    with pytest.raises(TooLarge):
        await store.put("t/a", pieces(*[b"x" * 1_000_000] * (size // 1_000_000), b"x" * (size % 1_000_000)), limit)
    assert every_file(tmp_path) == []


async def test_an_upload_that_breaks_or_is_cancelled_leaves_nothing(store: FolderBlobStore, tmp_path: Path) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield b"x" * 2_000_000
        raise ConnectionResetError

    async def hangs() -> AsyncIterator[bytes]:
        yield b"x" * 2_000_000
        await asyncio.sleep(60)

    with pytest.raises(ConnectionResetError):
        await store.put("t/a", breaks(), 10_000_000)
    task = asyncio.create_task(store.put("t/b", hangs(), 10_000_000))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert every_file(tmp_path) == []


@pytest.mark.parametrize(
    "key",
    ["", "/", "/etc/passwd", "../x", "t/../../x", "t//x", "t/.x", "t/x\0", "t/ü", "t/x\n", "t\\x", "a/" * 9 + "a"],
)
async def test_a_key_that_could_leave_the_folder_is_refused(store: FolderBlobStore, key: str) -> None:
    with pytest.raises(Invalid):
        await store.put(key, pieces(b"x"), 10)
    with pytest.raises(Invalid):
        await store.delete_prefix(key)


async def test_what_is_not_there_is_missing(store: FolderBlobStore) -> None:
    await store.put("t/folder/file", pieces(b"x"), 10)
    for key in ("t/nothing", "t/folder", "t/folder/file/below"):
        assert not await store.exists(key)
        with pytest.raises(BlobMissing):
            await content(store, key)


async def test_sizes_and_deletion_go_by_prefix_and_by_whole_names(store: FolderBlobStore) -> None:
    for key in ("t1/a/1", "t1/a/2", "t1/b", "t10/a/1"):
        await store.put(key, pieces(b"12345"), 10)
    assert [await store.used_bytes(prefix) for prefix in ("t1", "t1/a", "t1/b", "t10", "t2")] == [15, 10, 5, 5, 0]
    assert await store.delete_prefix("t1/b") == 1
    assert await store.delete_prefix("t1") == 2
    assert await store.delete_prefix("t1") == 0
    assert await content(store, "t10/a/1") == b"12345"


async def test_uploads_at_the_same_time_do_not_mix(store: FolderBlobStore) -> None:
    async def one(n: int) -> None:
        part = bytes([n]) * 300_000
        await store.put(f"t/{n % 4}", pieces(*[part] * 5), 2_000_000)

    await asyncio.gather(*(one(n) for n in range(16)))
    for n in range(4):
        assert len(set(await content(store, f"t/{n}"))) == 1


async def test_a_disk_that_refuses_is_a_dependency_that_is_down(store: FolderBlobStore) -> None:
    await store.put("t/a", pieces(b"x"), 10)
    with pytest.raises(DependencyDown):
        await store.put("t/a/b", pieces(b"x"), 10)


async def test_opening_clears_what_a_killed_process_left_long_ago(tmp_path: Path) -> None:
    aside = tmp_path / ".incoming"
    aside.mkdir()
    for name, age_s in (("old", 200_000), ("fresh", 10)):
        (aside / name).write_bytes(b"half")
        touched = time.time() - age_s
        os.utime(aside / name, times=(touched, touched))
    await FolderBlobStore(tmp_path).open()
    assert [path.name for path in aside.iterdir()] == ["fresh"]
