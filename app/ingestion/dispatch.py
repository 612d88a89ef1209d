"""Telling the workers that a run waits. The row is the truth: a message that is lost is made up for by the sweeper."""

from uuid import UUID

import structlog

from app.adapters.queue import Queue
from app.kit.errors import DependencyDown
from app.kit.metrics import FAILED_OPEN

INGEST = "ingest_run"
"""The job's name."""

log = structlog.get_logger(__name__)


async def dispatch(queue: Queue, run_id: UUID, attempt: int, defer_s: float = 0) -> bool:
    """Queue a run's attempt, which does nothing where it is queued already; False too where the queue is away.

    An attempt has an id of its own in the queue, because the job that asks for the next one still occupies its own.
    """
    try:
        return await queue.enqueue(INGEST, str(run_id), job_id=f"ingest:{run_id}:{attempt}", defer_s=defer_s)
    except DependencyDown as error:
        FAILED_OPEN.labels("enqueue_run").inc()
        log.warning("run.not_enqueued", run_id=str(run_id), detail=error.detail)
        return False
