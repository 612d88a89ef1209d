import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Smith paid $3.50 to J. R. Tolkien. He left.", ["Dr. Smith paid $3.50 to J. R. Tolkien.", "He left."]),
        ("It ends at 5 p.m. Then we sleep.", ["It ends at 5 p.m.", "Then we sleep."]),
        ("Apples, pears etc. are fruit. So are figs.", ["Apples, pears etc. are fruit.", "So are figs."]),
        ('"Really?" she asked. "Yes." He nodded.', ['"Really?" she asked.', '"Yes."', "He nodded."]),
        ("See Fig. 3 and No. 5. Done.", ["See Fig. 3 and No. 5.", "Done."]),
        ("The word no. Yes.", ["The word no.", "Yes."]),
        ("The U.S. Government moved. It left the U.S. It came back.",
         ["The U.S. Government moved.", "It left the U.S.", "It came back."]),
        ("Wait… what? Wait… What?", ["Wait… what?", "Wait…", "What?"]),
        ("これはペンです。あれは「本です。」はい！次", ["これはペンです。", "あれは「本です。」", "はい！", "次"]),
        ("- one\n- two. And more\n1. first", ["- one", "- two.", "And more", "1. first"]),
        ("A title\n\nA text\nthat wraps.", ["A title", "A text\nthat wraps."]),
        ("Version 1.2.3 is out.", ["Version 1.2.3 is out."]),
        ("", []),
        (" \n ", []),
        ("...", ["..."]),
    ],
)  # fmt: skip
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet=st.sampled_from("aB1 .!?\n\"'。…-)|"), max_size=300))
def test_spans_cover_everything_but_white_space_in_order(text: str) -> None:
    spans = sentence_spans(text)
    assert all(start < end and text[start:end] == text[start:end].strip() for start, end in spans)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
    assert "".join("".join(text[start:end] for start, end in spans).split()) == "".join(text.split())


@pytest.mark.parametrize("text", ["." * 200_000, ". " * 100_000, '. "' * 100_000, "\n" * 200_000, "a." * 100_000])
def test_hostile_repetition_is_split_in_linear_time(text: str) -> None:
    sentence_spans(text)
