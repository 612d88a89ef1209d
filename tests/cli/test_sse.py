"""Reading Server-Sent Events, and coming back for the rest."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.complaints import Complaint
from app.cli.sse import Follower, ServerEvent, events

STREAM = (
    b': ping\r\n\r\nevent: delta\r\nid: 1-0\r\ndata: {"text": "caf\xc3\xa9 \xe2\x80\xa8"}\r\n\r\n'
    b"data: one\ndata:two\ndata\n\nid: 7\nretry: 10\n\nevent: done\rdata: {}\r\revent: cut\ndata: off"
)
READ = [
    ServerEvent("delta", '{"text": "café \u2028"}', "1-0"),
    ServerEvent("message", "one\ntwo\n", "1-0"),
    ServerEvent("done", "{}", "7"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_events_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in pairwise(places)]
    assert list(events(chunks)) == READ


def test_a_last_carriage_return_ends_its_line() -> None:
    assert list(events([b"data: x\r\n\r"])) == [ServerEvent("message", "x", None)]


class Line:
    """A connection that gives each of its parts and then breaks, or ends."""

    def __init__(self, *parts: bytes | Exception | int) -> None:
        self.parts = list(parts)
        self.asked_after: list[str | None] = []

    @contextmanager
    def __call__(self, last_id: str | None) -> Generator[httpx.Response]:
        self.asked_after.append(last_id)
        part = self.parts.pop(0)
        if isinstance(part, Exception):
            raise part
        if isinstance(part, int):
            yield httpx.Response(part)
        else:
            yield httpx.Response(200, content=part)


def follow(line: Line, **options: float) -> list[str]:
    attempts = int(options.get("attempts", 3))
    return [event.data for event in Follower(line, frozenset({"done"}), attempts=attempts, pause_s=0)]


def parts(*numbers: int, end: bool = False) -> bytes:
    text = "".join(f"id: {number}\ndata: {number}\n\n" for number in numbers)
    return (text + ("event: done\nid: end\ndata: end\n\n" if end else "")).encode()


def test_a_stream_that_breaks_off_is_taken_up_where_it_was() -> None:
    line = Line(parts(1, 2), httpx.ReadError("lost"), parts(3, end=True))
    assert follow(line) == ["1", "2", "3", "end"]
    assert line.asked_after == [None, "2", "2"]


def test_losses_count_only_while_nothing_comes() -> None:
    line = Line(*(parts(number) for number in range(6)), parts(end=True))
    assert follow(line, attempts=2)[-1] == "end"


def test_a_server_that_does_not_come_back_is_given_up_with_a_sentence() -> None:
    with pytest.raises(Complaint, match="broke off"):
        follow(Line(parts(1), *[httpx.ConnectError("refused")] * 3))


def test_nothing_more_to_come_is_the_end() -> None:
    assert follow(Line(parts(1), 204)) == ["1"]


@pytest.mark.parametrize("wrong", [Complaint("no")])
def test_a_refusal_is_not_tried_again(wrong: Exception) -> None:
    line = Line(wrong, parts(end=True))
    with pytest.raises(Complaint, match="no"):
        follow(line)
    assert len(line.asked_after) == 1


def test_iterating_again_goes_on_behind_the_last_event() -> None:
    line = Line(parts(1, 2, 3), parts(3, end=True))
    follower = Follower(line, frozenset({"done"}), pause_s=0)
    seen: Sequence[str] = [event.data for event, _ in zip(follower, range(2), strict=False)]
    assert seen == ["1", "2"]
    assert follower.last_id == "3"
    assert [event.data for event in follower][-1] == "end"
