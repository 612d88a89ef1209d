from app.bots.policies import AbstainPolicy
from app.retrieval.abstain import coverage, judge
from app.retrieval.evidence import Found, Scores
from tests.chat.sources import evidence

GRANITE = "local/granite-embedding-30m-english"


def found(text: str, cosine: float, model: str = GRANITE, rerank: float | None = None) -> Found:
    return Found(evidence(text), Scores(1.0, 0.1, cosine, None, rerank, {model: cosine}))


def test_nothing_found_abstains() -> None:
    judged = judge("Who?", [], AbstainPolicy())
    assert (judged.would_abstain, judged.reason) == (True, "no_results")


def test_a_close_passage_in_the_same_words_is_enough() -> None:
    judged = judge("When are salaries paid?", [found("Salaries are paid on the 25th.", 0.8)], AbstainPolicy())
    assert not judged.would_abstain
    assert judged.reason is None


def test_a_distant_passage_in_other_words_is_weak_evidence() -> None:
    judged = judge("Which zebra won the Eurovision?", [found("Salaries are paid on the 25th.", 0.5)], AbstainPolicy())
    assert (judged.would_abstain, judged.reason) == (True, "weak_evidence")


def test_the_policy_moves_the_threshold_and_can_switch_it_off() -> None:
    middling = [found("Salaries are paid on the 25th.", 0.62)]
    assert judge("When do wages come?", middling, AbstainPolicy(min_score=0.9)).would_abstain
    assert not judge("When do wages come?", middling, AbstainPolicy(min_score=0.9, enabled=False)).would_abstain


def test_a_reranker_has_the_last_word() -> None:
    assert judge("Anything", [found("x", 0.1, rerank=0.95)], AbstainPolicy()).confidence == 0.95


def test_a_model_without_a_curve_is_judged_by_words() -> None:
    judged = judge("When are salaries paid?", [found("Salaries are paid late.", 0.1, "openai/x")], AbstainPolicy())
    assert judged.confidence == 1.0


def test_coverage_is_the_share_of_the_questions_words() -> None:
    assert coverage("When are the salaries paid?", "Paid salaries.") == 1.0
    assert coverage("leave in winter", "Leave is granted.") == 0.5
