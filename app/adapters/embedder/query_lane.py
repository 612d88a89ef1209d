"""Queries that wait together are embedded together: eight cost as much as four would one by one."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from app.adapters.embedder.port import Embeddings

if TYPE_CHECKING:  # See ``port``.
    import numpy as np
    from numpy.typing import NDArray

TEXTS_AT_ONCE = 16

Run = Callable[[Sequence[str]], "tuple[NDArray[np.float32], list[int]]"]
Waiter = tuple[Sequence[str], "asyncio.Future[Embeddings]"]


class QueryLane:
    """Hands queries to one thread. Nobody waits for company: a lone query goes at once."""

    def __init__(self, run: Run, executor: Executor) -> None:
        self._run = run
        self._executor = executor
        self._waiting: deque[Waiter] = deque()
        self._task: asyncio.Task[None] | None = None

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Embed the texts of one query, with those of others that wait."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((texts, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve())
        return await future

    async def aclose(self) -> None:
        """Let go of whoever still waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for _, future in self._waiting:
            future.cancel()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while company := self._next():
            texts = [text for group, _ in company for text in group]
            try:
                vectors, tokens = await loop.run_in_executor(self._executor, self._run, texts)
            except BaseException as error:
                for _, future in company:
                    _fail(future, error)
                if not isinstance(error, Exception):
                    raise
                continue
            at = 0
            for group, future in company:
                end = at + len(group)
                if not future.done():
                    future.set_result(Embeddings(vectors[at:end], sum(tokens[at:end])))
                at = end

    def _next(self) -> list[Waiter]:
        """Take who waits, as long as there is room, but always someone; skip whoever has given up."""
        company: list[Waiter] = []
        size = 0
        while self._waiting and (not company or size + len(self._waiting[0][0]) <= TEXTS_AT_ONCE):
            waiter = self._waiting.popleft()
            if not waiter[1].done():
                company.append(waiter)
                size += len(waiter[0])
        return company


def _fail(future: asyncio.Future[Embeddings], error: BaseException) -> None:
    if future.done():
        return
    if isinstance(error, Exception):
        future.set_exception(error)
    else:
        future.cancel()
