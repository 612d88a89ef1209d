"""How a body is read: JSON strictly, with a plain 400, 413, 415 or 422 for everything that is not."""

import json
from typing import Any, NoReturn, cast

import msgspec
from litestar.connection import Request

from app.http.principal import Principal
from app.kit.errors import BadRequest, Invalid, UnsupportedType
from app.kit.text import has_lone_surrogate

MAX_DEPTH = 64


class ApiRequest(Request[Principal, Any, Any]):
    """A request whose ``json()`` raises our own errors instead of the framework's."""

    async def json(self) -> Any:
        """The body as JSON.

        Raises UnsupportedType for another content type, BadRequest for what is not JSON (empty, not UTF-8, NaN,
        nested too deeply) and Invalid for text that no encoding can carry (lone surrogates).
        """
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise UnsupportedType("Send the body as JSON, with the header Content-Type: application/json.")
        return parse_json(await self.body())


def parse_json(body: bytes) -> Any:
    """Decode strict JSON. Raises BadRequest or Invalid as ``ApiRequest.json`` describes."""
    if not body.strip():
        raise BadRequest("The body is empty; a JSON object was expected.")
    try:
        value = msgspec.json.decode(body)
    except RecursionError as fault:
        raise BadRequest("The JSON is nested too deeply.") from fault
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        _explain(body, fault)
    if _depth_exceeds(value, MAX_DEPTH):
        raise BadRequest(f"The JSON is nested more than {MAX_DEPTH} levels deep.")
    return value


def _explain(body: bytes, fault: Exception) -> NoReturn:
    """Raise Invalid when the JSON is sound but holds a lone surrogate, else BadRequest."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadRequest(f"The body is not valid JSON: {fault}") from fault
    path = _find_surrogate(value, ())
    if path is None:
        raise BadRequest(f"The body is not valid JSON: {fault}") from fault
    raise Invalid.field(".".join(path) or "body", "holds half of a surrogate pair, which is not text") from fault


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _find_surrogate(value: object, path: tuple[str, ...]) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return path if has_lone_surrogate(value) else None
    for key, child in _children(value):
        found = (*path, "?") if has_lone_surrogate(key) else _find_surrogate(child, (*path, key))
        if found is not None:
            return found
    return None


def _depth_exceeds(value: object, limit: int) -> bool:
    layer = [value]
    for _ in range(limit):
        layer = [child for item in layer for _, child in _children(item) if isinstance(child, dict | list)]
        if not layer:
            return False
    return True


def _children(value: object) -> list[tuple[str, object]]:
    """The members of an object or an array, with their names or positions."""
    if isinstance(value, dict):
        return list(cast(dict[str, object], value).items())
    if isinstance(value, list):
        return [(str(index), item) for index, item in enumerate(cast(list[object], value))]
    return []
