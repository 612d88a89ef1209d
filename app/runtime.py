"""Builds everything once and closes it in reverse: the only place that knows embedded from production.

Routes, jobs and commands receive what is built here; nothing is a module-level client. A test builds its own runtime,
with its own data folder and, where it wants one, its own model.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from app.adapters.blob_store import BlobStore, FolderBlobStore
from app.adapters.embedder.dispatch import RoutedEmbedder
from app.adapters.embedder.granite import Granite, load_granite
from app.adapters.embedder.local import LocalEmbedder
from app.adapters.embedder.port import Embedder
from app.adapters.event_log import EventLog
from app.adapters.litellm_gate import LiteLLMGate
from app.adapters.llm.dispatch import RoutedModel
from app.adapters.llm.port import LanguageModel
from app.adapters.provider_http import ProviderHttp
from app.adapters.provider_limits import ProviderLimits
from app.adapters.provider_transport import AsyncioTransport
from app.adapters.queue import Queue
from app.adapters.redis import RedisSource, open_redis
from app.adapters.reranker.dispatch import RoutedReranker
from app.adapters.reranker.local import LocalRerankers
from app.adapters.reranker.port import Reranker
from app.adapters.tokens import TokenCounter
from app.adapters.vector_store import VectorStore, open_vector_store
from app.adapters.web_fetch.guard import AddressGuard
from app.chat.build import ChatFlow, ChatParts, build_chat
from app.events.service import Recorder
from app.http.event_stream import StreamManners
from app.ingestion.deps import IngestionDeps
from app.ingestion.parser_pool import ParserPool
from app.kit.database import Database
from app.kit.passwords import Passwords
from app.kit.sealing import Sealer
from app.kit.tasks import end_tasks
from app.secrets import Secrets, load_secrets
from app.settings import Settings
from app.tenants.endpoints import EndpointResolver
from app.tenants.freshness import Freshness
from app.tenants.last_used import LastUsed
from app.tenants.login import Login
from app.tenants.verifier import TokenVerifier
from app.usage.admission import Admission
from app.usage.ledger import Ledger
from app.usage.prices import PriceTable
from app.usage.traffic import Traffic

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything a process may need, open and ready."""

    settings: Settings
    secrets: Secrets
    database: Database
    redis: RedisSource
    queue: Queue
    event_log: EventLog
    vectors: VectorStore
    blobs: BlobStore
    guard: AddressGuard
    embedder: Embedder
    model: LanguageModel
    tokens: TokenCounter
    sealer: Sealer
    endpoints: EndpointResolver
    passwords: Passwords
    freshness: Freshness
    verifier: TokenVerifier
    login: Login
    recorder: Recorder
    ledger: Ledger
    traffic: Traffic
    admission: Admission
    chat: ChatFlow
    manners: StreamManners
    ingestion: IngestionDeps
    warm_up: Callable[[], Coroutine[None, None, None]]
    """Loads what the first question would otherwise wait for; raises LocalModelUnusable."""


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, load_embedder: Callable[[], Granite] = load_granite
) -> AsyncGenerator[Runtime]:
    """Build a runtime; everything is closed in reverse when the block ends.

    ``load_embedder`` loads the bundled model, once, when it is first needed; a process that opens many runtimes may
    give one that remembers. Raises AppError with a sentence that says what to mend.
    """
    async with AsyncExitStack() as stack:
        yield await _build(stack, settings, load_embedder)


async def _build(stack: AsyncExitStack, settings: Settings, load_embedder: Callable[[], Granite]) -> Runtime:
    secrets = await asyncio.to_thread(load_secrets, settings)
    stores = await _stores(stack, settings)
    guard = AddressGuard(settings.allowed_fetch_hosts)
    models = await _models(stack, settings, guard, load_embedder)
    books = await _books(stack, settings, stores)
    sealer = Sealer(secrets.encryption_keys)
    endpoints = EndpointResolver(sealer)
    passwords, freshness, last_used = Passwords(), Freshness(stores.redis.client()), LastUsed(stores.database)
    _own(stack, last_used.run())
    pool = _parser_pool(stack, settings)

    async def warm_up() -> None:
        pool.warm_up()
        await models.local.load()

    return Runtime(
        settings=settings,
        secrets=secrets,
        database=stores.database,
        redis=stores.redis,
        queue=stores.queue,
        event_log=stores.event_log,
        vectors=stores.vectors,
        blobs=stores.blobs,
        guard=guard,
        embedder=models.embedder,
        model=models.model,
        tokens=models.tokens,
        sealer=sealer,
        endpoints=endpoints,
        passwords=passwords,
        freshness=freshness,
        verifier=TokenVerifier(stores.database, secrets, freshness, last_used),
        login=Login(stores.database, passwords, secrets.jwt_key, settings.session_ttl_s),
        recorder=books.recorder,
        ledger=books.ledger,
        traffic=books.traffic,
        admission=books.admission,
        chat=await _chat(stack, settings, stores, models, books, endpoints),
        manners=StreamManners(settings.shutdown_grace_s),
        ingestion=_ingestion(settings, stores, models, books, endpoints, pool),
        warm_up=warm_up,
    )


@dataclass(frozen=True, slots=True)
class _Stores:
    """Where things are kept."""

    database: Database
    redis: RedisSource
    queue: Queue
    event_log: EventLog
    vectors: VectorStore
    blobs: BlobStore


async def _stores(stack: AsyncExitStack, settings: Settings) -> _Stores:
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
    return _Stores(database, redis, queue, event_log, vectors, blobs)


@dataclass(frozen=True, slots=True)
class _Books:
    """What is written down of what happens, and what may happen."""

    recorder: Recorder
    ledger: Ledger
    traffic: Traffic
    admission: Admission


async def _books(stack: AsyncExitStack, settings: Settings, stores: _Stores) -> _Books:
    recorder = Recorder(stores.event_log)
    prices = PriceTable(settings.prices_file)
    await prices.load()
    ledger = Ledger(prices, recorder)
    traffic = Traffic(stores.redis.client())
    stack.push_async_callback(traffic.aclose)
    _own(stack, traffic.run())
    return _Books(recorder, ledger, traffic, Admission(stores.database, traffic, ledger, settings.provider_total_s))


async def _chat(
    stack: AsyncExitStack,
    settings: Settings,
    stores: _Stores,
    models: "_Models",
    books: _Books,
    endpoints: EndpointResolver,
) -> ChatFlow:
    chat = build_chat(
        ChatParts(
            settings=settings,
            database=stores.database,
            vectors=stores.vectors,
            embedder=models.embedder,
            reranker=models.reranker,
            model=models.model,
            endpoints=endpoints,
            event_log=stores.event_log,
            ledger=books.ledger,
            admission=books.admission,
            recorder=books.recorder,
            tokens=models.tokens,
        )
    )
    await chat.answers.open()
    stack.push_async_callback(chat.answers.aclose, settings.shutdown_grace_s)
    return chat


def _parser_pool(stack: AsyncExitStack, settings: Settings) -> ParserPool:
    pool = ParserPool(
        children=settings.parser_processes,
        deadline_s=settings.parse_timeout_s,
        memory_bytes=settings.parse_memory_bytes,
    )
    stack.push_async_callback(pool.aclose)
    return pool


def _ingestion(
    settings: Settings,
    stores: _Stores,
    models: "_Models",
    books: _Books,
    endpoints: EndpointResolver,
    pool: ParserPool,
) -> IngestionDeps:
    return IngestionDeps(
        database=stores.database,
        blobs=stores.blobs,
        vectors=stores.vectors,
        embedder=models.embedder,
        queue=stores.queue,
        event_log=stores.event_log,
        recorder=books.recorder,
        parser_pool=pool,
        settings=settings,
        endpoints=endpoints,
        metering=books.ledger,
        count_tokens=models.tokens.count,
    )


@dataclass(frozen=True, slots=True)
class _Models:
    embedder: Embedder
    reranker: Reranker
    model: LanguageModel
    tokens: TokenCounter
    local: LocalEmbedder


async def _models(
    stack: AsyncExitStack, settings: Settings, guard: AddressGuard, load_embedder: Callable[[], Granite]
) -> _Models:
    limits = ProviderLimits(settings.provider_timeout_s, settings.provider_idle_s, settings.provider_total_s)
    transport = AsyncioTransport(resolve=guard.addresses)
    http = await stack.enter_async_context(ProviderHttp(vet=guard.vet, transport=transport))
    gate = LiteLLMGate()
    stack.push_async_callback(gate.aclose)
    local = LocalEmbedder(load_embedder)
    stack.push_async_callback(local.aclose)
    rerankers = LocalRerankers(settings.models_dir)
    stack.push_async_callback(rerankers.aclose)
    return _Models(
        embedder=RoutedEmbedder(local, http, gate, limits),
        reranker=RoutedReranker(rerankers, http, gate),
        model=RoutedModel(http, gate, limits),
        tokens=TokenCounter(),
        local=local,
    )


def _own(stack: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
    """Run a coroutine as a task that ends with the runtime."""
    task = asyncio.create_task(work)

    stack.push_async_callback(end_tasks, [task])
