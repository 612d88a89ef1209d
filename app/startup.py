"""Starting: wait for what is needed, with back-off, then either go on or say in one sentence what to mend."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine

import structlog

from app.kit.errors import AppError
from app.migrate import schema_state
from app.runtime import Runtime
from app.settings import Settings

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 3.0

log = structlog.get_logger(__name__)


class StartRefused(AppError):
    """The process cannot start; the detail says what to mend."""

    code = "start_refused"
    title = "The process cannot start"


def prepare_process() -> None:
    """Settings of libraries that must be in place before they are imported.

    Small work by numpy on many threads costs ten times the CPU it saves.
    """
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def require_services(settings: Settings) -> None:
    """Refuse to start one of several processes on what belongs to a single one. Raises StartRefused."""
    if settings.qdrant_url is None:
        raise StartRefused(
            "Set MINIRAG_QDRANT_URL: the embedded index belongs to one process, so separate web and worker processes "
            "need a Qdrant server. For everything in one process use: minirag serve"
        )
    if settings.redis_url is None:
        raise StartRefused(
            "Set MINIRAG_REDIS_URL: separate web and worker processes meet in Redis. "
            "For everything in one process use: minirag serve"
        )


async def wait_for_schema(settings: Settings) -> None:
    """Wait until the database answers and has the newest schema. Raises StartRefused after the time-out."""

    async def check() -> None:
        state = await schema_state(settings.effective_database_url)
        if not state.is_current:
            stored = state.stored or "nothing"
            raise StartRefused(
                f"The database holds schema {stored}, this version needs {state.newest}. Run: minirag migrate"
            )

    await _wait(settings, "The database", "MINIRAG_DATABASE_URL", check)


async def wait_for_services(runtime: Runtime) -> None:
    """Wait until Redis and the index answer. Raises StartRefused after the time-out."""
    await _wait(runtime.settings, "Redis", "MINIRAG_REDIS_URL", runtime.queue.ping)
    await _wait(runtime.settings, "The vector index", "MINIRAG_QDRANT_URL", runtime.vectors.ping)


async def _wait(settings: Settings, what: str, setting: str, check: Callable[[], Awaitable[object]]) -> None:
    deadline = time.monotonic() + settings.startup_timeout_s
    pause = FIRST_PAUSE_S
    while True:
        try:
            async with asyncio.timeout(max(1.0, deadline - time.monotonic())):
                await check()
            return
        except StartRefused as refused:
            sentence = refused.detail
        except Exception as fault:  # noqa: BLE001  # Each driver has errors of its own; here they all mean "not yet".
            sentence = (
                f"{what} did not answer within {settings.startup_timeout_s:g} seconds ({type(fault).__name__}). "
                f"Check that it runs and that {setting} is right."
            )
        if time.monotonic() + pause > deadline:
            raise StartRefused(sentence)
        log.info("startup.waiting", what=what, pause_s=round(pause, 1))
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


def run_process(work: Coroutine[None, None, None]) -> int:
    """Run a process to its end; 2 with one sentence on stderr when it cannot start, 0 when it was told to stop."""
    try:
        _run(work)
    except AppError as refused:
        sys.stderr.write(f"minirag: {refused.detail}\n")
        return 2
    return 0


def _run(work: Coroutine[None, None, None]) -> None:
    try:
        import uvloop  # noqa: PLC0415  # Not on every platform; its loop costs about half the CPU of the standard one.
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)
