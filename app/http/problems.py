"""The one place where errors become RFC 9457 problem details."""

from collections.abc import Mapping
from math import ceil
from typing import Any, cast

import structlog
from litestar.connection import Request
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Response

from app.http.correlation import request_id_of
from app.kit.errors import (
    AppError,
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    Limited,
    NotFound,
    TooLarge,
    Unauthenticated,
    UnsupportedType,
    problem,
)

MEDIA_TYPE = "application/problem+json"

_NO_BODY = (FieldError("data", "'data'"),)
"""What the framework makes of an empty body, which it never asks the request to read."""

log = structlog.get_logger(__name__)


class MethodNotAllowed(AppError):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"
    title = "This method is not allowed here"


_DETAILS: Mapping[type[AppError], str] = {
    NotFound: "There is nothing at this path.",
    MethodNotAllowed: "The path takes other methods; the header Allow names them.",
    TooLarge: "The body is larger than this route takes. Documents go to POST /v1/sources, which takes more.",
}
"""What is said instead of the framework's own few words."""

_BY_STATUS: Mapping[int, type[AppError]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    413: TooLarge,
    415: UnsupportedType,
    422: Invalid,
    429: Limited,
}


def _respond(request: Request[Any, Any, Any], error: AppError, headers: dict[str, str] | None = None) -> Response[Any]:
    sent = dict(headers or {})
    if isinstance(error, Unauthenticated):
        sent["WWW-Authenticate"] = "Bearer"
    if error.retry_after_s is not None:
        sent["Retry-After"] = str(max(1, ceil(error.retry_after_s)))
    return Response(
        content=problem(error, request_id_of(request.scope)),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers=sent,
    )


def on_app_error(request: Request[Any, Any, Any], error: AppError) -> Response[Any]:
    """An expected failure: its own words, and a warning in the log when it is not the client's."""
    if error.status >= 500:
        log.warning("request.failed", code=error.code, detail=error.detail)
    return _respond(request, error)


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What the framework raises by itself: unknown paths, wrong methods, unreadable or invalid input."""
    if isinstance(error, ValidationException):
        return _respond(request, _invalid(error))
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        return on_bug(request, error)
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return _respond(request, kind(_DETAILS.get(kind) or _sentence(error.detail)), headers)


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Anything else is ours to mend: the log gets the trace, the client gets the id that finds it."""
    log.error("request.crashed", exc_info=error)
    return _respond(request, AppError("An unexpected error. The request id finds it in the server's log."))


EXCEPTION_HANDLERS = cast(
    dict[int | type[Exception], Any],  # The framework's own type cannot say that each handler takes its key's class.
    {AppError: on_app_error, HTTPException: on_http_exception, Exception: on_bug},
)


def _invalid(error: ValidationException) -> AppError:
    found = cast("list[dict[str, str]]", error.extra) if isinstance(error.extra, list) else []
    fields = tuple(FieldError(item.get("key", "body"), _sentence(item.get("message", ""))) for item in found)
    if fields == _NO_BODY:
        return BadRequest("The body is empty; a JSON object was expected.")
    if not fields:
        return Invalid(_sentence(error.detail))
    first = fields[0]
    return Invalid(f"{first.path}: {first.message}", errors=fields)


def _sentence(text: str) -> str:
    return text.removeprefix("Value error, ").strip() or "is not valid"
