"""The small parts of the documentation page: types in words, links, and a command to try each operation."""

import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

Part = dict[str, Any]

_CODE = re.compile(r"(`{1,2})([^`]+)\1")
_REF = "#/components/schemas/"
_DEPTH = 3
"""How deep an example body goes; optional objects below are left out."""

_BOUNDS = (
    ("minimum", "≥ {}"),
    ("maximum", "≤ {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("maxItems", "at most {} items"),
)
_EXAMPLES: Part = {
    "query": "How many days of leave?",
    "message": "How many days of leave?",
    "content": "# Leave\n30 days.",
    "scopes": ["search", "chat"],
}
"""Values by the name of a field, where a made-up one would not be understood."""


_ALWAYS = {"scopes"}
"""Fields that an example shows although the schema could do without them."""


def anchor(name: str) -> str:
    """A name as it stands in a link."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def code_text(text: str) -> str:
    """Plain text as HTML, with what stands between back-ticks as code."""
    return _CODE.sub(r"<code>\2</code>", escape(text, quote=False))


def deref(document: Part, schema: Part) -> Part:
    """The schema a reference points at."""
    name = schema.get("$ref", "").removeprefix(_REF)
    return document["components"]["schemas"][name] if name else schema


def plain(schema: Part) -> str:
    """A type in words, as HTML: ``array of <a>Scope</a>, at most 20 items``."""
    words = [_kind(schema), *_bounds(schema)]
    return ", ".join(word for word in words if word)


def outline(schema: Part) -> str:
    """A schema without fields: an enumeration, or an object of anything."""
    return plain(schema)


def _kind(schema: Part) -> str:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        return f'<a href="#{anchor(f"schema-{name}")}">{escape(name)}</a>'
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(plain(choice) for choice in choices)
    if "enum" in schema:
        return "one of " + ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {plain(schema.get('items', {}))}"
    form = schema.get("format") or schema.get("contentMediaType")
    return escape(f"{schema.get('type', 'anything')}" + (f" ({form})" if form else ""))


def _bounds(schema: Part) -> Iterator[str]:
    for name, words in _BOUNDS:
        if name in schema:
            yield escape(words.format(schema[name]))
    if schema.get("default") not in (None, [], {}):
        yield f"default <code>{escape(json.dumps(schema['default']))}</code>"


def curl_of(document: Part, method: str, path: str, operation: Part, base_url: str) -> str:
    """A command for a shell that tries the operation."""
    parts = [f"curl {_flags(method, operation)}'{base_url}{re.sub(r'{([^}]+)}', _shell_name, path)}'"]
    if operation.get("security") != []:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    contents: Part = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in contents:
        parts.append("-F file=@handbook.pdf")
    elif contents:
        schema = next(iter(contents.values()))["schema"]
        body = json.dumps(example(document, schema), ensure_ascii=False).replace("'", r"'\''")
        parts.append("-H 'Content-Type: application/json'")
        parts.append(f"-d '{body}'")
    return " \\\n  ".join(parts)


def _flags(method: str, operation: Part) -> str:
    streams = any("text/event-stream" in answer.get("content", {}) for answer in operation["responses"].values())
    method_flag = (
        "" if method == "get" or ("requestBody" in operation and method == "post") else f"-X {method.upper()} "
    )
    return ("-N " if streams else "") + method_flag


def _shell_name(match: re.Match[str]) -> str:
    return f"'\"${match[1].upper()}\"'"


def example(document: Part, schema: Part, depth: int = 0) -> Any:
    """A small value of the schema: what is required, and an ``Example`` where words are wanted."""
    schema = deref(document, schema)
    if "enum" in schema:
        return schema["enum"][0]
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return example(document, choices[0], depth)
    kind = schema.get("type")
    if kind == "object":
        return _object(document, schema, depth)
    if kind == "array":
        return [example(document, schema["items"], depth + 1)] if "items" in schema and depth < _DEPTH else []
    return _scalar(schema)


def _object(document: Part, schema: Part, depth: int) -> Part:
    fields: Part = schema.get("properties", {})
    wanted: list[str] = [*schema.get("required", ()), *(name for name in fields if name in _ALWAYS)] or list(fields)[:1]
    return {
        name: _EXAMPLES.get(name) or example(document, fields[name], depth + 1) for name in wanted if name in fields
    }


def _scalar(schema: Part) -> Any:
    kind = schema.get("type")
    if kind in {"integer", "number"}:
        return schema.get("default", schema.get("minimum", 1))
    if kind == "boolean":
        return schema.get("default", True)
    if schema.get("format") == "uuid":
        return "0190f5fe-7c00-7a00-8000-000000000000"
    if "@" in schema.get("pattern", ""):
        return "ada@example.com"
    return schema.get("default") or "example-text"[: schema.get("maxLength", 99)]
