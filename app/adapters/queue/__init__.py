"""The queue of jobs. ARQ is known here and nowhere else, so that leaving it stays a change of this folder.

A job is ``async def job(*ids: str) -> None``. It is run at least once and may run twice: what it does must be found
again in SQL and be repeatable. The queue carries ids; it may be lost, and SQL says what has to be queued again.
"""

from app.adapters.queue.jobs import Job, Periodic, RetryLater
from app.adapters.queue.queue import Queue
from app.adapters.queue.runner import Worker, build_worker

__all__ = ["Job", "Periodic", "Queue", "RetryLater", "Worker", "build_worker"]
