"""The web process: routes of every slice, the doors' manners, and health."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from litestar import Litestar
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.types import ASGIApp, ControllerRouterHandler

from app.background import recovering
from app.bots.routes import ROUTES as BOT_ROUTES
from app.bots.service import BotDirectory
from app.chat.routes import ROUTES as CHAT_ROUTES
from app.events.routes import ROUTES as EVENT_ROUTES
from app.health import ROUTES as HEALTH_ROUTES
from app.health import Health
from app.http.access import Authentication, provide_principal
from app.http.correlation import Correlation
from app.http.docs_page import ROUTES as DOCS_ROUTES
from app.http.methods import PlainMethods
from app.http.openapi import ROUTES as SCHEMA_ROUTES
from app.http.openapi import ApiDocument, openapi_config
from app.http.problems import EXCEPTION_HANDLERS
from app.http.request import ApiRequest
from app.ingestion.backfill import IngestionBackfill
from app.ingestion.routes import ROUTES as INGESTION_ROUTES
from app.kit.logs import configure_logging
from app.knowledge.routes import ROUTES as KNOWLEDGE_ROUTES
from app.lifecycle import Lifecycle
from app.protocols.mcp.routes import ROUTES as MCP_ROUTES
from app.protocols.openai.errors import openai_shaped
from app.protocols.openai.routes import ROUTES as OPENAI_ROUTES
from app.retrieval.routes import ROUTES as SEARCH_ROUTES
from app.runtime import Runtime, open_runtime
from app.serving import address_of, bind, serve_http
from app.settings import Settings
from app.startup import prepare_process, require_services, run_process, wait_for_schema, wait_for_services
from app.tenants.routes import ROUTES as TENANT_ROUTES
from app.usage.routes import ROUTES as USAGE_ROUTES

log = structlog.get_logger(__name__)

ROUTES: Sequence[ControllerRouterHandler] = (
    *HEALTH_ROUTES,
    *SCHEMA_ROUTES,
    *DOCS_ROUTES,
    *TENANT_ROUTES,
    *EVENT_ROUTES,
    *KNOWLEDGE_ROUTES,
    *INGESTION_ROUTES,
    *BOT_ROUTES,
    *SEARCH_ROUTES,
    *CHAT_ROUTES,
    *USAGE_ROUTES,
    *OPENAI_ROUTES,
    *MCP_ROUTES,
)


def create_app(runtime: Runtime, health: Health) -> ASGIApp:
    """The application over an open runtime."""
    app = Litestar(
        route_handlers=ROUTES,
        dependencies=_provide(runtime, health),
        exception_handlers=openai_shaped(EXCEPTION_HANDLERS),
        middleware=[DefineMiddleware(Authentication, authenticator=runtime.verifier)],
        request_class=ApiRequest,
        request_max_body_size=runtime.settings.max_json_bytes,
        openapi_config=openapi_config(),
        logging_config=None,
        debug=False,
    )
    return Correlation(PlainMethods(app))


def _provide(runtime: Runtime, health: Health) -> dict[str, Provide]:
    """What handlers may ask for by name."""
    things: dict[str, object] = {
        "settings": runtime.settings,
        "secrets": runtime.secrets,
        "database": runtime.database,
        "queue": runtime.queue,
        "event_log": runtime.event_log,
        "vectors": runtime.vectors,
        "blobs": runtime.blobs,
        "guard": runtime.guard,
        "embedder": runtime.embedder,
        "sealer": runtime.sealer,
        "endpoints": runtime.endpoints,
        "passwords": runtime.passwords,
        "freshness": runtime.freshness,
        "login": runtime.login,
        "recorder": runtime.recorder,
        "ledger": runtime.ledger,
        "traffic": runtime.traffic,
        "admission": runtime.admission,
        "retriever": runtime.chat.retriever,
        "answers": runtime.chat.answers,
        "asker": runtime.chat.asker,
        "follower": runtime.chat.follower,
        "manners": runtime.manners,
        "ingestion": runtime.ingestion,
        "lifecycle": Lifecycle(runtime.database, runtime.vectors, runtime.blobs, runtime.secrets, runtime.freshness),
        "bot_directory": BotDirectory(),
        "backfill": IngestionBackfill(runtime.ingestion),
        "health": health,
        "api_document": ApiDocument(),
    }
    provided = {name: Provide(_constant(thing), sync_to_thread=False) for name, thing in things.items()}
    return {**provided, "principal": Provide(provide_principal, sync_to_thread=False)}


def _constant(thing: object) -> Callable[[], Any]:
    def give() -> Any:
        return thing

    return give


def serve_web(settings: Settings) -> int:
    """``minirag web``: a process that only answers; as many may run as are wanted. Returns the exit code."""
    prepare_process()
    configure_logging(settings.log_level, settings.log_format)
    return run_process(_serve(settings))


async def _serve(settings: Settings) -> None:
    require_services(settings)
    listener = bind(settings)
    await wait_for_schema(settings)
    async with open_runtime(settings) as runtime:
        await wait_for_services(runtime)
        async with recovering(runtime):

            async def started() -> None:
                log.info("web.started", address=address_of(listener))

            await serve_http(create_app(runtime, Health(runtime)), settings, listener, started)
