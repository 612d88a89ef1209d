"""Puts a process together, in the order of its parts."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.adapters.blob_store import BlobStore
from app.adapters.embedder.granite import Granite, load_granite
from app.adapters.embedder.port import Embedder
from app.adapters.event_log import EventLog
from app.adapters.llm.port import LanguageModel
from app.adapters.queue import Queue
from app.adapters.redis import RedisSource
from app.adapters.tokens import TokenCounter
from app.adapters.vector_store import VectorStore
from app.adapters.web_fetch.guard import AddressGuard
from app.chat.build import ChatFlow, ChatParts, build_chat
from app.events.service import Recorder
from app.http.event_stream import StreamManners
from app.ingestion.deps import IngestionDeps
from app.ingestion.parser_pool import ParserPool
from app.kit.database import Database
from app.kit.passwords import Passwords
from app.kit.sealing import Sealer
from app.runtime.books import Books, open_books
from app.runtime.models import Models, open_models
from app.runtime.owning import own
from app.runtime.stores import Stores, open_stores
from app.secrets import Secrets, load_secrets
from app.settings import Settings
from app.tenants.endpoints import EndpointResolver
from app.tenants.freshness import Freshness
from app.tenants.last_used import LastUsed
from app.tenants.login import Login
from app.tenants.verifier import TokenVerifier
from app.usage.admission import Admission
from app.usage.ledger import Ledger
from app.usage.traffic import Traffic


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
    stores = await open_stores(stack, settings)
    guard = AddressGuard(settings.allowed_fetch_hosts)
    models = await open_models(stack, settings, guard, load_embedder)
    books = await open_books(stack, settings, stores)
    sealer = Sealer(secrets.encryption_keys)
    endpoints = EndpointResolver(sealer)
    passwords, freshness, last_used = Passwords(), Freshness(stores.redis.client()), LastUsed(stores.database)
    own(stack, last_used.run())
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


async def _chat(
    stack: AsyncExitStack,
    settings: Settings,
    stores: Stores,
    models: Models,
    books: Books,
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
    stores: Stores,
    models: Models,
    books: Books,
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
