"""Texts as term weights."""

import pytest

from app.adapters.vector_store import sparse_document, sparse_query


def shared(query: str, document: str) -> int:
    """How many terms of the question are in the passage."""
    return len(set(sparse_query(query).indices) & set(sparse_document(document).indices))


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("running engines", "The engine runs."),
        ("NAIVE cafe", "A naïve café"),
        ("Brücken", "Die Katzen laufen über Brücken."),
        ("bruecke brucken", "BRÜCKEN"),
        ("ｆｕｌｌ ﬁle", "full file"),
        ("error E_42 v1.2.3", "v1.2.3 raised E_42"),
        ("книги", "Привет, мир! Книги."),
        ("كتاب", "مرحبا بالعالم كتاب"),
        ("天气", "今天天气很好，我们去公园。"),
        ("猫", "黑猫吃鱼"),
        ("東京タワー", "昨日、東京タワーに行きました"),
        ("세계", "안녕하세요 세계"),
        ("สงบ", "คนไทยรักสงบ"),
        ("हिन्दी", "नमस्ते दुनिया हिन्दी"),
    ],
)
def test_a_question_meets_a_passage_in_its_script(query: str, document: str) -> None:
    assert shared(query, document) >= 1


def test_a_word_inside_an_unspaced_sentence_is_told_from_another() -> None:
    assert shared("公园", "今天天气很好，我们去公园。") > shared("学校", "今天天气很好，我们去公园。") == 0


@pytest.mark.parametrize("text", ["", " ", "the of and", "!?…", "\U0001f600"])
def test_a_text_without_terms_is_an_empty_vector(text: str) -> None:
    assert sparse_query(text).indices == sparse_document(text).indices == ()


def test_more_occurrences_weigh_more_but_each_one_less_and_long_passages_dilute() -> None:
    once, twice, thrice = (sparse_document("engine " * n).values[0] for n in (1, 2, 3))
    assert twice - once > 0
    assert 0 < thrice - twice < twice - once
    long = sparse_document("engine " + " ".join(f"word{n}" for n in range(500)))
    assert max(long.values) < once


def test_a_term_occurs_once_in_a_vector_and_every_question_term_weighs_one() -> None:
    vector = sparse_query("engine engines ENGINE wheel")
    assert len(set(vector.indices)) == len(vector.indices) == 2
    assert vector.values == (1.0, 1.0)
