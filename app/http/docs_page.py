"""``/docs``: the contract as people read it, rendered here from the OpenAPI document, without a script.

Nothing on the page comes from another host, and its Content-Security-Policy says so.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from litestar import MediaType, get
from litestar.connection import Request
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect, Response

from app.http.access import PUBLIC
from app.http.docs_parts import Part, anchor, code_text, curl_of, deref, outline, plain
from app.http.docs_style import STYLE
from app.http.openapi import ApiDocument

_METHODS = ("get", "post", "put", "patch", "delete")
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@get("/docs", opt={PUBLIC: True}, include_in_schema=False, sync_to_thread=True)
def show_docs(request: Request[Any, Any, Any], api_document: NamedDependency[ApiDocument]) -> Response[str]:
    """The page."""
    page = render(api_document.of(request.app), str(request.base_url).rstrip("/"))
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return Response(page, media_type=MediaType.HTML, headers=headers)


def render(document: Part, base_url: str) -> str:
    """The whole page as HTML; ``base_url`` is where its ``curl`` commands go."""
    groups = _by_group(document)
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(document['info']['title'])} API</title><style>{STYLE}</style></head><body>",
            '<a class="skip" href="#main">Skip to the content</a>',
            _header(document),
            '<div class="columns">',
            _contents(groups),
            '<main id="main">',
            *(_group(document, name, entries, base_url) for name, entries in groups.items()),
            _schemas(document),
            "</main></div></body></html>",
        )
    )


Entry = tuple[str, str, Part]


def _by_group(document: Part) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                group = (item[method].get("tags") or ["Other"])[0]
                groups.setdefault(group, []).append((method, path, item[method]))
    return groups


def _header(document: Part) -> str:
    info = document["info"]
    return (
        f"<header><h1>{escape(info['title'])} <small>API {escape(info['version'])}</small></h1>"
        f"<p>{code_text(info['description'])}</p>"
        '<p>For programs: <a href="/schema/openapi.json">openapi.json</a> (OpenAPI 3.1). In the commands below, '
        "<code>$TOKEN</code> stands for your token.</p></header>"
    )


def _contents(groups: dict[str, list[Entry]]) -> str:
    parts: list[str] = ['<nav aria-label="Operations">']
    for name, entries in groups.items():
        parts.append(f'<h2><a href="#{anchor(f"group-{name}")}">{escape(name)}</a></h2><ul>')
        for method, _, operation in entries:
            link = f'<a href="#{anchor(operation["operationId"])}">{escape(operation["summary"])}</a>'
            parts.append(f"<li>{_badge(method)} {link}</li>")
        parts.append("</ul>")
    parts.append('<h2><a href="#schemas">Schemas</a></h2></nav>')
    return "".join(parts)


def _badge(method: str) -> str:
    return f'<span class="method {method}">{method.upper()}</span>'


def _group(document: Part, name: str, entries: list[Entry], base_url: str) -> str:
    body = "".join(_operation(document, *entry, base_url) for entry in entries)
    mark = anchor(f"group-{name}")
    return f'<section aria-labelledby="{mark}"><h2 id="{mark}">{escape(name)}</h2>{body}</section>'


def _operation(document: Part, method: str, path: str, operation: Part, base_url: str) -> str:
    title = f'<h3 id="{anchor(operation["operationId"])}">{escape(operation["summary"])}</h3>'
    about = f"<p>{code_text(operation['description'])}</p>" if operation.get("description") else ""
    curl = escape(curl_of(document, method, path, operation, base_url))
    return (
        f'<article>{title}<p class="path">{_badge(method)} <code>{escape(path)}</code>{_lock(operation)}</p>{about}'
        f"{_parameters(operation)}{_body(document, operation)}{_responses(operation)}"
        f'<details open><summary>curl</summary><pre tabindex="0"><code>{curl}</code></pre></details></article>'
    )


def _lock(operation: Part) -> str:
    if operation.get("security") == []:
        return ' <span class="note">no token needed</span>'
    return ' <span class="note">token optional</span>' if {} in operation.get("security", ()) else ""


def _parameters(operation: Part) -> str:
    if not operation.get("parameters"):
        return ""
    rows = [
        (f"<code>{escape(one['name'])}</code>", one["in"], plain(one["schema"]), _said(one.get("description", "")))
        for one in operation["parameters"]
    ]
    return _table("Parameters", ("Name", "In", "Type", "Meaning"), rows)


def _body(document: Part, operation: Part) -> str:
    contents: Part = operation.get("requestBody", {}).get("content", {})
    return "".join(
        f"<h4>Body <code>{escape(kind)}</code></h4>{_fields(deref(document, media['schema']))}"
        for kind, media in contents.items()
    )


def _fields(schema: Part) -> str:
    required = set(schema.get("required", ()))
    rows = [
        (
            f"<code>{escape(name)}</code>" + (' <span class="note">required</span>' if name in required else ""),
            plain(field),
            _said(field.get("description", "")),
        )
        for name, field in schema.get("properties", {}).items()
    ]
    return _table("Fields", ("Name", "Type", "Meaning"), rows) if rows else f"<p>{plain(schema)}</p>"


def _responses(operation: Part) -> str:
    rows = [
        (f"<strong>{status}</strong>", _said(response["description"]), "<br>".join(_media(response)) or "no body")
        for status, response in operation["responses"].items()
    ]
    return _table("Responses", ("Status", "Meaning", "Body"), rows)


def _media(response: Part) -> Iterator[str]:
    for kind, media in response.get("content", {}).items():
        yield f"<code>{escape(kind)}</code> {plain(media.get('schema', {}))}"


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="wide" tabindex="0"><table><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _said(text: str) -> str:
    return code_text(text)


def _schemas(document: Part) -> str:
    parts = ['<section aria-labelledby="schemas"><h2 id="schemas">Schemas</h2>']
    for name, schema in document["components"]["schemas"].items():
        about = f"<p>{code_text(schema['description'])}</p>" if schema.get("description") else ""
        body = _fields(schema) if schema.get("properties") else f"<p>{outline(schema)}</p>"
        parts.append(f'<article><h3 id="{anchor(f"schema-{name}")}">{escape(name)}</h3>{about}{body}</article>')
    return "".join((*parts, "</section>"))


@get("/", opt={PUBLIC: True}, include_in_schema=False)
async def show_the_way() -> Redirect:
    """Whoever opens the bare address in a browser finds out what to do here."""
    return Redirect("/docs")


ROUTES: Sequence[BaseRouteHandler] = (show_docs, show_the_way)
