"""Counting and cutting by tokens, offline."""

import os
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.tokens import TokenCounter, count_tokens, truncate


def test_known_counts() -> None:
    assert count_tokens("") == 0
    assert count_tokens("Hello, world!") == 4
    assert count_tokens("<|endoftext|>") > 1


def test_a_very_long_text_is_counted_in_pieces() -> None:
    text = "The bridge was opened in spring. " * 20_000
    assert abs(count_tokens(text) - 20_000 * 7) < 2_000


@pytest.mark.parametrize("text", ["a" * 300_000, " " * 300_000, "漢" * 100_000, "a\ud800b"])
def test_odd_texts_are_counted(text: str) -> None:
    assert count_tokens(text) > 0


@given(st.text(), st.integers(-1, 40))
def test_a_cut_text_is_a_beginning_within_the_limit(text: str, limit: int) -> None:
    cut = truncate(text, limit)
    assert text.startswith(cut)
    assert count_tokens(cut) <= max(limit, 0)


def test_a_text_within_the_limit_is_left_alone_and_a_longer_one_is_filled() -> None:
    text = "The bridge was opened in the spring of 1932, and it is long. " * 300
    assert truncate(text, 100_000) == text
    assert truncate(" " * 500_000, 100_000) == " " * 500_000
    assert count_tokens(truncate(text, 1000)) in (999, 1000)
    assert truncate("🌍🌍🌍🌍", 3) in ("🌍", "🌍🌍", "🌍🌍🌍")


async def test_the_vocabulary_is_loaded_in_a_thread() -> None:
    counter = TokenCounter()
    await counter.load()
    assert counter.count("Hello, world!") == 4


def test_counting_needs_neither_network_nor_litellm_and_leaves_the_environment_alone() -> None:
    program = """
        import os, socket, sys
        def shut(*args, **kwargs): raise AssertionError(f"the network was asked for {args}")
        socket.socket.connect = socket.getaddrinfo = socket.create_connection = shut
        from app.adapters.tokens import count_tokens
        before = dict(os.environ)
        print(count_tokens("Hello, world!"), "litellm" in sys.modules, dict(os.environ) == before)
    """
    for elsewhere in ({}, {"TIKTOKEN_CACHE_DIR": "/nonexistent"}):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)],
            capture_output=True, text=True, check=False, env={**os.environ, **elsewhere},
        )  # fmt: skip
        assert done.stdout.split() == ["4", "False", "True"], done.stderr
