"""A word to every process at once: cancel this answer, forget that cache entry.

Nothing is kept: who does not listen at that moment does not hear it. A listener therefore gets ``MISSED`` first, and
again whenever Redis was away: it listens from now on, and anything may have been said before.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from app.adapters.redis import RedisClient
from app.kit.errors import DependencyDown

MISSED: Final = ""
"""What a listener gets whenever it begins to hear. No announcement is empty."""
_WAIT_S: Final = 1.0
_RETRY_S: Final = 0.5


async def announce(redis: RedisClient, channel: str, text: str) -> None:
    """Say ``text`` on ``channel``; raises ``DependencyDown``."""
    await redis.call("PUBLISH", _name(channel), text)


async def listen(redis: RedisClient, channel: str) -> AsyncGenerator[str]:
    """Everything said on ``channel`` while this is iterated."""
    while True:
        try:
            async with redis.subscribed(_name(channel)) as subscription:
                yield MISSED
                while True:
                    if text := await subscription.next(_WAIT_S):
                        yield text
        except DependencyDown:
            await asyncio.sleep(_RETRY_S)


def _name(channel: str) -> str:
    return f"news:{channel}"
