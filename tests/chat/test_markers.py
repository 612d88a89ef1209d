import random

import pytest

from app.chat.markers import Marker, MarkerScanner, Piece, Text


def scan(*pieces: str) -> list[Piece]:
    scanner = MarkerScanner()
    found: list[Piece] = []
    for piece in pieces:
        found += scanner.feed(piece)
    return joined([*found, *scanner.finish()])


def joined(pieces: list[Piece]) -> list[Piece]:
    out: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Text) and out and isinstance(out[-1], Text):
            out[-1] = Text(out[-1].text + piece.text)
        else:
            out.append(piece)
    return out


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Cats purr [1].", [(1,)]),
        ("Cats purr [1][2].", [(1,), (2,)]),
        ("Cats purr [1, 2].", [(1, 2)]),
        ("Cats purr 【3】.", [(3,)]),
        ("Cats purr ［12］.", [(12,)]),
        ("At the end [4]", [(4,)]),
        ("An array x[i] and [not this] and [] stay.", []),
        ("A [1](https://example.com) link stays.", []),
        ("Code `a[1]` stays.", []),
        ("```\nb[2]\n```\nand after [3]", [(3,)]),
        ("``a ` b[1]`` then [2]", [(2,)]),
        ("[[1]]", [(1,)]),
    ],
)
def test_finds_markers_and_only_markers(text: str, numbers: list[tuple[int, ...]]) -> None:
    assert [piece.numbers for piece in scan(text) if isinstance(piece, Marker)] == numbers


@pytest.mark.parametrize(
    "text",
    [
        "Cats purr [1][2], dogs `a[3]` bark [4, 5].\n```py\nx[6]\n```\n[7](u) end 【8】",
        "[1",
        "x [1] (not a link)",
        "`unclosed [1]",
    ],
)
def test_finds_the_same_however_the_text_is_cut(text: str) -> None:
    whole = scan(text)
    chance = random.Random(7)
    for _ in range(50):
        cuts = sorted(chance.sample(range(len(text) + 1), k=min(len(text), chance.randint(0, 6))))
        parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        assert scan(*parts) == whole


def test_loses_no_text_that_is_no_marker() -> None:
    text = "a [b] `c[1]` [2](d) [ , ] ``` e[3] ``` f ["
    assert scan(text) == [Text(text)]


def test_drops_a_marker_that_never_closes() -> None:
    assert scan("Cats purr [1") == [Text("Cats purr ")]


def test_holds_back_no_more_than_a_possible_marker() -> None:
    scanner = MarkerScanner()
    assert scanner.feed("Plain words and [no marker") == [Text("Plain words and [no marker")]
    assert scanner.feed(" so far [1") == [Text(" so far ")]
