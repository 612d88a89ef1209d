"""Who may enter, until when, from where, and how far."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.contract.manners import UNKNOWN, WRITING, mint, problem
from tests.support.house import House, Office


async def test_without_a_good_token_the_way_to_get_in_is_told(tenant: Office) -> None:
    for sent in ({}, {"Authorization": "Bearer mr_wrong"}, {"Authorization": "Token abc"}):
        answer = await tenant.house.client.get("/v1/bots", headers=sent)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_expiry_holds_at_once(tenant: Office) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()
    token = (await mint(tenant, expires_at=soon))["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await tenant.house.client.get("/v1/me", headers=headers)).status_code == 200
    await asyncio.sleep(0.6)
    problem(await tenant.house.client.get("/v1/me", headers=headers), 401)


async def test_revocation_holds_at_once(any_house: House) -> None:
    office = await any_house.tenant()
    made = await mint(office)
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert (await any_house.client.get("/v1/me", headers=headers)).status_code == 200
    assert await office.delete(f"/v1/tokens/{made['id']}") == 204
    problem(await any_house.client.get("/v1/me", headers=headers), 401)
    problem(await office.call("DELETE", f"/v1/tokens/{made['id']}"), 404)


async def test_the_admin_key_has_no_tenant(house: House) -> None:
    await house.tenant()
    for method, path, body in WRITING:
        problem(await house.client.request(method, path, json=body, headers=house.admin), 403, "forbidden")
    me = await house.client.get("/v1/me", headers=house.admin)
    assert (me.status_code, me.json()["tenant"], me.json()["kind"]) == (200, None, "platform")


async def test_pages_schema_and_health_are_open_even_with_a_stale_token(house: House) -> None:
    for path in ("/health", "/health/live", "/health/ready", "/ready", "/docs", "/schema/openapi.json", "/metrics"):
        for headers in ({}, {"Authorization": "Bearer mr_stale"}):
            assert (await house.client.get(path, headers=headers)).status_code == 200, path


# Publishable tokens

HOME = {"Origin": "https://shop.example"}


async def published(office: Office) -> dict[str, str]:
    """The headers of a page that carries a publishable token of this tenant."""
    body = {
        "name": "Widget",
        "kind": "publishable",
        "allowed_origins": ["https://shop.example"],
        "bot_ids": [office.bot_id],
    }
    return {"Authorization": f"Bearer {(await office.post('/v1/tokens', body))['token']}", **HOME}


async def test_a_publishable_token_can_only_chat(tenant: Office) -> None:
    page = await published(tenant)
    client = tenant.house.client
    answer = await client.post("/v1/chat", json={"message": "Hello?", "stream": False}, headers=page)
    assert answer.status_code == 200
    message_id, chat_id = answer.json()["message_id"], answer.json()["chat_id"]
    assert (await client.get(f"/v1/messages/{message_id}/stream", headers=page)).status_code == 200
    assert (await client.post(f"/v1/messages/{message_id}/cancel", headers=page)).status_code == 202
    judged = await client.post(f"/v1/messages/{message_id}/feedback", json={"rating": "up"}, headers=page)
    assert judged.status_code == 200
    assert (await client.get("/v1/me", headers=page)).json()["kind"] == "publishable"
    document = (await client.get("/schema/openapi.json")).json()
    allowed = {"chat", "follow_message", "cancel_message", "give_feedback", "get_me"}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation["operationId"] in allowed or operation.get("security") in ([], [{}, {"bearer": []}]):
                continue
            target = re.sub(r"{chat_id}", chat_id, re.sub(r"{(?!chat_id)[^}]+}", UNKNOWN, path))
            answer = await client.request(method, target, headers=page, json={})
            if path.startswith("/openai"):
                assert (answer.status_code, answer.json()["error"]["type"]) == (403, "permission_error"), path
            else:
                problem(answer, 403)


OTHER_ORIGINS: list[str | None] = [
    None,
    "https://evil.example",
    "http://shop.example",
    "https://shop.example.evil.example",
    "https://shop.example:8443",
    "null",
    "https://sub.shop.example",
    "https://shop.example@evil.example",
    "",
]


async def test_a_publishable_token_works_from_its_origins_only(tenant: Office) -> None:
    for origin in OTHER_ORIGINS:
        page = await published(tenant)
        page.pop("Origin")
        headers = page if origin is None else {**page, "Origin": origin}
        for method, path in (("POST", "/v1/chat"), ("GET", "/v1/me")):
            answer = await tenant.house.client.request(method, path, json={"message": "Hello?"}, headers=headers)
            problem(answer, 403, "forbidden")


async def test_a_publishable_token_reaches_its_own_messages_only(tenant: Office) -> None:
    one, other = await published(tenant), await published(tenant)
    client = tenant.house.client
    ask = {"message": "What is the walrus doing?", "stream": False}
    theirs = [
        (await client.post("/v1/chat", json=ask, headers=other)).json(),
        await tenant.chat("What is the walrus doing?"),
    ]
    for answer in theirs:
        path = f"/v1/messages/{answer['message_id']}"
        problem(await client.get(f"{path}/stream", headers=one), 404)
        problem(await client.post(f"{path}/cancel", headers=one), 404)
        problem(await client.post(f"{path}/feedback", json={"rating": "up"}, headers=one), 404)
        problem(await client.post("/v1/chat", json={**ask, "chat_id": answer["chat_id"]}, headers=one), 404)


async def test_an_idempotency_key_opens_nobody_elses_answer_to_a_page(tenant: Office) -> None:
    one, client = await published(tenant), tenant.house.client
    ask: dict[str, Any] = {"json": {"message": "What is the walrus doing?", "stream": False}}
    await tenant.call("POST", "/v1/chat", **ask, headers={"Idempotency-Key": "k"})
    problem(await client.post("/v1/chat", **ask, headers={**one, "Idempotency-Key": "k"}), 404)


async def test_bot_ids_narrow_chat_to_those_bots(tenant: Office) -> None:
    bot = await tenant.post("/v1/bots", {"name": "Open"})
    whole = await tenant.chat("Hello?")
    token = (await mint(tenant, scopes=["chat"], bot_ids=[bot["id"]]))["token"]
    headers = {"Authorization": f"Bearer {token}"}
    client = tenant.house.client
    ask = {"message": "Hello?", "stream": False}
    assert (await client.post("/v1/chat", json=ask, headers=headers)).status_code == 200
    problem(await client.post("/v1/chat", json={**ask, "bot_id": tenant.bot_id}, headers=headers), 404)
    problem(await client.post("/v1/chat", json={**ask, "chat_id": whole["chat_id"]}, headers=headers), 404)
    problem(await client.get(f"/v1/bots/{tenant.bot_id}", headers=headers), 404)
    problem(await client.get(f"/v1/chats/{whole['chat_id']}", headers=headers), 404)
    problem(await client.get(f"/v1/messages/{whole['message_id']}/stream", headers=headers), 404)
    assert [item["id"] for item in (await client.get("/v1/bots", headers=headers)).json()["items"]] == [bot["id"]]
