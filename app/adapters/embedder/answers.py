"""From a provider's answer to vectors we trust: counted, finite, of one width and of length 1."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from app.adapters.embedder.port import Embeddings
from app.kit.errors import ProviderError
from app.kit.models import ModelEndpoint

if TYPE_CHECKING:  # See ``port``.
    import numpy as np
    from numpy.typing import NDArray

INLINE_BYTES = 64 * 1024  # Decoding more than this takes milliseconds and belongs into a thread.
CHARACTERS_PER_TOKEN = 4

T = TypeVar("T")


def embeddings_of(
    endpoint: ModelEndpoint, vectors: Sequence[Sequence[float]], texts: Sequence[str], tokens: int | None
) -> Embeddings:
    """Make an answer of raw vectors. Raises ProviderError when they cannot be what was asked for."""
    if len(vectors) != len(texts):
        raise ProviderError(f"{endpoint.model}: the provider returned {len(vectors)} vectors for {len(texts)} texts.")
    counted = sum(map(len, texts)) // CHARACTERS_PER_TOKEN + 1
    return Embeddings(_unit(endpoint, vectors), counted if tokens is None else tokens, estimated=tokens is None)


def joined(parts: Sequence[Embeddings]) -> Embeddings:
    """Put the answers to consecutive slices together."""
    if len(parts) == 1:
        return parts[0]
    import numpy as np  # noqa: PLC0415  Late, for the cold start: see ``port``.

    estimated = any(part.estimated for part in parts)
    return Embeddings(np.concatenate([part.vectors for part in parts]), sum(part.tokens for part in parts), estimated)


async def decoded(decode: Callable[[bytes], T], body: bytes) -> T:
    """Decode an answer, a large one in a thread."""
    return decode(body) if len(body) <= INLINE_BYTES else await asyncio.to_thread(decode, body)


def _unit(endpoint: ModelEndpoint, vectors: Sequence[Sequence[float]]) -> "NDArray[np.float32]":
    import numpy as np  # noqa: PLC0415  Late, for the cold start: see ``port``.

    try:
        with np.errstate(over="ignore"):  # What does not fit becomes infinite, and is refused below.
            array = np.asarray(vectors, dtype=np.float32)
    except ValueError as error:
        raise ProviderError(f"{endpoint.model}: the provider returned vectors of different widths.") from error
    if array.ndim != 2 or array.shape[1] == 0:
        raise ProviderError(f"{endpoint.model}: the provider returned empty vectors.")
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise ProviderError(f"{endpoint.model}: the provider returned a vector without direction.")
    return array / lengths
