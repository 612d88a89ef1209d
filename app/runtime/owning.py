"""Tasks that end with what opened them."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack

from app.kit.tasks import end_tasks


def own(stack: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
    """Run a coroutine as a task that ends with the runtime."""
    task = asyncio.create_task(work)

    stack.push_async_callback(end_tasks, [task])
