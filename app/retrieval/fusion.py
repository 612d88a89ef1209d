"""Several ranked lists become one: pure functions, the same over models, dense and sparse, and over both drivers.

Reciprocal rank fusion is Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual
Rank Learning Methods", SIGIR 2009: score(d) = Σ 1 / (k + rank(d)). Score fusion is a convex combination of scores
normalised within their list, as studied by Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
Retrieval", ACM TOIS 2023: dense by min–max, sparse by its maximum (its natural minimum is 0).
"""

from collections.abc import Sequence
from uuid import UUID

from app.bots.policies import FusionPolicy
from app.retrieval.evidence import Candidate, RankedList, Scores


def fuse(lists: Sequence[RankedList], policy: FusionPolicy) -> list[Candidate]:
    """All candidates of all lists, best first; ties break by id, so that the order never depends on chance."""
    rrf = reciprocal_ranks(lists, policy.rrf_k)
    fused = rrf if policy.method == "rrf" else weighted_scores(lists, policy.dense_weight)
    indexed = [(ranked, {hit.chunk_id: hit.score for hit in ranked.hits}) for ranked in lists]
    candidates = [
        Candidate(chunk_id, _scores(chunk_id, indexed, fused.get(chunk_id, 0.0), rrf[chunk_id])) for chunk_id in rrf
    ]
    return sorted(candidates, key=lambda candidate: (-candidate.scores.fused, candidate.chunk_id))


def reciprocal_ranks(lists: Sequence[RankedList], k: int) -> dict[UUID, float]:
    """Σ 1 / (k + rank) for each chunk, ranks counting from 1."""
    totals: dict[UUID, float] = {}
    for ranked in lists:
        for rank, hit in enumerate(ranked.hits, start=1):
            totals[hit.chunk_id] = totals.get(hit.chunk_id, 0.0) + 1 / (k + rank)
    return totals


def weighted_scores(lists: Sequence[RankedList], dense_weight: float) -> dict[UUID, float]:
    """Normalised scores, weighted; several lists of a kind share its weight. Between 0 and 1."""
    present = {ranked.kind for ranked in lists if ranked.hits}
    totals: dict[UUID, float] = {}
    for ranked in lists:
        peers = sum(1 for other in lists if other.kind == ranked.kind and other.hits)
        weight = dense_weight if ranked.kind == "dense" else 1 - dense_weight
        share = (weight if len(present) > 1 else 1.0) / max(1, peers)
        for chunk_id, score in _normalised(ranked).items():
            totals[chunk_id] = totals.get(chunk_id, 0.0) + share * score
    return totals


def _normalised(ranked: RankedList) -> dict[UUID, float]:
    if not ranked.hits:
        return {}
    scores = [hit.score for hit in ranked.hits]
    top = max(scores)
    floor = min(scores) if ranked.kind == "dense" else 0.0
    if top <= floor:
        return {hit.chunk_id: 1.0 for hit in ranked.hits}
    return {hit.chunk_id: (hit.score - floor) / (top - floor) for hit in ranked.hits}


def _scores(
    chunk_id: UUID, indexed: Sequence[tuple[RankedList, dict[UUID, float]]], fused: float, rrf: float
) -> Scores:
    by_model: dict[str, float] = {}
    sparse: float | None = None
    for ranked, scores in indexed:
        score = scores.get(chunk_id)
        if score is None:
            continue
        if ranked.kind == "sparse":
            sparse = score if sparse is None else max(sparse, score)
        else:
            by_model[ranked.model or ""] = score
    return Scores(fused, rrf, max(by_model.values()) if by_model else None, sparse, None, by_model)
