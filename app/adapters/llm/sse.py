"""Server-sent events as providers send them (WHATWG HTML, 9.2.6), from chunks cut anywhere.

Works on bytes, so a chunk's border inside a character or a line end costs nothing. Only ``data`` is kept: no provider
says anything in the other fields that its data does not say.
"""

EVENT_LIMIT_BYTES = 4 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """One event exceeds 4 MB: not a stream of tokens."""


class SseDecoder:
    """Turns chunks into the payloads of the events they complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._return_held = False
        self._begun = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take a chunk and return the payloads of the events it completes. Raises EventTooLarge."""
        *blocks, self._rest = (self._rest + self._with_newlines(chunk)).split(b"\n\n")
        if len(self._rest) > EVENT_LIMIT_BYTES:
            raise EventTooLarge
        if not self._begun and blocks:
            self._begun = True
            blocks[0] = blocks[0].removeprefix(BYTE_ORDER_MARK)
        return [payload for block in blocks if (payload := _payload(block))]

    def finish(self) -> list[bytes]:
        """Return what a provider left without its closing blank line; the standard would drop it."""
        payload = _payload(self._rest)
        self._rest = b""
        return [payload] if payload else []

    def _with_newlines(self, chunk: bytes) -> bytes:
        """Make CRLF and CR into LF; a CR at a chunk's end waits for the LF that may follow."""
        if self._return_held:
            chunk = b"\r" + chunk
            self._return_held = False
        if b"\r" not in chunk:
            return chunk
        if chunk.endswith(b"\r"):
            self._return_held = True
            chunk = chunk[:-1]
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _payload(block: bytes) -> bytes:
    """Join the data lines of one event."""
    if block.startswith(b"data: ") and b"\n" not in block:
        return block[6:]
    lines = (line for line in block.split(b"\n") if line.startswith(b"data:"))
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines)
