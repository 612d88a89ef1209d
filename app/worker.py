"""``minirag worker``: a process that only learns. As many may run as are wanted."""

import asyncio
import signal

import structlog

from app.background import working
from app.kit.logs import configure_logging
from app.runtime import open_runtime
from app.settings import Settings
from app.startup import prepare_process, require_services, run_process, wait_for_schema, wait_for_services

log = structlog.get_logger(__name__)


def serve_worker(settings: Settings) -> int:
    """Work until stopped; the process's exit code."""
    prepare_process()
    configure_logging(settings.log_level, settings.log_format)
    return run_process(_serve(settings))


async def _serve(settings: Settings) -> None:
    require_services(settings)
    await wait_for_schema(settings)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_runtime(settings) as runtime:
        await wait_for_services(runtime)
        async with working(runtime, only_worker=False):
            log.info("worker.started", jobs=settings.worker_jobs)
            await stop.wait()
    log.info("worker.stopped")
