"""One parser process as the service sees it: start, ask, end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

import msgspec

import app
from app.ingestion.parser_protocol import (
    LENGTH_BYTES,
    MEMORY_EXIT,
    Parsed,
    ProgressMade,
    Refused,
    Reply,
    Request,
    decode_reply,
    frame,
)
from app.parsing.errors import DocumentError, DocumentMemory, DocumentTimeout, ParserCrashed

SMALL_REPLY_BYTES = 256 * 1024
"""A reply up to this size is decoded on the loop, in less than a millisecond; larger ones in a thread."""

_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


class ParserGone(Exception):
    """The process died, or spoke nonsense, while it was asked."""


class ParserProcess:
    """A child process at the other end of a socket."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self.documents = 0

    @classmethod
    async def start(cls, memory_bytes: int) -> "ParserProcess":
        """Starts a child; it warms itself up while nobody waits. Raises OSError where the system has no room for it."""
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.to_thread(_spawn, theirs, memory_bytes)
        except BaseException:
            ours.close()
            raise
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer)

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    async def ask(self, request: Request, on_progress: Callable[[int, int], None] | None) -> Parsed | Refused:
        """The answer to one request. Raises ParserGone when there is none."""
        self.documents += 1
        try:
            self._writer.write(frame(request))
            await self._writer.drain()
            while True:
                reply = await self._reply()
                match reply:
                    case ProgressMade():
                        if on_progress is not None:
                            on_progress(reply.done, reply.total)
                    case Parsed() | Refused():
                        return reply
                    case _:
                        assert_never(reply)
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError) as fault:
            raise ParserGone from fault

    async def _reply(self) -> Reply:
        length = int.from_bytes(await self._reader.readexactly(LENGTH_BYTES), "big")
        body = await self._reader.readexactly(length)
        return decode_reply(body) if length <= SMALL_REPLY_BYTES else await asyncio.to_thread(decode_reply, body)

    def kill(self) -> None:
        """Ends the process at once; ``reap`` collects it."""
        self._process.kill()
        self._writer.close()

    async def reap(self) -> None:
        """Waits for the end of a killed process."""
        await asyncio.to_thread(self._process.wait)

    async def cause_of_death(self) -> DocumentError:
        """Why the process has died, told by how it left."""
        self._writer.close()
        try:
            async with asyncio.timeout(1.0):
                status = await asyncio.to_thread(self._process.wait, 0.9)
        except (TimeoutError, subprocess.TimeoutExpired):
            status = 0
        if status == MEMORY_EXIT:
            return DocumentMemory("The document needs more memory than one document may use. Split it and try again.")
        if status == -signal.SIGALRM:
            return DocumentTimeout("Reading the document took too long. Split it and try again.")
        return ParserCrashed("The parser stopped unexpectedly while reading the document.")


def _spawn(theirs: socket.socket, memory_bytes: int) -> subprocess.Popen[bytes]:
    """Starts the child with its end of the socket and an environment that holds no secret."""
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    environment["PYTHONPATH"] = str(Path(app.__file__).parent.parent)
    arguments = ["-P", "-s", "-m", "app.ingestion.parser_child", str(theirs.fileno()), str(memory_bytes)]
    with theirs:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env=environment,
            start_new_session=True,
        )
