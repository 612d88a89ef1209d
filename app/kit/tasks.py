"""Ending tasks that somebody owns."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 0.25


async def end_tasks(tasks: Iterable["asyncio.Future[Any]"]) -> None:
    """Cancel until all have ended, whatever they end with.

    A cancellation can be lost on its way: a driver that is just closing a connection swallows it. So it is sent again
    until it has arrived.
    """
    owned = list(tasks)
    pending = {task for task in owned if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)
    await asyncio.gather(*owned, return_exceptions=True)
