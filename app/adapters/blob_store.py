"""Files as they came, kept by key. A key is ``{tenant}/{…}``: the tenant first, so that erasing one is one prefix.

The driver here is a folder. A file appears under its key whole or not at all: it is written aside, made durable and
renamed. All disk work happens in threads.
"""

import asyncio
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, ParamSpec, Protocol, TypeVar

from app.kit.errors import DependencyDown, Invalid, NotFound, TooLarge

P = ParamSpec("P")
T = TypeVar("T")

_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}", re.ASCII)
_MOST_PARTS: Final = 8
_ASIDE: Final = ".incoming"
_STALE_S: Final = 86_400.0
_WRITE_BYTES: Final = 1 << 20
_READ_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A file that has been stored; ``sha256`` in lower-case hexadecimal."""

    key: str
    size_bytes: int
    sha256: str


class BlobMissing(NotFound):
    """There is no file under that key."""

    code = "file_missing"
    title = "The file is not there"


class BlobStore(Protocol):
    """Where files are kept. Every key and prefix is checked; a bad one raises ``Invalid``."""

    async def put(self, key: str, chunks: AsyncIterator[bytes], limit_bytes: int) -> StoredBlob:
        """Store what ``chunks`` yields, replacing what was there; ``TooLarge`` past the limit leaves nothing."""
        ...

    def path(self, key: str) -> Path:
        """A file of this machine with the content, for a process that reads it by itself."""
        ...

    def read(self, key: str) -> AsyncGenerator[bytes]:
        """The content in pieces; raises ``BlobMissing``."""
        ...

    async def exists(self, key: str) -> bool:
        """Whether there is a file under that key."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Remove the file ``prefix`` or every file below it; how many there were."""
        ...

    async def used_bytes(self, prefix: str) -> int:
        """The sum of the sizes of the files below ``prefix``."""
        ...


class FolderBlobStore:
    """Files in a folder of this machine, or of a volume that all processes mount."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._aside = root / _ASIDE

    async def open(self) -> None:
        """Create the folder, and clear away what a killed process left half written."""
        await asyncio.to_thread(self._prepare)

    async def put(self, key: str, chunks: AsyncIterator[bytes], limit_bytes: int) -> StoredBlob:
        """As ``BlobStore.put``."""
        target = self.path(key)
        writing = await _on_disk(_Writing, self._aside, limit_bytes)
        try:
            pending = bytearray()
            async for chunk in chunks:
                pending += chunk
                writing.admit(len(chunk))
                if len(pending) >= _WRITE_BYTES:
                    await _on_disk(writing.write, bytes(pending))
                    pending.clear()
            await _on_disk(writing.finish, bytes(pending), target)
        finally:
            await asyncio.shield(asyncio.to_thread(writing.discard))
        return StoredBlob(key, writing.size_bytes, writing.digest.hexdigest())

    def path(self, key: str) -> Path:
        """As ``BlobStore.path``. Looks at nothing: there may be no file."""
        return self._root.joinpath(*_parts(key))

    async def read(self, key: str) -> AsyncGenerator[bytes]:
        """As ``BlobStore.read``."""
        path = self.path(key)
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise BlobMissing("The file is no longer there.") from error
        try:
            while piece := await asyncio.to_thread(file.read, _READ_BYTES):
                yield piece
        finally:
            file.close()

    async def exists(self, key: str) -> bool:
        """As ``BlobStore.exists``."""
        return await asyncio.to_thread(self.path(key).is_file)

    async def delete_prefix(self, prefix: str) -> int:
        """As ``BlobStore.delete_prefix``."""
        return await asyncio.to_thread(_delete, self.path(prefix))

    async def used_bytes(self, prefix: str) -> int:
        """As ``BlobStore.used_bytes``."""
        return sum(await asyncio.to_thread(_sizes, self.path(prefix)))

    def _prepare(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._aside.mkdir(exist_ok=True, mode=0o700)
        for leftover in self._aside.iterdir():
            with suppress(FileNotFoundError):  # Another process may be cleaning too.
                if time.time() - leftover.stat().st_mtime > _STALE_S:
                    leftover.unlink()


class _Writing:
    """One file on its way: written aside, then moved to where it belongs. Its methods touch the disk."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder)
        self._file = os.fdopen(descriptor, "wb")
        self._aside = Path(name)
        self._limit_bytes = limit_bytes
        self.size_bytes = 0
        self.digest = hashlib.sha256()

    def admit(self, size_bytes: int) -> None:
        """Count bytes that have come; raises ``TooLarge``. Does not touch the disk."""
        self.size_bytes += size_bytes
        if self.size_bytes > self._limit_bytes:
            raise TooLarge(f"The file is larger than the {self._limit_bytes:,} bytes allowed.")

    def write(self, data: bytes) -> None:
        """Write a piece."""
        self.digest.update(data)
        self._file.write(data)

    def finish(self, data: bytes, target: Path) -> None:
        """Write the last piece, make everything durable and give the file its name."""
        self.write(data)
        self._file.flush()
        os.fsync(self._file.fileno())
        try:
            self._move(target)
        except FileNotFoundError:  # The folder was deleted, as a whole, at the very moment.
            self._move(target)

    def _move(self, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._aside.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # The name lives in the folder, and must be as durable as the content.
        finally:
            os.close(folder)

    def discard(self) -> None:
        """Close the file, and remove it where it has not been moved."""
        self._file.close()
        self._aside.unlink(missing_ok=True)


async def _on_disk(step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a step in a thread; what the disk complains about becomes ``DependencyDown``."""
    try:
        return await asyncio.to_thread(step, *args, **kwargs)
    except OSError as error:
        raise DependencyDown(f"The file could not be stored: {error.strerror}.") from error


def _parts(key: str) -> list[str]:
    parts = key.split("/")
    if len(parts) > _MOST_PARTS or not all(_PART.fullmatch(part) for part in parts):
        raise Invalid("The key of a file may hold letters, digits, dots, dashes, underscores and slashes only.")
    return parts


def _sizes(path: Path) -> list[int]:
    """The sizes of the files at or below ``path``; those that vanish meanwhile are not counted."""
    sizes: list[int] = []
    for file in [path, *path.rglob("*")]:
        with suppress(FileNotFoundError, NotADirectoryError):
            status = file.stat()
            if stat.S_ISREG(status.st_mode):
                sizes.append(status.st_size)
    return sizes


def _delete(path: Path) -> int:
    count = len(_sizes(path))
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
    return count
