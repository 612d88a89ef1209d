"""The worker: takes jobs from the queue and runs them, in a process of its own or inside the web process.

What ARQ leaves to its caller is done here. It dies with its first failed command: it is built again, with growing
pauses. It frees the jobs of a killed worker only after the longest time-out of any job: the mark on a running job
lasts ``LEASE_S`` here and is renewed while the job runs. It retries nothing but its own ``Retry``: jobs raise
``RetryLater``, and how often is decided in SQL, so ARQ's own limit is out of reach.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import arq.worker
import structlog
from arq.constants import in_progress_key_prefix
from arq.cron import CronJob, cron
from arq.worker import Function, func
from redis.exceptions import RedisError

from app.adapters.queue.codec import QUEUE_NAME, deserialize, serialize
from app.adapters.queue.jobs import Job, Periodic, without_context
from app.adapters.queue.queue import arq_pool
from app.adapters.redis import RedisSource
from app.kit.tasks import end_tasks

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger()

LEASE_S: Final = 6.0
"""How long a job stays marked as running after its worker was killed, in seconds."""
_BEAT_S: Final = 2.0
_POLL_S: Final = 0.03
_HEALTH_S: Final = 15.0
_CANCEL_S: Final = 5.0
_BACKOFF_S: Final = (0.2, 5.0)
_NEVER: Final = 1_000_000


class Worker:
    """Runs jobs from ``start`` to ``aclose``; see ``build_worker``."""

    def __init__(
        self, redis: RedisSource, functions: list[Function], crons: list[CronJob], options: "_Options"
    ) -> None:
        self._redis = redis
        self._functions = functions
        self._crons = crons
        self._options = options
        self._stopping = False
        self._worker: arq.worker.Worker | None = None
        self._task: asyncio.Task[None] | None = None
        self._beaten_at = float("-inf")
        self._id = uuid.uuid4().hex

    async def start(self) -> None:
        """Begin to take jobs. Returns at once, also where Redis is away."""
        self._task = asyncio.create_task(self._supervise(), name="worker")

    def readiness(self) -> bool:
        """Whether the worker runs and has reached Redis within the last lease."""
        alive = self._task is not None and not self._task.done()
        return alive and asyncio.get_running_loop().time() - self._beaten_at < LEASE_S

    async def wait(self) -> None:
        """Wait until the worker has been closed."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def aclose(self) -> None:
        """Take no more jobs, give those that run ``drain_s`` seconds, cancel the rest: they are queued again."""
        self._stopping = True
        if self._task is None:
            return
        worker = self._worker
        if worker is not None:
            worker.allow_pick_jobs = False
            if running := [task for task in worker.tasks.values() if not task.done()]:
                await asyncio.wait(running, timeout=self._options.drain_s)
            await _cancel_jobs(worker)
        await end_tasks([self._task])
        self._task = None

    async def _supervise(self) -> None:
        pause = _BACKOFF_S[0]
        while not self._stopping:
            worker = self._worker = self._build()
            started = asyncio.get_running_loop().time()
            try:
                await self._run(worker)
            except (RedisError, OSError) as error:
                _log.warning("worker.redis_away", error=type(error).__name__, pause_s=pause)
            except Exception:  # noqa: BLE001  # Whatever it was, a worker that is gone does no work at all.
                _log.exception("worker.died", pause_s=pause)
            finally:
                await _cancel_jobs(worker)
                with suppress(RedisError, OSError):
                    await worker.pool.aclose(close_connection_pool=True)
            if asyncio.get_running_loop().time() - started > _BACKOFF_S[1]:
                pause = _BACKOFF_S[0]
            await asyncio.sleep(pause)
            pause = min(pause * 2, _BACKOFF_S[1])

    async def _run(self, worker: arq.worker.Worker) -> None:
        """Poll and renew the leases until either fails."""
        tasks = [asyncio.ensure_future(worker.async_run()), asyncio.ensure_future(self._renew_leases(worker))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            polling = worker.main_task  # A task of ARQ's own, which cancelling our await leaves alone.
            await end_tasks([*tasks, *([] if polling is None else [polling])])

    async def _renew_leases(self, worker: arq.worker.Worker) -> None:
        loop = asyncio.get_running_loop()
        while True:
            async with worker.pool.pipeline(transaction=False) as pipeline:
                pipeline.exists(QUEUE_NAME)  # Something to ask even when nothing runs.
                for job_id in list(worker.job_tasks):
                    pipeline.pexpire(in_progress_key_prefix + job_id, round(LEASE_S * 1000))
                await pipeline.execute()
            self._beaten_at = loop.time()
            await asyncio.sleep(_BEAT_S)

    def _build(self) -> arq.worker.Worker:
        # The only thing patched: it logs INFO's figures at start, and the Redis imitated in the process has no INFO.
        setattr(arq.worker, "log_redis_info", _log_nothing)  # noqa: B010  # ARQ does not export the name.
        worker = arq.worker.Worker(
            self._functions,
            redis_pool=arq_pool(self._redis),  # Its own: the worker closes it.
            queue_name=QUEUE_NAME,
            cron_jobs=self._crons,
            handle_signals=False,
            max_jobs=self._options.max_jobs,
            job_timeout=self._options.job_timeout_s,
            keep_result=0,  # A kept result would bar its id from being queued again.
            poll_delay=_POLL_S,
            max_tries=_NEVER,
            health_check_interval=_HEALTH_S,
            health_check_key=f"{QUEUE_NAME}:worker:{self._id}",
            job_serializer=serialize,
            job_deserializer=deserialize,
            log_results=False,
        )
        worker.in_progress_timeout_s = LEASE_S
        return worker


@dataclass(frozen=True, slots=True)
class _Options:
    max_jobs: int
    drain_s: float
    job_timeout_s: float


def build_worker(
    redis: RedisSource,
    jobs: Mapping[str, Job],
    periodic: Sequence[Periodic] = (),
    *,
    max_jobs: int = 10,
    drain_s: float = 20,
    job_timeout_s: float = 3600,
) -> Worker:
    """A worker for ``jobs`` by name, and for what is due by the clock.

    ``max_jobs`` run at the same time; one that takes longer than ``job_timeout_s`` is cancelled for good, so jobs
    should hold a shorter deadline of their own.
    """
    functions = [func(without_context(job), name=name, max_tries=_NEVER) for name, job in jobs.items()]
    crons = [
        cron(without_context(each.job), name=f"every:{each.name}", max_tries=_NEVER, **each.times())  # type: ignore[arg-type]  # One dict for three parameters.
        for each in periodic
    ]
    return Worker(redis, functions, crons, _Options(max_jobs, drain_s, job_timeout_s))


async def _log_nothing(*_: object) -> None:
    """What runs instead of ``log_redis_info``."""


async def _cancel_jobs(worker: arq.worker.Worker) -> None:
    """Cancel what runs; ARQ puts each job back into the queue where Redis answers."""
    tasks = list(worker.tasks.values())
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_CANCEL_S)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()  # Looked at, so that asyncio does not complain that nobody did.
