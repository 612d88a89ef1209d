"""``/schema/openapi.json``: the contract as programs read it, made from the routes themselves.

routes → the framework's draft → exact schemas (``openapi_models``) → what all share (``openapi_manners``)
"""

import copy
from collections.abc import Sequence
from typing import Any

from litestar import Litestar, MediaType, Router, get
from litestar.connection import Request
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Response
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler, Method

from app import __version__
from app.http.access import OPEN, PUBLIC
from app.http.openapi_manners import share
from app.http.openapi_models import exact

Document = dict[str, Any]

_ABOUT = (
    "Documents become evidence, evidence becomes cited answers. Send your token as `Authorization: Bearer <token>`. "
    "Ids are UUIDs, times are UTC and end in Z, money is a decimal string in US dollars, and every error is an "
    "RFC 9457 problem whose `code` programs can rely on."
)


class _Unserved(Router):
    """Takes no routes: the framework would add pages of its own, with scripts from other hosts."""

    def register(self, value: ControllerRouterHandler) -> list[Any]:
        """Register nothing."""
        return []


def openapi_config() -> OpenAPIConfig:
    """What the framework needs to know for its draft."""
    return OpenAPIConfig(
        title="MiniRAG",
        version=__version__,
        description=_ABOUT,
        security=[{"bearer": []}],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", description="An API token, a session, or the platform's admin key"
                )
            }
        ),
        operation_id_creator=_operation_id,
        use_handler_docstrings=True,
        openapi_router=_Unserved(path="/schema", route_handlers=[]),
    )


def _operation_id(handler: HTTPRouteHandler, _method: Method, _path: list[Any]) -> str:
    return handler.handler_name


class ApiDocument:
    """The finished document of one application; made when it is first asked for."""

    def __init__(self) -> None:
        self._finished: Document | None = None

    def of(self, app: Litestar) -> Document:
        """The document. Takes a good tenth of a second the first time: call it beside the loop."""
        if self._finished is None:
            draft = copy.deepcopy(app.openapi_schema.to_schema())
            _say_what_is_open(draft, app)
            self._finished = share(exact(draft))
        return self._finished


def _say_what_is_open(draft: Document, app: Litestar) -> None:
    for route in app.routes:
        for method, (handler, _) in route.route_handler_map.items() if isinstance(route, HTTPRoute) else ():
            operation = draft["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None and handler.opt.get(PUBLIC):
                operation["security"] = []
            elif operation is not None and handler.opt.get(OPEN):
                operation["security"] = [{}, {"bearer": []}]


@get("/schema/openapi.json", opt={PUBLIC: True}, include_in_schema=False, sync_to_thread=True)
def show_document(request: Request[Any, Any, Any], api_document: NamedDependency[ApiDocument]) -> Response[Document]:
    """The OpenAPI document."""
    return Response(api_document.of(request.app), media_type=MediaType.JSON, headers={"Cache-Control": "no-cache"})


ROUTES: Sequence[BaseRouteHandler] = (show_document,)
