"""``/mcp``: one path, by which agents reach the four tools.

Only POST: a GET would open a stream on which this server never speaks, and a DELETE end a session nobody has; the
protocol lets both be refused with 405.
"""

import asyncio
from importlib import import_module
from typing import Any, Protocol, cast

from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as AsgiScope

from app.chat.asking import Asker
from app.chat.following import Follower
from app.http.access import Connection, needs
from app.http.correlation import request_id_of
from app.http.principal import Principal, Scope
from app.http.request import ApiRequest
from app.ingestion.deps import IngestionDeps
from app.kit.database import Database
from app.kit.errors import Forbidden
from app.protocols.mcp.origins import is_local
from app.protocols.mcp.toolbox import Toolbox, ToolParts
from app.retrieval.retriever import Retriever
from app.usage.admission import Admission
from app.usage.ledger import Ledger

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Enough for any text an agent writes; files go to POST /v1/sources."""


def refuse_pages(connection: Connection, _handler: BaseRouteHandler) -> None:
    """A guard against pages of other hosts that reach this server by a name of their own (DNS rebinding).

    Agents send no ``Origin``; a page does, and only one that this machine itself serves may speak to its tools.
    """
    origin = connection.headers.get("origin")
    if origin is not None and not is_local(origin):
        raise Forbidden("Pages of other hosts may not use this door.")


@post(
    "/mcp",
    status_code=200,
    guards=[refuse_pages, needs(Scope.CHAT)],
    include_in_schema=False,  # Its messages are described by its own protocol.
    request_max_body_size=MAX_BODY_BYTES,
)
async def speak_mcp(
    request: ApiRequest,
    *,
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    retriever: NamedDependency[Retriever],
    ledger: NamedDependency[Ledger],
    admission: NamedDependency[Admission],
    asker: NamedDependency[Asker],
    follower: NamedDependency[Follower],
    ingestion: NamedDependency[IngestionDeps],
) -> ASGIApp:
    """One message of the Model Context Protocol."""
    await request.json()  # Strict, as everywhere: what is not JSON never reaches the SDK.
    body = await request.body()
    parts = ToolParts(database, retriever, ledger, admission, asker, follower, ingestion)
    toolbox = Toolbox(parts, principal, request_id_of(request.scope))
    sdk = await _sdk()

    async def answer(scope: AsgiScope, receive: Receive, send: Send) -> None:
        await sdk.answer(toolbox, body, scope, receive, send)

    return cast(ASGIApp, answer)


class _Sdk(Protocol):
    """What ``server`` offers."""

    async def answer(self, toolbox: Toolbox, body: bytes, scope: AsgiScope, receive: Receive, send: Send) -> None: ...


async def _sdk() -> _Sdk:
    """The official SDK, loaded in a thread by whoever comes first."""
    return cast(_Sdk, cast(Any, await asyncio.to_thread(import_module, "app.protocols.mcp.server")))


ROUTES = (speak_mcp,)
