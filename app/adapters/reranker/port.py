"""The port to models that judge passages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.kit.models import ModelEndpoint

CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Ranking:
    """A score between 0 and 1 for each text, in the order of the texts.

    ``tokens`` is what the provider counted, or our own count of characters where it did not say (``estimated``).
    """

    scores: tuple[float, ...]
    tokens: int
    estimated: bool = False


class Reranker(Protocol):
    """Judges how well texts answer a question."""

    async def rerank(self, endpoint: ModelEndpoint, query: str, texts: Sequence[str], timeout_s: float) -> Ranking:
        """Score at least one text within ``timeout_s`` seconds, retries included.

        Raises ProviderError and its kin; whatever comes back holds a score for every text.
        """
        ...


def estimated_tokens(query: str, texts: Sequence[str]) -> int:
    """What judging these texts takes, roughly: the question is read again with each of them."""
    return (sum(map(len, texts)) + len(query) * len(texts)) // CHARACTERS_PER_TOKEN + 1
