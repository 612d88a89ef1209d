"""What a log holds, and what can be wrong with one."""

import re
from dataclasses import dataclass

from app.kit.errors import DependencyDown, Invalid, NotFound, TooLarge

_POSITION = re.compile(r"([0-9]{1,18})-0", re.ASCII)


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event of a stream.

    ``id`` is ``"<n>-0"`` with n growing, not necessarily by one, along the stream. ``data`` is JSON text.
    """

    id: str
    type: str
    data: str


class StreamUnknown(NotFound):
    """No such stream: it never was, or its time is over."""

    code = "stream_unknown"
    title = "There is no such stream"


class WriterLost(DependencyDown):
    """The process that wrote a stream is gone, and the stream has no end."""

    code = "writer_lost"
    title = "The process behind this stream is gone"


class StreamFull(TooLarge):
    """A stream has reached the size a stream may have; only its terminal event is still accepted."""

    code = "stream_full"
    title = "The stream is full"


def position(after: str | None) -> int:
    """The number in an event's id, 0 for ``None``; raises ``Invalid`` where the text is no id of ours."""
    if after is None:
        return 0
    match = _POSITION.fullmatch(after)
    if match is None:
        raise Invalid.field("last_event_id", "This is not the id of an event. Send one back as it was received.")
    return int(match[1])
