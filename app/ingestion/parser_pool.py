"""Parsing in processes that can be ended: a deadline, a memory cap, and nobody else's work lost with them."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

from app.ingestion.parser_process import ParserGone, ParserProcess
from app.ingestion.parser_protocol import Parsed, Refused, Request, error_of
from app.kit.blocks import ParsedDocument
from app.parsing.errors import DocumentTimeout, ParserCrashed
from app.parsing.limits import ParseLimits
from app.parsing.media import MediaType

MEBIBYTE = 1 << 20


class ParserPool:
    """Up to ``children`` parser processes, started when needed and used in the order of asking.

    ``deadline_s`` is wall time for one document, waiting for a free process not included. ``memory_bytes`` caps what a
    process may hold. A process is replaced after ``documents_per_child`` documents, or when it still holds more than
    ``recycle_bytes`` after one, so that what a library leaks is given back.
    """

    def __init__(
        self,
        *,
        children: int = 1,
        deadline_s: float = 300.0,
        memory_bytes: int = 768 * MEBIBYTE,
        limits: ParseLimits | None = None,
        documents_per_child: int = 200,
        recycle_bytes: int = 160 * MEBIBYTE,
    ) -> None:
        self._slots = asyncio.Semaphore(children)
        self._starting = asyncio.Lock()
        self._idle: list[ParserProcess] = []
        self._busy: set[ParserProcess] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._deadline_s = deadline_s
        self._memory_bytes = memory_bytes
        self._limits = limits or ParseLimits()
        self._documents_per_child = documents_per_child
        self._recycle_bytes = recycle_bytes
        self._closed = False

    def warm_up(self) -> None:
        """Starts one process in the background, so that the first document does not wait for it."""
        self._own(self._add_idle())

    async def parse(
        self, path: Path, kind: MediaType, on_progress: Callable[[int, int], None] | None = None
    ) -> ParsedDocument:
        """The document in the file. ``on_progress`` hears of pages done and pages in all, at most ten times a second.

        Raises what ``app.parsing.parse.parse`` raises; DocumentTimeout or DocumentMemory when a bound was exceeded;
        ParserCrashed when the process died by itself. Cancelling ends the process.
        """
        request = Request(str(path), kind, self._limits, int(self._deadline_s) + 5)
        async with self._slots:
            child = await self._take()
            self._busy.add(child)
            try:
                reply = await self._ask(child, request, on_progress)
            except BaseException:
                self._discard(child)
                raise
            finally:
                self._busy.discard(child)
            self._give_back(child, reply)
        if isinstance(reply, Refused):
            raise error_of(reply)
        return reply.document

    async def aclose(self) -> None:
        """Ends every process. Documents being parsed fail with ParserCrashed."""
        self._closed = True
        for child in self._busy:
            child.kill()
        while self._idle:
            self._discard(self._idle.pop())
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask(
        self, child: ParserProcess, request: Request, on_progress: Callable[[int, int], None] | None
    ) -> Parsed | Refused:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await child.ask(request, on_progress)
        except ParserGone:
            raise await child.cause_of_death() from None
        except TimeoutError:
            raise DocumentTimeout(
                f"Reading the document took longer than {self._deadline_s:g} seconds. Split it and try again."
            ) from None

    async def _take(self) -> ParserProcess:
        while True:
            while self._idle:
                child = self._idle.pop()
                if child.is_alive():
                    return child
                self._discard(child)
            # A process that is being started is never abandoned half-way: whoever comes next will use it.
            await asyncio.shield(self._own(self._add_idle()))

    async def _add_idle(self) -> None:
        """Starts a process unless one is free, one at a time: two who wait may be served by one that comes back."""
        async with self._starting:
            if self._closed:
                raise ParserCrashed("The service is shutting down.")
            if not self._idle:
                try:
                    self._idle.append(await ParserProcess.start(self._memory_bytes))
                except OSError as fault:
                    raise ParserCrashed("A parser could not be started. Is the service out of memory?") from fault
        if self._closed:
            self._discard(self._idle.pop())

    def _give_back(self, child: ParserProcess, reply: Parsed | Refused) -> None:
        worn = child.documents >= self._documents_per_child or reply.resident_bytes > self._recycle_bytes
        if worn or self._closed:
            self._discard(child)
        else:
            self._idle.append(child)

    def _discard(self, child: ParserProcess) -> None:
        """Ends a process without waiting for its end, and has the next one ready."""
        child.kill()
        self._own(child.reap())
        if not self._closed:
            self.warm_up()

    def _own(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Whoever waits for the task hears of its fault; a warm-up that failed is tried again when it is needed.
            task.exception()
