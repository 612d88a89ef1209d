"""When two questions are one: what may differ, and what may not."""

from collections.abc import Sequence

import numpy as np
import pytest

from app.adapters.embedder.local import LocalEmbedder
from app.chat.cache.entries import Neighbour
from app.chat.cache.guards import Difference, difference
from app.chat.cache.meaning import same_questions, vector_of
from app.kit.models import ModelEndpoint
from app.knowledge.model_list import DEFAULT_MODEL
from tests.chat.cache.pairs import ADVERSARIAL, FOREIGN, PARAPHRASES

APART = [(kind, *pair) for kind, pairs in ADVERSARIAL.items() for pair in pairs]


@pytest.mark.parametrize(("kind", "one", "other"), APART)
def test_questions_with_different_answers_are_kept_apart(kind: str, one: str, other: str) -> None:
    del kind
    assert difference(one, other) is not None
    assert difference(other, one) is not None


@pytest.mark.parametrize(("one", "other"), FOREIGN)
def test_small_words_of_other_languages_are_not_taken_for_english_ones(one: str, other: str) -> None:
    assert difference(one, other) is not None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Is smoking allowed?", "Is smoking not allowed?", Difference.NEGATION),
        ("What was revenue in 2019?", "What was revenue in 2020?", Difference.NUMBERS),
        ("Who manages the Leeds office?", "Who manages the Hull office?", Difference.NAMES),
        ("Who wrote it?", "When wrote it?", Difference.QUESTION),
        ("Who is the chair?", "Who was the chair?", Difference.TIME),
        ("How do I start the pump?", "How do I stop the pump?", Difference.WORDS),
        ("Is steel harder than iron?", "Is iron harder than steel?", Difference.ORDER),
    ],
)
def test_a_difference_has_a_name(one: str, other: str, expected: Difference) -> None:
    assert difference(one, other) is expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How long is service rewarded?", "How is long service rewarded?"),
        ("Tell me how long service is rewarded", "How is long service rewarded?"),
        ("Does anyone know the code?", "What is the code?"),
        ("What is the number of the house?", "How many houses?"),
        ("May I bring a guest?", "May I bring guests?"),
        ("Is a != b checked?", "Is a = b checked?"),
        ("What is a .5 dose?", "What is a 5 dose?"),
        ("What does 10⁵ mean?", "What does 105 mean?"),
        ("Is hepatitis A treated?", "Is hepatitis treated?"),
        ("What is the fee for Adam?", "What is the fee for Adams?"),
        ("Who says Anna's paid?", "Who says Anna paid?"),
        ("What does the pump do?", "What is the pump?"),
        ("", "What?"),
    ],
)
def test_traps(one: str, other: str) -> None:
    assert difference(one, other) is not None


@pytest.mark.parametrize("question", ["", "?", "What?", "a", "the the the", "of", "IS IT ON?", "🙂", "not not"])
def test_a_question_is_itself_however_odd(question: str) -> None:
    assert difference(question, f"  {question}  ") is None


def test_more_than_half_of_the_paraphrases_are_understood() -> None:
    understood = [pair for pair in PARAPHRASES if difference(*pair) is None]
    assert len(understood) >= 0.6 * len(PARAPHRASES)


async def served(pairs: Sequence[tuple[str, str]], min_similarity: float) -> int:
    """How many pairs would be one to the cache, each second question being the stored one."""
    embedder, endpoint = LocalEmbedder(), ModelEndpoint(DEFAULT_MODEL)
    count = 0
    for asked, stored in pairs:
        vectors = [await vector_of(embedder, endpoint, question) for question in (asked, stored)]
        count += any(same_questions(asked, vectors[0], [Neighbour("key", stored, vectors[1])], min_similarity))
    await embedder.aclose()
    return count


async def test_no_wrong_hit_whatever_similarity_is_asked_for() -> None:
    assert await served([(one, other) for _, one, other in APART], 0.5) == 0


async def test_paraphrases_are_hits_at_the_default_similarity() -> None:
    assert await served(PARAPHRASES, 0.95) >= 20


def test_the_nearest_comes_first_and_the_far_ones_not_at_all() -> None:
    def vector(x: float, y: float) -> bytes:
        return np.array([x, y], dtype=np.float32).tobytes()

    stored = [
        Neighbour("far", "Who is it?", vector(0, 1)),
        Neighbour("near", "who is it", vector(0.96, 0.28)),
        Neighbour("nearest", "Who is it?", vector(1, 0)),
        Neighbour("other", "Who was it?", vector(1, 0)),
    ]
    found = list(same_questions("Who is it?", vector(1, 0), stored, 0.9))
    assert [(neighbour.key, similarity) for neighbour, similarity in found] == [("nearest", 1.0), ("near", 0.96)]
    assert list(same_questions("Who is it?", vector(1, 0), [], 0.9)) == []
