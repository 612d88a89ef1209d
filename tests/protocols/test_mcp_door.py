"""Who gets in at ``/mcp``, what it takes, and what it leaves behind: nothing."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.protocols.served import PAID, Served, a_bot, a_token
from tests.support.house import House, Office
from tests.support.processes import embedded
from tests.support.provider import ScriptedProvider

ACCEPT = {"Accept": "application/json, text/event-stream"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def asking(message: str, **arguments: Any) -> dict[str, Any]:
    params = {"name": "ask", "arguments": {"message": message, **arguments}}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


async def test_without_a_good_token_nobody_gets_in(house: House, tenant: Office) -> None:
    for headers in ({}, {"Authorization": "Bearer mr_wrong"}):
        answer = await house.client.post("/mcp", json=LIST, headers={**ACCEPT, **headers})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_the_door_needs_the_scope_for_chat(house: House, tenant: Office) -> None:
    published = await tenant.post(
        "/v1/tokens",
        {
            "name": "Page",
            "scopes": ["chat"],
            "kind": "publishable",
            "bot_ids": [tenant.bot_id],
            "allowed_origins": ["http://localhost:3000"],
        },
    )
    for token, origin in (
        (await a_token(tenant, "search", "ingest"), {}),
        (house.runtime.secrets.admin_key, {}),
        (published["token"], {"Origin": "http://localhost:3000"}),
    ):
        headers = {**ACCEPT, **origin, "Authorization": f"Bearer {token}"}
        answer = await house.client.post("/mcp", json=LIST, headers=headers)
        assert answer.status_code == 403, answer.text


ORIGINS = [
    ("http://localhost:6274", 200),
    ("http://127.0.0.1", 200),
    ("http://[::1]:8000", 200),
    ("http://minirag.test", 403),
    ("https://evil.example", 403),
    ("http://localhost.evil.example", 403),
    ("http://127.0.0.1.evil.example", 403),
    ("null", 403),
    ("", 403),
    ("http://[", 403),
]


async def test_pages_of_other_hosts_are_refused(tenant: Office) -> None:
    for origin, status in ORIGINS:
        answer = await tenant.call("POST", "/mcp", json=LIST, headers={**ACCEPT, "Origin": origin})
        assert answer.status_code == status, origin


NOT_THE_PROTOCOL: list[tuple[int, str, dict[str, Any]]] = [
    (405, "GET", {"headers": ACCEPT}),
    (405, "DELETE", {}),
    (400, "POST", {"content": b"{", "headers": {**ACCEPT, "Content-Type": "application/json"}}),
    (400, "POST", {"content": b'{"a": NaN}', "headers": {**ACCEPT, "Content-Type": "application/json"}}),
    (400, "POST", {"json": {"jsonrpc": "1.0"}, "headers": ACCEPT}),
    (413, "POST", {"content": b" " * 5_000_000, "headers": {**ACCEPT, "Content-Type": "application/json"}}),
    (415, "POST", {"content": b"x", "headers": {**ACCEPT, "Content-Type": "text/plain"}}),
    (406, "POST", {"json": LIST, "headers": {"Accept": "text/html"}}),
]


async def test_what_is_not_the_protocol_is_refused(tenant: Office) -> None:
    for status, method, options in NOT_THE_PROTOCOL:
        answer = await tenant.call(method, "/mcp", **options)
        assert answer.status_code == status, answer.text


async def test_every_message_stands_alone(tenant: Office) -> None:
    """No introduction, no session: any replica can answer any message."""
    for _ in range(2):
        answer = await tenant.call("POST", "/mcp", json=LIST, headers=ACCEPT)
        assert answer.headers["content-type"] == "application/json"
        assert "mcp-session-id" not in answer.headers
        assert len(answer.json()["result"]["tools"]) == 4
    told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert (await tenant.call("POST", "/mcp", json=told, headers=ACCEPT)).status_code == 202


async def test_a_revoked_token_is_out_at_once(house: House, tenant: Office) -> None:
    made = await tenant.post("/v1/tokens", {"name": "Agent", "scopes": ["chat"]})
    headers = {**ACCEPT, "Authorization": f"Bearer {made['token']}"}
    assert (await house.client.post("/mcp", json=LIST, headers=headers)).status_code == 200
    await tenant.delete(f"/v1/tokens/{made['id']}")
    assert (await house.client.post("/mcp", json=LIST, headers=headers)).status_code == 401


async def test_nothing_goes_on_after_an_answer(house: House, tenant: Office) -> None:
    await tenant.call("POST", "/mcp", json=LIST, headers=ACCEPT)
    before = asyncio.all_tasks()
    answers = await asyncio.gather(*(tenant.call("POST", "/mcp", json=LIST, headers=ACCEPT) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    await asyncio.sleep(0.05)
    assert len(asyncio.all_tasks()) <= len(before) + 2  # The worker and the sweeps come and go.


async def test_a_caller_that_goes_is_no_longer_listening(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    bot = await a_bot(office, provider, "scripted-tokens-1000-20")
    headers = {**ACCEPT, "Authorization": f"Bearer {office.token}"}
    async with httpx.AsyncClient(timeout=0.5) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(f"{served.url}/mcp", json=asking(PAID, bot_id=bot), headers=headers)
    (live,) = served.house.runtime.chat.answers._live.values()
    async with asyncio.timeout(5):
        while live.listeners:
            await asyncio.sleep(0.01)
    chat = (await office.get("/v1/chats"))["items"][0]
    message = (await office.get(f"/v1/chats/{chat['id']}/messages"))["items"][1]
    assert message["finish_reason"] is None
    await office.post(f"/v1/messages/{message['id']}/cancel")
    assert await provider.aborted()


async def test_what_callers_send_stays_out_of_the_log(tenant: Office, caplog: pytest.LogCaptureFixture) -> None:
    await tenant.call("POST", "/mcp", json=asking("a-private-question", bot_id=7), headers=ACCEPT)
    wrong = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": ["a-private-name"]}}
    await tenant.call("POST", "/mcp", json=wrong, headers=ACCEPT)
    assert "a-private" not in caplog.text


def test_the_sdk_is_not_loaded_before_it_is_needed() -> None:
    program = "import sys, app.asgi; print(sorted({'mcp', 'openai', 'jsonschema'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_process_that_has_spoken_mcp_ends_cleanly(tmp_path: Path) -> None:
    with embedded(tmp_path) as running:
        door, _ = running.admin().found("Acme")
        told = door.post("/mcp", LIST, headers=ACCEPT)
        assert len(told["result"]["tools"]) == 4
        assert running.web.stop() == 0
        assert "Traceback" not in running.web.said()
        assert '"level": "error"' not in running.web.said()
