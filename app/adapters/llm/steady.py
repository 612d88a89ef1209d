"""Deadlines and retries around one road: what makes a provider's stream dependable.

    attempt ─ fault before a token? ─ pause ─ attempt …      inside ``first_token_s``, at most two retries
       └ token ─ token ─ …                                   each within ``idle_s``, all within ``total_s``

The idle deadline does not run while the caller holds a token: a slow reader is not a slow provider.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.adapters.llm.port import Completion, ModelEvent, Road, TextDelta
from app.adapters.provider_limits import ProviderLimits
from app.adapters.provider_retry import pause_before_retry_s
from app.kit.errors import ProviderError, ProviderTimeout


async def steady(road: Road, completion: Completion, limits: ProviderLimits) -> AsyncGenerator[ModelEvent]:
    """Stream an answer over a road, under the limits. Raises ProviderTimeout or the road's own ProviderError."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    attempt = 0
    while True:
        async with aclosing(road.attempt(completion)) as events:
            left_s = begun + limits.first_token_s - clock()
            try:
                event = await _next(events, left_s, completion, "no token")
            except ProviderError as error:
                pause_s = pause_before_retry_s(error, attempt, begun + limits.first_token_s - clock())
                if pause_s is None:
                    raise
            else:
                while event is not None:
                    if not isinstance(event, TextDelta) or event.text:
                        yield event
                    left_s = min(limits.idle_s, begun + limits.total_s - clock())
                    event = await _next(events, left_s, completion, "no further token")
                return
        await asyncio.sleep(pause_s)
        attempt += 1


async def _next(
    events: AsyncGenerator[ModelEvent], left_s: float, completion: Completion, failure: str
) -> ModelEvent | None:
    """Return the next event, ``None`` after the last. Raises ProviderTimeout when the time is up."""
    try:
        async with asyncio.timeout(left_s):
            return await anext(events, None)
    except TimeoutError as error:
        model = completion.endpoint.model
        raise ProviderTimeout(f"{model}: {failure} within {max(left_s, 0):.3g} s.") from error
