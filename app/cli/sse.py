"""Server-Sent Events for a client (WHATWG HTML, section 9.2.6): read them, and come back after a lost connection.

Lines are split on bytes: ``str.splitlines`` and what is built on it also break at characters that are plain text here.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.cli.complaints import Complaint

if TYPE_CHECKING:  # httpx is loaded by the command that needs it.
    import httpx

NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event; ``id`` is the last one the stream has named."""

    event: str
    data: str
    id: str | None


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The complete lines of a stream that ends them with LF, CRLF or CR, wherever the chunks were cut."""
    rest = b""
    held = False
    for chunk in chunks:
        received = b"\r" + chunk if held else chunk
        held = received.endswith(b"\r")  # Its LF may be the next chunk's first byte.
        received = received[:-1] if held else received
        *complete, rest = (rest + received.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).split(b"\n")
        yield from (line.decode("utf-8", errors="replace") for line in complete)
    if held:
        yield rest.decode("utf-8", errors="replace")


def events(chunks: Iterable[bytes], last_id: str | None = None) -> Iterator[ServerEvent]:
    """The events of a stream. Comments and unknown fields are skipped; one that is cut off is dropped."""
    kind, data = "message", list[str]()
    for line in lines(chunks):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield ServerEvent(kind, "\n".join(data), last_id)
            kind, data = "message", []
        elif name == "data":
            data.append(value)
        elif name == "event":
            kind = value or "message"
        elif name == "id" and "\0" not in value:
            last_id = value or None


class Follower:
    """Follows a stream to one of its terminal events, through lost connections.

    ``connect`` opens the stream after the event it is given (None: from the beginning). Iterating again, after a
    KeyboardInterrupt say, goes on behind the last event seen.
    """

    def __init__(
        self,
        connect: Callable[[str | None], "AbstractContextManager[httpx.Response]"],
        ends: frozenset[str],
        *,
        attempts: int = 6,
        pause_s: float = 0.2,
    ) -> None:
        self.last_id: str | None = None
        self._connect = connect
        self._ends = ends
        self._attempts = attempts
        self._pause_s = pause_s

    def __iter__(self) -> Iterator[ServerEvent]:
        """Raises Complaint when the stream is lost ``attempts`` times in a row, and what ``connect`` raises."""
        from httpx import TransportError

        losses = 0
        while losses < self._attempts:
            try:
                with self._connect(self.last_id) as response:
                    if response.status_code == NO_CONTENT:  # Everything was seen before the connection was lost.
                        return
                    for event in events(response.iter_bytes(), self.last_id):
                        losses, self.last_id = 0, event.id
                        yield event
                        if event.event in self._ends:
                            return
            except TransportError:  # The server may be restarting: what was seen is not asked for again.
                pass
            losses += 1
            time.sleep(self._pause_s * 2**losses)
        raise Complaint("The server's stream broke off and could not be taken up again. Is the server still running?")
