"""When a failed call to a provider is worth another try, and after which pause."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.adapters.provider_limits import ProviderLimits
from app.kit.errors import ProviderError, ProviderTimeout

RETRIES = 2
FIRST_PAUSE_S = 0.2

T = TypeVar("T")


def pause_before_retry_s(error: ProviderError, attempt: int, left_s: float) -> float | None:
    """Return how long to wait before the next try, or ``None`` to give up.

    ``attempt`` counts from 0; ``left_s`` is what remains of the deadline. The provider's own ``Retry-After`` wins
    where it is longer than ours; a pause that would use up the deadline is not begun. A quarter of jitter keeps
    many callers from returning in step.
    """
    if not error.transient or isinstance(error, ProviderTimeout) or attempt >= RETRIES:
        return None
    pause = FIRST_PAUSE_S * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311  Jitter needs no cryptography.
    pause = max(pause, error.retry_after_s or 0)
    return pause if pause < left_s else None


async def with_retries(call: Callable[[], Awaitable[T]], limits: ProviderLimits, model: str) -> T:
    """Run a call that does not stream under one deadline (``first_token_s``), at most two retries included.

    Raises ProviderTimeout when the deadline passes, else the last try's ProviderError.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + limits.first_token_s
    try:
        async with asyncio.timeout_at(deadline):
            attempt = 0
            while True:
                try:
                    return await call()
                except ProviderError as error:
                    pause = pause_before_retry_s(error, attempt, deadline - clock())
                    if pause is None:
                        raise
                await asyncio.sleep(pause)
                attempt += 1
    except TimeoutError as error:
        raise ProviderTimeout(f"{model}: no answer within {limits.first_token_s:g} s.") from error
