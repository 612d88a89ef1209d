from app.bots.policies import RetrievalPolicy
from app.chat.context import best_at_the_ends, choose_sources
from app.kit.ids import new_id
from tests.chat.sources import found, source


def words(text: str) -> int:
    return len(text.split())


def test_numbers_the_best_evidence_first() -> None:
    chosen = choose_sources([found("one"), found("two")], RetrievalPolicy(), words)
    assert [(item.n, item.text) for item in chosen] == [(1, "one"), (2, "two")]


def test_chunks_of_one_parent_become_one_source() -> None:
    parent = new_id()
    both = "first half. second half."
    chosen = choose_sources(
        [
            found("first half.", parent_id=parent, parent_content=both),
            found("second half.", parent_id=parent, parent_content=both),
        ],
        RetrievalPolicy(),
        words,
    )
    assert [item.text for item in chosen] == [both]


def test_falls_back_to_the_chunk_where_the_parent_does_not_fit() -> None:
    parent = "word " * 300
    chosen = choose_sources(
        [found("small chunk", parent_content=parent, char_start=40)], RetrievalPolicy(context_tokens=200), words
    )
    assert [(item.text, item.char_start) for item in chosen] == [("small chunk", 40)]


def test_stays_within_the_token_budget_but_always_takes_the_best() -> None:
    big, small = found("word " * 500), found("few words here")
    chosen = choose_sources([big, small], RetrievalPolicy(context_tokens=200), words)
    assert [item.evidence.chunk_id for item in chosen] == [big.evidence.chunk_id]


def test_stays_within_the_number_of_chunks() -> None:
    chosen = choose_sources([found(f"text {n}") for n in range(9)], RetrievalPolicy(max_chunks=4), words)
    assert len(chosen) == 4


def test_the_best_stand_at_the_beginning_and_the_end() -> None:
    order = [item.n for item in best_at_the_ends([source(n, "x") for n in range(1, 6)])]
    assert order == [1, 3, 5, 4, 2]
