"""The same question in other words: near by embedding, the same by its wording, and answered from the same evidence.

The bundled embedder compares, whatever model the knowledge base uses: its vectors are of no cost and of one kind.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from app.adapters.embedder.port import Embedder
from app.chat.cache.entries import Neighbour
from app.chat.cache.guards import difference
from app.chat.cache.values import Stored
from app.kit.models import ModelEndpoint

if TYPE_CHECKING:  # numpy costs 0.1 s and 15 MB; whoever never compares does not need it.
    from numpy import float32
    from numpy.typing import NDArray

LONGEST = 1000
"""Characters of a question that is compared: what is longer is more than a question, and no embedder reads it whole."""
LOOKED_AT = 5
"""The best sources of both questions, of which most must be the same."""
AGREED = 0.5


async def vector_of(embedder: Embedder, endpoint: ModelEndpoint, question: str) -> bytes:
    """The question's vector, as it is stored. Raises what embedding raises."""
    embedded = await embedder.embed(endpoint, [question], "query")
    return embedded.vectors[0].tobytes()


def same_questions(
    question: str, vector: bytes, neighbours: Sequence[Neighbour], min_similarity: float
) -> Iterator[tuple[Neighbour, float]]:
    """The stored questions that ask the same, the most similar first, each with its cosine."""
    if not neighbours:
        return
    import numpy as np  # noqa: PLC0415  Late, for the cold start.

    asked = np.frombuffer(vector, dtype=np.float32)
    stored: NDArray[float32] = np.frombuffer(b"".join(one.vector for one in neighbours), dtype=np.float32)
    cosines: list[float] = (stored.reshape(len(neighbours), -1) @ asked).tolist()
    nearest = sorted(range(len(neighbours)), key=lambda at: -cosines[at])
    for at in nearest:
        if cosines[at] < min_similarity:
            return
        if difference(question, neighbours[at].question) is None:
            yield neighbours[at], min(1.0, round(cosines[at], 6))


def agree(stored: Stored, found: Sequence[UUID]) -> bool:
    """Whether what was found for the new question, best first, is what the stored answer was written from.

    Every chunk it cites must have been found again, and half of either's best sources must be the other's.
    """
    before = [source.chunk_id for source in stored.sources]
    return stored.cited <= set(found) and likeness(before[:LOOKED_AT], found[:LOOKED_AT]) >= AGREED


def likeness(one: Sequence[UUID], other: Sequence[UUID]) -> float:
    """The share of chunks in either that are in both (Jaccard), 1 for two empty sets."""
    either = set(one) | set(other)
    return len(set(one) & set(other)) / len(either) if either else 1.0
