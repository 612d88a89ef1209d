"""What a similarity means, per embedding model: cosines of different models are not comparable.

Each curve is a logistic regression of "these chunks answer the question" on the best cosine and on the share of the
question's content words found (``abstain.coverage``), fitted to questions asked of paragraphs that answer them and of
paragraphs about something else. ADR 0012 names the data and shows both kinds of error.
"""

import math
from dataclasses import dataclass

DEFAULT_MIN_SCORE = 0.2
"""Confidence under which a bot abstains unless its policy says otherwise: 2 % of good answers are lost by it."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Weights of the regression."""

    cosine: float
    coverage: float
    bias: float

    def confidence(self, cosine: float, coverage: float) -> float:
        """How likely the evidence answers the question, between 0 and 1."""
        return 1 / (1 + math.exp(-(self.cosine * cosine + self.coverage * coverage + self.bias)))


CURVES: dict[str, Curve] = {
    "local/granite-embedding-30m-english": Curve(cosine=6.945, coverage=2.076, bias=-6.474),
}
