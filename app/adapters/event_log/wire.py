"""How events lie in Redis.

A stream's entries each hold the events of one flush, as fields ``{number: "type\\ndata"}`` in order, and an entry's id
is that of its last event. So "everything after n" is ``XREAD … n-0`` with at most a few events to skip in its first
entry, a flush costs one command however many events it carries, and repeating a flush is refused by Redis itself,
since ids must grow. The terminal event's field ends in ``!``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from app.adapters.event_log.events import LoggedEvent
from app.adapters.redis import Command

_END: Final = "!"
_ENTRY_EVENTS: Final = 200
_RELEASE: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


def stream_key(name: str) -> str:
    """Where a stream's events are."""
    return f"log:{name}"


def writer_key(name: str) -> str:
    """Where the id of the process that writes a stream is; absent when nobody does."""
    return f"log:{name}:writer"


def pulse_key(process: str) -> str:
    """Where a process that writes streams shows that it lives."""
    return f"log-writer:{process}"


def store(name: str, events: Sequence[LoggedEvent], *, ends: bool) -> list[Command]:
    """The commands that store ``events``, the last of which is terminal when ``ends``."""
    commands: list[Command] = []
    for start in range(0, len(events), _ENTRY_EVENTS):
        words: list[str] = []
        for event in events[start : start + _ENTRY_EVENTS]:
            words += (event.id[:-2], f"{event.type}\n{event.data}")
        last = min(start + _ENTRY_EVENTS, len(events)) - 1
        if ends and last == len(events) - 1:
            words[-2] += _END
        commands.append(("XADD", stream_key(name), events[last].id, *words))
    return commands


def pulse(process: str, every_s: float) -> Command:
    """The command that shows that a process lives; three missed ones, and it is taken for dead."""
    return ("SET", pulse_key(process), "1", "PX", _ms(every_s * 3))


def renew(name: str, process: str, life_s: float) -> list[Command]:
    """The commands that let a stream that is being written live ``life_s`` more."""
    return [("PEXPIRE", stream_key(name), _ms(life_s)), ("SET", writer_key(name), process, "PX", _ms(life_s))]


def release(name: str, process: str, life_s: float) -> list[Command]:
    """The commands that end the writing of a stream, unless another process has taken it over, and let it expire."""
    return [("PEXPIRE", stream_key(name), _ms(life_s)), ("EVAL", _RELEASE, 1, writer_key(name), process)]


def claim(name: str, process: str, life_s: float, pulse_s: float) -> list[Command]:
    """The commands that make a process the writer of a stream; they answer: pulse, former writer, all entries."""
    make_writer: Command = ("SET", writer_key(name), process, "PX", _ms(life_s), "GET")
    return [pulse(process, pulse_s), make_writer, ("XRANGE", stream_key(name), "-", "+")]


def state(name: str) -> list[Command]:
    """The commands that tell a stream's writer, and its last entry (see ``last_number``)."""
    return [("GET", writer_key(name)), ("XREVRANGE", stream_key(name), "+", "-", "COUNT", 1)]


def events_of(fields: Mapping[str, str]) -> Iterator[tuple[int, LoggedEvent, bool]]:
    """The events of one entry, each with its number and whether it is terminal."""
    for field, value in fields.items():
        number = field.removesuffix(_END)
        kind, _, data = value.partition("\n")
        yield int(number), LoggedEvent(f"{number}-0", kind, data), field.endswith(_END)


def entries(reply: object) -> list[Mapping[str, str]]:
    """The entries in a reply to XRANGE or XREVRANGE, as redis-py hands it over."""
    return [fields for _, fields in cast(list[tuple[str, dict[str, str]]], reply)]


def read_entries(reply: object) -> list[Mapping[str, str]]:
    """The entries of the one stream in a reply to XREAD; none when it waited in vain."""
    streams = cast(list[tuple[str, list[tuple[str, dict[str, str]]]]], reply or [])
    return [fields for _, found in streams for _, fields in found]


def last_number(reply: object) -> tuple[int, bool]:
    """Number of the last event in a reply to XREVRANGE, and whether it ends the stream; ``(0, False)`` if empty."""
    last = (0, False)
    for fields in entries(reply)[:1]:
        for number, _, ends in events_of(fields):
            last = (number, ends)
    return last


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
