"""Server-sent events from chunks cut anywhere, and the OpenAI chunks in them."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.llm import sse
from app.adapters.llm.openai_wire import Piece, read_chunk
from app.adapters.llm.port import ModelUsage
from app.adapters.llm.sse import EventTooLarge, SseDecoder
from app.kit.errors import ProviderAuthFailed, ProviderError, ProviderRefused
from app.kit.models import ModelEndpoint

ENDPOINT = ModelEndpoint("openai/x", "sk-very-secret")


def decode(*chunks: bytes) -> list[bytes]:
    decoder = SseDecoder()
    return [payload for chunk in chunks for payload in decoder.feed(chunk)] + decoder.finish()


@given(
    payloads=st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    comment=st.booleans(),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_chunks_may_be_cut_anywhere(payloads: list[str], newline: str, comment: bool, cuts: list[int]) -> None:
    lead = f": keep-alive{newline}event: x{newline}" if comment else ""
    whole = "".join(f"{lead}data: {payload}{newline}{newline}" for payload in payloads).encode()
    borders = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    chunks = [whole[start:end] for start, end in itertools.pairwise(borders)]
    assert decode(*chunks) == [payload.encode() for payload in payloads]


def test_lines_of_data_are_joined() -> None:
    assert decode(b"data: one\ndata:two\ndata\n\n") == [b"one\ntwo"]


def test_comments_and_empty_events_say_nothing() -> None:
    assert decode(b": OPENROUTER PROCESSING\n\n\n\ndata: \n\nid: 7\nretry: 10\n\ndata: x\n\n") == [b"x"]


def test_a_byte_order_mark_is_skipped() -> None:
    assert decode(b"\xef\xbb\xbf", b"data: x\n\n") == [b"x"]


def test_an_event_without_its_blank_line_counts_at_the_end() -> None:
    assert decode(b"data: one\n\ndata: [DONE]") == [b"one", b"[DONE]"]


def test_an_endless_event_is_refused() -> None:
    with pytest.raises(EventTooLarge):
        decode(*[b"x" * 1_000_000] * (sse.EVENT_LIMIT_BYTES // 1_000_000 + 1))


def chunk(**body: object) -> Piece:
    return read_chunk(ENDPOINT, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"choices": []}, Piece()),
        ({"choices": None}, Piece()),
        ({}, Piece()),
        ({"choices": [{"delta": None, "finish_reason": None}]}, Piece()),
        ({"choices": [{"delta": {"role": "assistant", "content": ""}}]}, Piece()),
        ({"choices": [{"delta": {"content": "é"}}], "usage": None}, Piece("é")),
        ({"choices": [{"delta": {"content": [{"type": "text", "text": "a"}, {"type": "thinking"}]}}]}, Piece("a")),
        ({"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}, Piece("whole", finished="stop")),
        ({"choices": [{"delta": {"reasoning_content": "hm"}}]}, Piece(thinking=True)),
        ({"choices": [{"delta": {"reasoning": "hm"}}]}, Piece(thinking=True)),
        ({"choices": [{"delta": {}, "finish_reason": "length"}]}, Piece(finished="length")),
        ({"choices": [{"delta": {}, "finish_reason": "eos"}]}, Piece(finished="stop")),
        (
            {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "x": {}}},
            Piece(usage=ModelUsage(3, 4)),
        ),
        ({"choices": [], "usage": {"total_tokens": 7}}, Piece()),
        ({"choices": [], "error": None}, Piece()),
    ],
)
def test_a_chunk_means_what_it_says_however_it_is_bent(body: dict[str, object], expected: Piece) -> None:
    assert chunk(**body) == expected


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        ({"error": {"message": "overloaded", "code": 529}}, ProviderError, "overloaded"),
        ({"error": {"message": "bad key sk-very-secret", "code": "401"}}, ProviderAuthFailed, "bad key [secret]"),
        ({"error": "plain words"}, ProviderError, "plain words"),
        ({"error": {"type": "x"}}, ProviderError, "no reason"),
        ({"error": {"message": "two\n\x00lines " + "x" * 999}}, ProviderError, "two lines xxx"),
        ({"choices": [{"delta": {}, "finish_reason": "content_filter"}]}, ProviderRefused, "content filter"),
        ({"choices": [{"delta": {}, "finish_reason": "error"}]}, ProviderError, "gave the answer up"),
        ({"choices": "nonsense"}, ProviderError, "not a chat chunk"),
    ],
)
def test_a_failure_in_a_chunk_is_raised(body: dict[str, object], kind: type[ProviderError], says: str) -> None:
    with pytest.raises(kind) as caught:
        chunk(**body)
    assert says in caught.value.detail
    assert "sk-very-secret" not in caught.value.detail
    assert len(caught.value.detail) < 400
