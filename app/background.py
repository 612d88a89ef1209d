"""Work that goes on beside requests: the worker, the sweeps, and what keeps an installation tidy."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from app.adapters.queue import Worker, build_worker
from app.chat.cache.entries import purge as purge_cache
from app.ingestion.jobs import IngestionJobs
from app.ingestion.sweeper import sweep_forever
from app.kit.tasks import end_tasks
from app.runtime import Runtime
from app.tenants import idempotency

TIDY_S = 600.0
RECOVER_S = 5.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def working(runtime: Runtime, *, only_worker: bool) -> AsyncGenerator[Worker]:
    """A worker with its sweeps, until the block ends; then it drains and gives leases back.

    ``only_worker`` says that no other process works on this database: runs found running were then lost for certain.
    """
    settings = runtime.settings
    jobs = IngestionJobs(runtime.ingestion)
    worker = build_worker(
        runtime.redis, jobs.by_name(), max_jobs=settings.worker_jobs, drain_s=settings.shutdown_grace_s
    )
    async with _tasks(
        lambda: sweep_forever(runtime.ingestion, orphans=only_worker),
        lambda: _every(TIDY_S, "tidy", lambda: _tidy(runtime)),
    ):
        await worker.start()
        try:
            yield worker
        finally:
            await worker.aclose()


async def _tidy(runtime: Runtime) -> None:
    """Forget what has expired."""
    await idempotency.purge(runtime.database)
    await purge_cache(runtime.database)


@asynccontextmanager
async def recovering(runtime: Runtime) -> AsyncGenerator[None]:
    """Close answers whose process died, now and then, until the block ends."""
    async with _tasks(lambda: _every(RECOVER_S, "recovery", runtime.chat.recovery.sweep)):
        yield


@asynccontextmanager
async def _tasks(*works: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    tasks = [asyncio.ensure_future(work()) for work in works]
    try:
        yield
    finally:
        await end_tasks(tasks)


async def _every(pause_s: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await work()
        except Exception as fault:  # noqa: BLE001  # A sweep that fails is followed by the next; nobody else would run it.
            log.warning("background.failed", work=name, kind=type(fault).__name__)
        await asyncio.sleep(pause_s)
