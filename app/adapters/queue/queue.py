"""Putting jobs into the queue."""

from arq.connections import ArqRedis
from redis.exceptions import RedisError

from app.adapters.queue.codec import QUEUE_NAME, deserialize, serialize
from app.adapters.redis import RedisSource
from app.kit.errors import DependencyDown


def arq_pool(redis: RedisSource) -> ArqRedis:
    """ARQ's view of Redis, on connections of its own."""
    return ArqRedis(
        pool_or_conn=redis.pool(),
        job_serializer=serialize,
        job_deserializer=deserialize,
        default_queue_name=QUEUE_NAME,
    )


class Queue:
    """The producers' end. Its calls raise ``DependencyDown`` where Redis does not answer."""

    def __init__(self, redis: RedisSource) -> None:
        self._pool = arq_pool(redis)

    async def enqueue(self, job: str, *args: str, job_id: str, defer_s: float = 0) -> bool:
        """Ask for ``job(*args)`` to be run, not before ``defer_s`` seconds have passed.

        Returns ``False`` where a job with this id waits or runs already. Call it after the transaction that made the
        work has been committed.
        """
        try:
            return await self._pool.enqueue_job(job, *args, _job_id=job_id, _defer_by=max(0.0, defer_s)) is not None
        except (RedisError, OSError) as error:
            raise _down(error) from error

    async def depth(self) -> int:
        """How many jobs wait or run."""
        try:
            return int(await self._pool.zcard(QUEUE_NAME))
        except (RedisError, OSError) as error:
            raise _down(error) from error

    async def ping(self) -> None:
        """Raise ``DependencyDown`` unless the queue can be reached."""
        await self.depth()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose(close_connection_pool=True)


def _down(error: Exception) -> DependencyDown:
    # The error's own words may hold the address with its password; its kind is enough.
    return DependencyDown(f"The job queue does not answer ({type(error).__name__}). Check that Redis runs.")
