"""HEAD and OPTIONS for every path, by one rule instead of a handler each.

HEAD is GET without its body. OPTIONS answers 204 and says in ``Allow`` what the path takes: the framework's own
answer to it knows only the first method that was registered, while its 405 knows them all.
"""

from typing import cast

from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

_NO_METHOD = "NONE"
"""A method that no path takes."""

_ASKED_AS = {"HEAD": "GET", "OPTIONS": _NO_METHOD}


class PlainMethods:
    """An ASGI layer around the framework."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = str(scope["method"])
        inner = cast(Scope, {**scope, "method": _ASKED_AS.get(asked, asked)})
        reply = _Reply(send, asked)
        try:
            await self._app(inner, receive, reply.send)
        finally:
            scope.update({"path_template": inner.get("path_template")})  # type: ignore[typeddict-unknown-key]  # For the log line.


class _Reply:
    """Passes a response on, without the body where the method has none."""

    def __init__(self, send: Send, method: str) -> None:
        self._send = send
        self._method = method
        self._bare = method == "HEAD"

    async def send(self, message: Message) -> None:
        """One message of the response."""
        if message["type"] == "http.response.start":
            await self._start(message)
        elif not self._bare:
            await self._send(message)

    async def _start(self, message: HTTPResponseStartEvent) -> None:
        headers = MutableScopeHeaders.from_message(message)
        if "allow" in headers:
            headers["allow"] = _complete(headers["allow"])
        if self._method == "OPTIONS" and message["status"] == 405:
            message["status"] = 204
            del headers["content-type"], headers["content-length"]
            self._bare = True
        await self._send(message)
        if self._bare:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _complete(allow: str) -> str:
    methods = {method.strip() for method in allow.split(",")}
    return ", ".join(sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))
