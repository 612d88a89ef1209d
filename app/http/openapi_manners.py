"""What all operations share, said once: tokens, the failures every request of a kind may meet, headers, parameters."""

from collections.abc import Iterator
from typing import Any

from app.http.docs import MEANING
from app.http.openapi_models import is_id
from app.http.problems import MEDIA_TYPE
from app.kit.paging import DEFAULT_LIMIT, MAX_LIMIT

Part = dict[str, Any]

_PARAMETERS: dict[str, tuple[str, Part]] = {
    "limit": (
        "How many to list at most",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    ),
    "cursor": ("`next_cursor` of the page before", {"type": "string"}),
    "last_event_id": (
        "The `id` of the last event that was received; the header `Last-Event-ID` says the same",
        {"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"},
    ),
}

_HEADERS: Part = {
    "RequestId": {
        "description": "Finds this request in the server's log; your own where you sent a sane one",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    },
    "Challenge": {"description": "How to authenticate", "schema": {"type": "string", "const": "Bearer"}},
    "RetryAfter": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}},
}


def share(document: Part) -> Part:
    """The document with the common parts filled in; changes it in place."""
    document["components"]["headers"] = _HEADERS
    for operation in operations(document):
        _tidy(operation)
        _parameters(operation)
        _failures(operation)
        _headers(operation)
    return document


def operations(document: Part) -> Iterator[Part]:
    """Every operation of every path."""
    for item in document["paths"].values():
        yield from (part for part in item.values() if isinstance(part, dict) and "responses" in part)


def _tidy(operation: Part) -> None:
    if " " not in operation["summary"]:  # The framework's own, out of the function's name.
        operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
    if not operation.get("deprecated"):
        operation.pop("deprecated", None)
    drafted = operation["responses"].get("400", {}).get("content", {}).get("application/json", {})
    if "status_code" in drafted.get("schema", {}).get("properties", {}):
        del operation["responses"]["400"]  # The framework's own error, which never leaves: ``problems`` sees to that.


def _parameters(operation: Part) -> None:
    for parameter in operation.get("parameters", ()):
        for flag in ("deprecated", "allowEmptyValue", "allowReserved"):
            parameter.pop(flag, None)
        name, schema = parameter["name"], _present(parameter["schema"])
        if name in _PARAMETERS:
            parameter["description"], schema = _PARAMETERS[name]
        elif is_id(name) and schema.get("type") == "string":
            schema = {**schema, "format": "uuid"}
        parameter["schema"] = schema


def _present(schema: Part) -> Part:
    """The schema of a parameter that is there: one that is absent is left out, never null."""
    forms = [form for form in schema.get("oneOf", ()) if form != {"type": "null"}]
    return forms[0] if len(forms) == 1 else schema


def _failures(operation: Part) -> None:
    responses = operation["responses"]
    for status in _expected(operation):
        responses.setdefault(str(status), problem_response(status))
    operation["responses"] = dict(sorted(responses.items()))


def _expected(operation: Part) -> Iterator[int]:
    if operation.get("security") != []:
        yield from (401, 403)
    if "requestBody" in operation:
        yield from (400, 413, 415, 422)
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    if "path" in places:
        yield 404
    if places & {"query", "header"}:
        yield 422


def problem_response(status: int) -> Part:
    """How a failure is described."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": MEANING[status], "content": {MEDIA_TYPE: {"schema": schema}}}


def _headers(operation: Part) -> None:
    for status, response in operation["responses"].items():
        named = {"X-Request-ID": "RequestId"}
        if status == "401":
            named["WWW-Authenticate"] = "Challenge"
        if status == "429":
            named["Retry-After"] = "RetryAfter"
        response["headers"] = {name: {"$ref": f"#/components/headers/{part}"} for name, part in named.items()}
