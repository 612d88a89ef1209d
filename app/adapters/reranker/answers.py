"""From a provider's answer to scores we trust: one for each text, finite, between 0 and 1."""

import math
from collections.abc import Iterable, Sequence

from app.adapters.reranker.port import Ranking, estimated_tokens
from app.kit.errors import ProviderError
from app.kit.models import ModelEndpoint


def ranking_of(
    endpoint: ModelEndpoint,
    scored: Iterable[tuple[int, float]],
    query: str,
    texts: Sequence[str],
    tokens: int | None,
) -> Ranking:
    """Put (position, score) pairs in the order of the texts. Raises ProviderError unless each text has one score."""
    scores: dict[int, float] = {}
    for at, score in scored:
        if at in scores or not 0 <= at < len(texts) or not math.isfinite(score):
            raise ProviderError(f"{endpoint.model}: the provider returned scores that belong to no text.")
        scores[at] = score
    if len(scores) != len(texts):
        raise ProviderError(f"{endpoint.model}: the provider returned {len(scores)} scores for {len(texts)} texts.")
    estimated = tokens is None
    counted = estimated_tokens(query, texts) if tokens is None else tokens
    return Ranking(probabilities([scores[at] for at in range(len(texts))]), counted, estimated)


def probabilities(scores: Sequence[float]) -> tuple[float, ...]:
    """Scores between 0 and 1: where any lies outside, they are logits, and the logistic function maps them all."""
    if all(0 <= score <= 1 for score in scores):
        return tuple(scores)
    return tuple(logistic(score) for score in scores)


def logistic(logit: float) -> float:
    """1 / (1 + e⁻ˣ), without overflow at either end."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    power = math.exp(logit)
    return power / (1 + power)
