"""One id, one log line, one measurement and the same safe headers for every request.

A plain ASGI layer around the whole application, because the framework's own middleware does not see requests that
match no route.
"""

import re
import time
from typing import Any, cast

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.ids import new_id
from app.kit.metrics import REQUEST_SECONDS

_SANE = re.compile(r"[A-Za-z0-9._-]{1,128}")
_QUIET = ("/health", "/ready", "/metrics")
_KEY = "minirag_request_id"
_SAFE = (("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("cache-control", "no-store"))

Facts = dict[str, Any]
"""A scope as it is at run time: the typed dictionaries know no optional keys."""

log = structlog.get_logger(__name__)


def request_id_of(scope: Scope) -> str:
    """The id of the request a scope belongs to."""
    return str(cast(Facts, scope).get("state", {}).get(_KEY, ""))


class Correlation:
    """Gives each request its id (the client's own where it sent a sane one) and logs its end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; everything that is not HTTP passes straight through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})[_KEY] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began = time.perf_counter()
        seen: dict[str, Any] = {"status": 500}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                _set_headers(MutableScopeHeaders.from_message(message), request_id)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            _report(scope, seen["status"], time.perf_counter() - began)
            structlog.contextvars.clear_contextvars()


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            sent = value.decode("latin-1")
            return sent if _SANE.fullmatch(sent) else str(new_id())
    return str(new_id())


def _set_headers(headers: MutableScopeHeaders, request_id: str) -> None:
    headers["x-request-id"] = request_id
    for name, value in _SAFE:
        if name not in headers:
            headers[name] = value


def _report(scope: Scope, status: int, spent_s: float) -> None:
    facts = cast(Facts, scope)
    route = str(facts.get("path_template") or "unmatched")
    method = str(facts.get("method", ""))
    REQUEST_SECONDS.labels(method=method, route=route, status=str(status)).observe(spent_s)
    tell = log.debug if scope["path"].startswith(_QUIET) else log.info
    tell("request.finished", method=method, route=route, status=status, ms=round(spent_s * 1000, 2))
