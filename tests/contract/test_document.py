"""The OpenAPI document, for programs and, as ``/docs``, for people."""

import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from app.http.docs_parts import example
from tests.support.house import House, Office

VOID = {"meta", "link", "br", "hr", "img", "input"}
STREAMS = {"chat", "follow_message", "follow_run", "list_events", "create_completion"}


@pytest.fixture
async def document(house: House) -> dict[str, Any]:
    return (await house.client.get("/schema/openapi.json")).json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


async def test_it_is_whole(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for reference in set(references(document)):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) > 60
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)


async def test_every_operation_says_who_may_call_it_and_how_it_fails(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        statuses = set(operation["responses"])
        assert operation["summary"][0].isupper(), path
        assert operation["tags"], path
        if operation.get("security") != []:
            assert {"401", "403"} <= statuses, path
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= statuses, (method, path)
        if "{" in path:
            assert "404" in statuses, path
        for status, response in operation["responses"].items():
            assert "X-Request-ID" in response["headers"], path
            if int(status) >= 400 and not path.startswith("/openai") and path != "/health/ready":
                assert set(response["content"]) == {"application/problem+json"}, (path, status)
    assert document["security"] == [{"bearer": []}]


async def test_streams_and_files_have_their_content_types(document: dict[str, Any]) -> None:
    found = {operation["operationId"]: operation for _, _, operation in operations(document)}
    kinds = {name: set(operation["responses"].get("200", {}).get("content", {})) for name, operation in found.items()}
    assert {name for name, content in kinds.items() if "text/event-stream" in content} == STREAMS
    assert kinds["chat"] == {"application/json", "text/event-stream"}
    assert kinds["get_document_text"] == {"text/plain"}
    assert kinds["get_document_file"] == {"application/octet-stream", "*/*"}
    assert set(found["create_source"]["requestBody"]["content"]) == {"multipart/form-data", "application/json"}
    headers = {
        name: {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}
        for name, operation in found.items()
    }
    assert headers["chat"] == headers["create_source"] == {"Idempotency-Key"}
    for name in ("follow_message", "follow_run", "list_events"):
        assert headers[name] == {"Last-Event-ID"}


async def test_schemas_say_what_values_look_like(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["BotView"]["properties"]["id"]["format"] == "uuid"
    assert schemas["BotView"]["properties"]["created_at"]["format"] == "date-time"
    assert schemas["UsageSums"]["properties"]["cost_usd"]["type"] == "string"
    assert schemas["ChatRequest"]["required"] == ["message"]
    assert schemas["ChatRequest"]["additionalProperties"] is False
    assert "default" not in schemas["BotPatch"]["properties"]["name"], "a change has no defaults"


async def test_nothing_secret_is_ever_in_an_answer(document: dict[str, Any]) -> None:
    asked = {"digest", "password_hash", "sealed", "ciphertext", "api_key", "pepper", "session_epoch", "tenant_pepper"}
    for method, path, operation in operations(document):
        for name in shown(document, operation["responses"]):
            assert name not in asked, (method, path, name)


def shown(document: dict[str, Any], part: Any) -> set[str]:
    """Names of all fields that can be reached from a part of the document."""
    names, todo, done = set[str](), [part], set[str]()
    while todo:
        here = todo.pop()
        if isinstance(here, list):
            todo += here
        elif isinstance(here, dict):
            names |= here.get("properties", {}).keys()
            todo += here.values()
            name = str(here.get("$ref", "")).rsplit("/", 1)[-1]
            if name in document["components"]["schemas"] and name not in done:
                done.add(name)
                todo.append(document["components"]["schemas"][name])
    return names


async def test_the_example_bodies_are_accepted(tenant: Office, document: dict[str, Any]) -> None:
    """What the page offers to copy is understood: nothing in it is malformed or invalid."""
    for method, path, operation in operations(document):
        contents = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in contents or "multipart/form-data" in contents or path.startswith("/openai"):
            continue
        body = example(document, contents["application/json"]["schema"])
        target = re.sub(r"{[^}]+}", "01890000-0000-7000-8000-000000000000", path)
        headers = tenant.house.admin if path.startswith("/v1/tenants") else {}
        answer = await tenant.call(method.upper(), target, json=body, headers=headers)
        assert answer.status_code not in {400, 415, 422}, (method, path, body, answer.text)


class Page(HTMLParser):
    """Checks that tags are closed in order, and gathers what a page names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        named = dict(attrs)
        self.ids += filter(None, [named.get("id")])
        self.links += filter(None, [named.get("href")])
        assert not {name for name in named if name.startswith("on") or name == "style"}, named

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def docs_of(house: House) -> tuple[httpx.Response, Page]:
    answer = await house.client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer, Page(answer.text)


async def test_the_page_is_sound_and_has_no_script(house: House) -> None:
    _, page = await docs_of(house)
    assert page.open == []
    assert not page.tags & {"script", "iframe", "object", "embed", "link", "img", "form"}
    assert len(page.ids) == len(set(page.ids))
    inner = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert inner <= set(page.ids)
    assert {link for link in page.links if not link.startswith("#")} == {"/schema/openapi.json"}


async def test_the_pages_policy_allows_its_own_style_and_nothing_else(house: House) -> None:
    answer, _ = await docs_of(house)
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


async def test_the_page_shows_every_operation_with_a_command(house: House, document: dict[str, Any]) -> None:
    answer, page = await docs_of(house)
    for method, path, operation in operations(document):
        assert operation["operationId"].replace("_", "-") in page.ids
        assert path in answer.text
        assert f">{method.upper()}</span>" in answer.text
    assert answer.text.count("curl ") >= len(list(operations(document)))
    assert "prefers-color-scheme:dark" in answer.text


async def test_a_strange_host_cannot_write_into_the_page(house: House) -> None:
    answer = await house.client.get("/docs", headers={"Host": 'x"><script>alert(1)</script>'})
    assert "<script>" not in answer.text


async def test_the_bare_address_leads_to_the_page_for_people(house: House) -> None:
    answer = await house.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/docs")
