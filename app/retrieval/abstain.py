"""Is there enough to answer from? Decided before any chat model is called.

Confidence comes from the best dense similarity and from how much of the question's own vocabulary the best chunks
hold, by the curve that was calibrated for the embedding model (``calibration.py``). Under a model that was never
calibrated it is the vocabulary alone. Where a reranker has judged, its best score is the confidence, and the
reranker's own ``min_score`` the threshold: its scores have another scale.
"""

from collections.abc import Sequence

from app.bots.policies import AbstainPolicy, RerankPolicy
from app.kit.words import content_words
from app.retrieval.calibration import CURVES, DEFAULT_MIN_SCORE
from app.retrieval.evidence import Found, Judgement

LOOKED_AT = 5
"""How many of the best chunks are judged."""


def judge(
    question: str, found: Sequence[Found], policy: AbstainPolicy, rerank: RerankPolicy | None = None
) -> Judgement:
    """Whether the evidence can carry an answer; ``min_score`` of the policy overrides the calibrated threshold."""
    if not found:
        return Judgement(would_abstain=policy.enabled, reason="no_results", confidence=0.0)
    confidence = round(_confidence(question, found[:LOOKED_AT]), 4)
    threshold = DEFAULT_MIN_SCORE if policy.min_score is None else policy.min_score
    if rerank is not None and found[0].scores.rerank is not None:
        threshold = rerank.min_score
    weak = confidence < threshold
    return Judgement(policy.enabled and weak, "weak_evidence" if weak else None, confidence)


def _confidence(question: str, best: Sequence[Found]) -> float:
    reranked = [item.scores.rerank for item in best if item.scores.rerank is not None]
    if reranked:
        return max(reranked)
    asked = content_words(question)
    covered = max(_share(asked, item.evidence.content) for item in best)
    calibrated = [
        CURVES[model].confidence(cosine, covered)
        for item in best
        for model, cosine in item.scores.by_model.items()
        if model in CURVES
    ]
    return max(calibrated) if calibrated else covered


def coverage(question: str, passage: str) -> float:
    """The share of the question's content words that stand in the passage, between 0 and 1."""
    return _share(content_words(question), passage)


def _share(asked: frozenset[str], passage: str) -> float:
    return len(asked & content_words(passage)) / len(asked) if asked else 1.0
