"""The port to embedding models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from app.kit.models import ModelEndpoint

if TYPE_CHECKING:  # numpy costs 0.1 s and 15 MB; whoever only routes a call does not need it.
    import numpy as np
    from numpy.typing import NDArray

Purpose = Literal["query", "document"]


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Vectors in the order of the texts, each of length 1, as an array of ``(texts, dimension)``.

    ``tokens`` is what the provider counted, or our own count of characters where it did not say (``estimated``).
    """

    vectors: "NDArray[np.float32]"
    tokens: int
    estimated: bool = False


class Embedder(Protocol):
    """Turns texts into vectors. Prefixes and input types a model wants are added inside."""

    async def embed(self, endpoint: ModelEndpoint, texts: Sequence[str], purpose: Purpose) -> Embeddings:
        """Embed at least one text. Raises ProviderError and its kin; DependencyDown for the bundled model."""
        ...
