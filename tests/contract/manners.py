"""What the tests of the API's manners share."""

import re
from typing import Any

import httpx

from tests.support.house import Office

JSON = {"Content-Type": "application/json"}
PROBLEM = "application/problem+json"
UNKNOWN = "01890000-0000-7000-8000-000000000000"
UUID_V7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

WRITING = [
    ("POST", "/v1/tokens", {"name": "Made", "scopes": ["search"]}),
    ("POST", "/v1/users", {"email": "ada@example.com", "password": "correct horse"}),
    ("POST", "/v1/credentials", {"name": "Made", "provider": "openai", "api_key": "sk-1"}),
    ("POST", "/v1/knowledge-bases", {"name": "Made"}),
    ("POST", "/v1/bots", {"name": "Made"}),
    ("POST", "/v1/sources", {"type": "text", "title": "Made", "content": "Words."}),
    ("POST", "/v1/search", {"query": "words"}),
    ("POST", "/v1/chat", {"message": "Which words?", "stream": False}),
]
"""Every route that takes JSON and makes or asks something."""


def problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The problem in an answer, checked for its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= body.keys()
    assert body["status"] == status
    assert body["type"] == f"/problems/{body['code']}"
    assert body["request_id"] == answer.headers["x-request-id"]
    assert code is None or body["code"] == code
    return body


def paths(body: dict[str, Any]) -> set[str]:
    return {error["path"] for error in body.get("errors", [])}


async def mint(office: Office, **fields: Any) -> dict[str, Any]:
    return await office.post("/v1/tokens", {"name": "T", "scopes": ["search", "chat"], **fields})
