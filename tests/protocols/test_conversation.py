"""Messages as question, memory and wishes."""

from typing import Any

import pytest

from app.chat.prompt import PastTurn
from app.kit.errors import Invalid
from app.protocols.openai.conversation import REMEMBERED_CHARS, WISHES_CHARS, conversation_of
from app.protocols.openai.schemas import CompletionRequest


def said(*turns: tuple[str, Any]) -> CompletionRequest:
    return CompletionRequest.model_validate(
        {"model": "m", "messages": [{"role": role, "content": content} for role, content in turns]}
    )


def test_turns_are_paired_and_unanswered_questions_belong_to_the_next() -> None:
    read = conversation_of(
        said(
            ("assistant", "Welcome!"),
            ("user", "a"),
            ("user", "b"),
            ("assistant", "c"),
            ("system", "Be brief."),
            ("assistant", "d"),
            ("user", "e"),
            ("assistant", None),
            ("user", "f"),
        )
    )
    assert read.question == "f"
    assert read.wishes == "Be brief."
    assert read.history == (PastTurn("a\nb", "c\nd"),)


def test_the_oldest_turns_are_forgotten_first() -> None:
    half = "x" * (REMEMBERED_CHARS // 2)
    read = conversation_of(
        said(("user", half), ("assistant", half), ("user", "new"), ("assistant", "yes"), ("user", "q"))
    )
    assert read.history == (PastTurn("new", "yes"),)
    many = [turn for number in range(20) for turn in (("user", f"q{number}"), ("assistant", f"a{number}"))]
    remembered = conversation_of(said(*many, ("user", "last"))).history
    assert [turn.question for turn in remembered] == [f"q{number}" for number in range(14, 20)]


@pytest.mark.parametrize(
    "turns",
    [
        [("system", "x")],
        [("user", "q"), ("assistant", "a")],
        [("user", "")],
        [("user", "x" * 20_001)],
        [("system", "x" * (WISHES_CHARS + 1)), ("user", "q")],
    ],
)
def test_what_holds_no_question_is_refused(turns: list[tuple[str, Any]]) -> None:
    with pytest.raises(Invalid) as refused:
        conversation_of(said(*turns))
    assert refused.value.errors[0].path == "messages"
