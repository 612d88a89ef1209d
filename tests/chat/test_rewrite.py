import pytest

from app.chat.prompt import PastTurn
from app.chat.rewrite import leans_back, rewrite_by_rule

PAST = [PastTurn("How many days of leave do staff have?", "30 days [1].")]


@pytest.mark.parametrize("question", ["And in the first year?", "Does it lapse?", "Why?", "What about interns?"])
def test_a_question_that_points_back_is_searched_with_the_one_before(question: str) -> None:
    assert leans_back(question)
    assert rewrite_by_rule(question, PAST) == f"How many days of leave do staff have? {question}"


@pytest.mark.parametrize("question", ["When are salaries paid out each month?", "Which offices offer parking spaces?"])
def test_a_question_that_stands_alone_stays(question: str) -> None:
    assert rewrite_by_rule(question, PAST) == question


def test_nothing_is_rewritten_without_history() -> None:
    assert rewrite_by_rule("Why?", []) == "Why?"
