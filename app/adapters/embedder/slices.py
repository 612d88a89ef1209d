"""Many texts to a provider in requests it accepts, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from app.adapters.embedder.answers import joined
from app.adapters.embedder.port import Embeddings
from app.adapters.provider_limits import ProviderLimits
from app.adapters.provider_retry import with_retries

TEXTS_PER_REQUEST = 96  # Cohere's limit, the lowest of the common ones.
CHARACTERS_PER_REQUEST = 300_000  # OpenAI takes 300,000 tokens in a request; a character is never more than one.
REQUESTS_AT_ONCE = 4

Call = Callable[[Sequence[str]], Awaitable[Embeddings]]


async def embed_in_slices(texts: Sequence[str], call: Call, limits: ProviderLimits, model: str) -> Embeddings:
    """Embed texts slice by slice, each with its own deadline and retries; the first failure ends all."""
    slices = list(_slices(texts))
    if len(slices) == 1:
        return await with_retries(lambda: call(texts), limits, model)
    gate = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def embed(part: Sequence[str]) -> Embeddings:
        async with gate:
            return await with_retries(lambda: call(part), limits, model)

    tasks = [asyncio.ensure_future(embed(part)) for part in slices]
    try:
        return joined(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _slices(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start = characters = 0
    for at, text in enumerate(texts):
        full = at - start >= TEXTS_PER_REQUEST or characters + len(text) > CHARACTERS_PER_REQUEST
        if full and at > start:
            yield texts[start:at]
            start, characters = at, 0
        characters += len(text)
    yield texts[start:]
