import pytest

from app.kit.words import content_sequence, content_words, numbers


@pytest.mark.parametrize(
    ("one", "other"),
    [("leaves", "leave"), ("paid", "paid"), ("salaries", "salary"), ("testing", "tested"), ("applications", "applic")],
)
def test_forms_of_a_word_meet(one: str, other: str) -> None:
    assert content_words(one) == content_words(other)


def test_mere_grammar_is_left_out_and_order_kept() -> None:
    assert content_sequence("How do the mills grind the rye in the mill?") == ["mill", "grind", "rye", "mill"]


def test_scripts_without_spaces_become_pairs() -> None:
    assert content_words("東京都") == {"東京", "京都"}


def test_numbers_lose_their_separators_of_thousands() -> None:
    assert numbers("1,200 of 3.5 in 2024") == {"1200", "3.5", "2024"}
