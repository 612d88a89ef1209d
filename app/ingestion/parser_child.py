"""A process that parses documents one after the other and may be killed at any time.

Started as ``python -m app.ingestion.parser_child FD MEMORY_BYTES``; ``FD`` is its end of a socket pair. It imports
the light parsers before the first request and the heavy ones when a document needs them. It cannot write files, knows
none of the service's secrets (its environment is nearly empty), and ends itself when the service is gone.
"""

import contextlib
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

from app.ingestion.parser_protocol import (
    LENGTH_BYTES,
    MEMORY_EXIT,
    Parsed,
    ProgressMade,
    Refused,
    Reply,
    Request,
    decode_request,
    frame,
)
from app.parsing.errors import DamagedDocument, DocumentError, DocumentMemory
from app.parsing.media import MediaType
from app.parsing.parse import parse, parser_of

WATCH_EVERY_S = 0.05
PROGRESS_EVERY_S = 0.1
ADDRESS_SPACE_SLACK = 1 << 30
"""Address space is reserved far more freely than memory is used; the watch is the real cap, this one its backstop."""


def main() -> None:
    """Serves requests until the other end of the socket is closed."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    memory_bytes = int(sys.argv[2])
    _confine(memory_bytes)
    for kind in (MediaType.TXT, MediaType.MD, MediaType.HTML):
        parser_of(kind)
    with contextlib.suppress(ConnectionError), channel:
        serve(channel, memory_bytes)


def serve(channel: socket.socket, memory_bytes: int) -> None:
    """Answers one request after the other with any number of progress messages and one result."""
    while body := _receive(channel):
        request = decode_request(body)
        # The default action of this signal ends the process even inside a library's endless loop.
        signal.alarm(request.deadline_s)
        with _memory_watch(memory_bytes):
            reply = _answer(request, lambda message: channel.sendall(frame(message)))
        signal.alarm(0)
        channel.sendall(frame(reply))
        if isinstance(reply, Refused) and reply.code == DocumentMemory.code:
            return


def _answer(request: Request, send: Callable[[Reply], None]) -> Reply:
    try:
        document = parse(Path(request.path), request.kind, request.limits, _throttled(send))
    except DocumentError as error:
        return Refused(error.code, error.detail, resident_bytes())
    except ConnectionError:
        raise
    except Exception as fault:  # noqa: BLE001 - a parser's surprise is a damaged document, whatever the library calls it
        return Refused(
            DamagedDocument.code, f"The document could not be read ({type(fault).__name__}).", resident_bytes()
        )
    return Parsed(document, resident_bytes())


def _throttled(send: Callable[[Reply], None]) -> Callable[[int, int], None]:
    """Progress, but not more often than anyone can see."""
    last = time.monotonic()

    def on_progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_EVERY_S:
            last = time.monotonic()
            send(ProgressMade(done, total))

    return on_progress


def _receive(channel: socket.socket) -> bytes:
    """The next message, or nothing when the other end has closed."""
    head = _exactly(channel, LENGTH_BYTES)
    return _exactly(channel, int.from_bytes(head, "big")) if head else b""


def _exactly(channel: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = channel.recv(count - len(parts))
        if not part:
            return b""
        parts += part
    return bytes(parts)


def resident_bytes() -> int:
    """The memory that this process holds now.

    Not ``ru_maxrss``: Linux lets a new process inherit the peak of the one that started it.
    """
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextlib.contextmanager
def _memory_watch(memory_bytes: int) -> Generator[None]:
    """Ends the process with ``MEMORY_EXIT`` should it grow above the cap while inside."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(WATCH_EVERY_S):
            if resident_bytes() > memory_bytes:
                os._exit(MEMORY_EXIT)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _confine(memory_bytes: int) -> None:
    """No files written, no core dumps, bounded address space, less right to the processor than the service has."""
    for limit, value in (
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, memory_bytes + ADDRESS_SPACE_SLACK),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))
    with contextlib.suppress(OSError):
        os.nice(5)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
