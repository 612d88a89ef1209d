"""Where things are kept: SQL, Redis, the index and the files, embedded or on services."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from app.adapters.blob_store import BlobStore, FolderBlobStore
from app.adapters.event_log import EventLog
from app.adapters.queue import Queue
from app.adapters.redis import RedisSource, open_redis
from app.adapters.vector_store import VectorStore, open_vector_store
from app.kit.database import Database
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Stores:
    """Where things are kept."""

    database: Database
    redis: RedisSource
    queue: Queue
    event_log: EventLog
    vectors: VectorStore
    blobs: BlobStore


async def open_stores(stack: AsyncExitStack, settings: Settings) -> Stores:
    """Open them; raises IndexLocked when another process has the embedded index open."""
    database = Database(settings.effective_database_url, pool_size=settings.database_pool_size)
    stack.push_async_callback(database.aclose)
    redis = open_redis(settings.redis_url)
    stack.push_async_callback(redis.aclose)
    queue = Queue(redis)
    stack.push_async_callback(queue.aclose)
    event_log = EventLog(redis.client(), ttl_s=settings.stream_ttl_s)
    stack.push_async_callback(event_log.aclose)
    vectors = await open_vector_store(
        settings.qdrant_url,
        settings.data_dir / "qdrant",
        api_key=None if settings.qdrant_api_key is None else settings.qdrant_api_key.get_secret_value(),
    )
    stack.push_async_callback(vectors.aclose)
    blobs = FolderBlobStore(settings.data_dir / "files")
    await blobs.open()
    return Stores(database, redis, queue, event_log, vectors, blobs)
