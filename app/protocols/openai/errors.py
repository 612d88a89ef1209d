"""Errors as clients of OpenAI expect them: ``{"error": {"message", "type", "param", "code"}}``.

Every handler of the application is wrapped, and what it answers under ``/openai`` is put into this shape: the
framework's own 404 and 405 reach only the application's handlers, never those of a route. What is wrong with a field
is 400 there, not 422, because that is what OpenAI answers and what its clients' exceptions are named for.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from litestar.connection import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Response
from pydantic import Field

from app.kit.errors import Conflict, NotFound
from app.kit.schema import Schema

PREFIX = "/openai"

_STATUS = {422: 400}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {"unauthenticated": "invalid_api_key"}

Problem = Mapping[str, Any]
Handler = Callable[[Request[Any, Any, Any], Any], Response[Any]]


class ModelUnknown(NotFound):
    """No model of this name or id, or not one the caller may use."""

    code = "model_not_found"
    title = "There is no such model"


class ModelAmbiguous(Conflict):
    """Several models bear this name."""

    code = "model_ambiguous"
    title = "Several models bear this name"


class OpenAIErrorDetail(Schema):
    """What went wrong: ``code`` is for programs, ``param`` names the field at fault."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(Schema):
    """An error as OpenAI shapes it."""

    error: OpenAIErrorDetail = Field(description="What went wrong")


def openai_errors(*statuses: int) -> dict[int, ResponseSpec]:
    """The ``responses`` of a route that may fail with these statuses."""
    return {
        status: ResponseSpec(OpenAIError, description="An error in OpenAI's shape", generate_examples=False)
        for status in sorted(statuses)
    }


def error_of(problem: Problem) -> dict[str, Any]:
    """A problem object in OpenAI's shape."""
    status, code = int(problem["status"]), str(problem["code"])
    fields: list[dict[str, str]] = problem.get("errors", [])
    return {
        "error": {
            "message": problem["detail"],
            "type": _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error"),
            "param": fields[0]["path"] if fields else ("model" if code.startswith("model_") else None),
            "code": _CODES.get(code, code),
        }
    }


def status_of(problem: Problem) -> int:
    """The status a problem has here."""
    status = int(problem["status"])
    return _STATUS.get(status, status)


def openai_shaped(handlers: Mapping[int | type[Exception], Any]) -> dict[int | type[Exception], Any]:
    """The application's exception handlers, their answers in OpenAI's shape where the path is one of OpenAI's."""
    return {kind: _shaped(handler) for kind, handler in handlers.items()}


def _shaped(handler: Handler) -> Handler:
    def shape(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        response = handler(request, error)
        path = request.scope["path"]
        if path != PREFIX and not path.startswith(f"{PREFIX}/"):
            return response
        problem = cast(dict[str, Any], response.content)
        return Response(error_of(problem), status_code=status_of(problem), headers=response.headers)

    return shape
