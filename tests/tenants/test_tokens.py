"""API tokens through the door: made, narrowed, used, revoked, expired."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.adapters.redis import open_redis
from app.kit.clock import now, to_wire
from app.kit.errors import Unauthenticated
from app.tenants import token_format
from app.tenants.last_used import LastUsed
from app.tenants.models import TokenKind
from tests.support.house import House, Office
from tests.tenants.doors import (
    a_bot,
    another_process,
    bearer,
    call,
    make,
    statements,
    stored_bytes,
    tenant_id,
)

SITE = "https://www.example.com"


async def a_publishable_token(office: Office, **changes: Any) -> dict[str, Any]:
    body = {
        "name": "widget", "kind": "publishable", "bot_ids": [await a_bot(office)], "allowed_origins": [SITE]
    }  # fmt: skip
    return await make(office, "/v1/tokens", **(body | changes))


async def test_a_new_token_is_shown_once_and_lists_show_its_prefix_alone(house: House) -> None:
    office = await house.tenant()
    made = await make(office, "/v1/tokens", name="ci", scopes=["ingest", "search"])
    plain = made.pop("token")
    listed = await call(office, "GET", "/v1/tokens")
    assert listed.json()["items"][0] == made
    assert plain.startswith(made["prefix"])
    assert made["scopes"] == ["ingest", "search"]
    assert made["kind"] == "secret"
    assert made["last_used_at"] is None
    assert plain not in listed.text


@pytest.mark.parametrize("kind", list(TokenKind))
def test_any_mistyped_character_is_refused_without_a_lookup(kind: TokenKind) -> None:
    plain = token_format.generate(kind)
    assert token_format.is_well_formed(plain)
    start = plain.index("_") + 1
    for place in range(start, len(plain)):
        typo = plain[:place] + ("a" if plain[place] != "a" else "b") + plain[place + 1 :]
        assert not token_format.is_well_formed(typo)
    assert not token_format.is_well_formed(plain[:-1])
    assert not token_format.is_well_formed(plain + "x")


async def test_a_mistyped_token_costs_no_database_lookup(house: House) -> None:
    office = await house.tenant()
    with statements(house.runtime.database) as asked:
        answer = await call(office, "GET", "/v1/me", token=office.token[:-1] + "_")
    assert answer.status_code == 401
    assert asked == []


async def test_a_verification_from_memory_asks_the_database_nothing(house: House) -> None:
    office = await house.tenant()
    await house.runtime.verifier.authenticate(office.token, None)
    with statements(house.runtime.database) as asked:
        principal = await house.runtime.verifier.authenticate(office.token, None)
    assert principal.tenant_id == tenant_id(office)
    assert asked == []


async def test_a_revoked_token_stops_at_once_and_the_second_time_is_not_found(house: House) -> None:
    office = await house.tenant()
    made = await make(office, "/v1/tokens", name="short-lived", scopes=["search"])
    assert (await call(office, "GET", "/v1/me", token=made["token"])).status_code == 200
    assert (await call(office, "DELETE", f"/v1/tokens/{made['id']}")).status_code == 204
    assert (await call(office, "GET", "/v1/me", token=made["token"])).status_code == 401
    assert (await call(office, "DELETE", f"/v1/tokens/{made['id']}")).status_code == 404


async def test_a_token_revoked_in_one_process_stops_at_once_in_another(any_house: House) -> None:
    office = await any_house.tenant()
    made = await make(office, "/v1/tokens", name="shared", scopes=["search"])
    there = another_process(any_house)
    for _ in range(2):
        await there.authenticate(made["token"], None)
    await call(office, "DELETE", f"/v1/tokens/{made['id']}")
    with pytest.raises(Unauthenticated):
        await there.authenticate(made["token"], None)
    assert (await there.authenticate(office.token, None)).tenant == tenant_id(office)


async def test_a_lost_redis_costs_a_lookup_and_never_lets_a_revoked_token_in(house: House) -> None:
    office = await house.tenant()
    made = await make(office, "/v1/tokens", name="x", scopes=["search"])
    nowhere = open_redis("redis://127.0.0.1:1/0")
    there = another_process(house, nowhere)
    for _ in range(2):
        with statements(house.runtime.database) as asked:
            await there.authenticate(made["token"], None)
        assert asked
    await call(office, "DELETE", f"/v1/tokens/{made['id']}")
    with pytest.raises(Unauthenticated):
        await there.authenticate(made["token"], None)
    await nowhere.aclose()


async def test_redis_forgetting_its_marks_does_not_revive_a_revoked_token(house: House) -> None:
    office = await house.tenant()
    made = await make(office, "/v1/tokens", name="x", scopes=["search"])
    there = another_process(house)
    await there.authenticate(made["token"], None)
    await call(office, "DELETE", f"/v1/tokens/{made['id']}")
    assert await house.runtime.redis.client().delete(f"fresh:{office.id}") == 1
    with pytest.raises(Unauthenticated):
        await there.authenticate(made["token"], None)


async def test_expiry_holds_to_the_moment_though_the_token_is_remembered(house: House) -> None:
    office = await house.tenant()
    made = await make(office, "/v1/tokens", name="x", scopes=["search"], expires_at=to_wire(now() + timedelta(hours=1)))
    assert (await call(office, "GET", "/v1/me", token=made["token"])).status_code == 200
    moment = now() + timedelta(seconds=1)
    brief = await make(office, "/v1/tokens", name="y", scopes=["search"], expires_at=moment.isoformat())
    while (answer := await call(office, "GET", "/v1/me", token=brief["token"])).status_code == 200:
        await asyncio.sleep(0.05)
    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]
    assert now() >= moment


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x"}, "scopes"),
        ({"name": "x", "scopes": ["everything"]}, "scopes.0"),
        ({"name": "", "scopes": ["chat"]}, "name"),
        ({"name": "x", "scopes": ["chat"], "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "scopes": ["chat"], "expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"name": "x", "scopes": ["chat"], "allowed_origins": [SITE]}, "allowed_origins"),
        ({"name": "x", "scopes": ["chat"], "bot_ids": []}, "bot_ids"),
        ({"name": "x", "kind": "publishable", "scopes": ["search"]}, "scopes"),
        ({"name": "x", "kind": "publishable"}, "bot_ids"),
    ],
)
async def test_a_token_that_makes_no_sense_is_refused(house: House, body: dict[str, Any], path: str) -> None:
    office = await house.tenant()
    answer = await call(office, "POST", "/v1/tokens", body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["path"] == path


async def test_a_publishable_token_needs_origins_that_are_bare(house: House) -> None:
    office = await house.tenant()
    body = {"name": "x", "kind": "publishable", "bot_ids": [await a_bot(office)]}
    assert (await call(office, "POST", "/v1/tokens", body)).json()["errors"][0]["path"] == "allowed_origins"
    for wrong in (
        "https://example.com/page",
        "example.com",
        "https://u@example.com",
        "ftp://a.b",
        "*",
        "https://*.a.b",
    ):
        answer = await call(office, "POST", "/v1/tokens", body | {"allowed_origins": [SITE, wrong]})
        assert answer.json()["errors"][0]["path"] == "allowed_origins.1", wrong
    made = await make(
        office, "/v1/tokens", **body, allowed_origins=["HTTPS://Example.com:443/", "http://localhost:3000"]
    )
    assert made["allowed_origins"] == ["https://example.com", "http://localhost:3000"]
    assert made["scopes"] == ["chat"]


async def test_a_publishable_token_works_only_from_its_origins_and_only_to_chat(house: House) -> None:
    office = await house.tenant()
    made = await a_publishable_token(office)
    auth = bearer(made["token"])
    assert made["token"].startswith("mrpk_")
    for origin, status in ((SITE, 200), (SITE.upper(), 200), ("https://evil.example", 403), ("null", 403)):
        assert (await house.client.get("/v1/me", headers=auth | {"Origin": origin})).status_code == status, origin
    assert (await house.client.get("/v1/me", headers=auth)).status_code == 403
    me = (await house.client.get("/v1/me", headers=auth | {"Origin": SITE})).json()
    assert me["kind"] == "publishable"
    assert me["scopes"] == ["chat"]
    assert me["bot_ids"] == made["bot_ids"]
    assert (await house.client.get("/v1/tokens", headers=auth | {"Origin": SITE})).status_code == 403


async def test_bots_a_token_names_must_be_the_tenants_own(house: House) -> None:
    office, other = await house.tenant(), await house.tenant("Other")
    for bot_id in (await a_bot(other), "019a0000-0000-7000-8000-000000000000", "nonsense"):
        body = {"name": "x", "scopes": ["chat"], "bot_ids": [bot_id]}
        assert (await call(office, "POST", "/v1/tokens", body)).status_code == 404


async def test_a_token_bound_to_bots_cannot_make_a_freer_one(house: House) -> None:
    office = await house.tenant()
    mine, other = await a_bot(office, "Mine"), await a_bot(office, "Other")
    bound = await make(office, "/v1/tokens", name="bound", scopes=["admin"], bot_ids=[mine])
    for bot_ids, status in ((None, 403), ([other], 403), ([mine], 201)):
        body = {"name": "x", "scopes": ["chat"], "bot_ids": bot_ids}
        assert (await call(office, "POST", "/v1/tokens", body, token=bound["token"])).status_code == status


async def test_tokens_are_managed_with_the_scope_admin_and_another_tenants_are_not_found(house: House) -> None:
    office, other = await house.tenant(), await house.tenant("Other")
    searcher = await make(office, "/v1/tokens", name="x", scopes=["search"])
    answer = await call(office, "POST", "/v1/tokens", {"name": "y", "scopes": ["search"]}, token=searcher["token"])
    assert answer.status_code == 403
    assert (await call(other, "DELETE", f"/v1/tokens/{searcher['id']}")).status_code == 404
    assert (await call(office, "DELETE", "/v1/tokens/nonsense")).status_code == 404


async def test_the_plain_token_is_nowhere_in_the_database(house: House) -> None:
    office = await house.tenant()
    made = await a_publishable_token(office)
    await call(office, "GET", "/v1/me")
    stored = stored_bytes(house)
    assert made["prefix"].encode() in stored
    for plain in (office.token, made["token"]):
        assert plain.partition("_")[2].encode() not in stored


async def test_the_last_use_appears_in_the_list_soon(house: House) -> None:
    office = await house.tenant()
    async with asyncio.timeout(10):
        while (await call(office, "GET", "/v1/tokens")).json()["items"][0]["last_used_at"] is None:
            await asyncio.sleep(0.05)


async def test_uses_are_written_together_and_once_a_minute_for_each_token(house: House) -> None:
    office = await house.tenant()
    token_id = UUID((await call(office, "GET", "/v1/tokens")).json()["items"][0]["id"])
    last_used = LastUsed(house.runtime.database)
    for expected in (1, 0):
        last_used.note(tenant_id(office), token_id)
        with statements(house.runtime.database) as asked:
            await last_used.flush()
        updates = [statement for statement in asked if statement.startswith("UPDATE")]
        assert len(updates) == expected


async def test_uses_noted_at_the_end_are_still_written(house: House) -> None:
    office = await house.tenant()
    made = await make(office, "/v1/tokens", name="x", scopes=["search"])
    last_used = LastUsed(house.runtime.database)
    writer = asyncio.create_task(last_used.run())
    await asyncio.sleep(0)
    last_used.note(tenant_id(office), UUID(made["id"]))
    writer.cancel()
    await asyncio.wait([writer])
    assert (await call(office, "GET", "/v1/tokens")).json()["items"][0]["last_used_at"] is not None


async def test_requests_without_a_good_token_are_401_before_anything_else(house: House) -> None:
    for headers in (
        {}, bearer(""), bearer("nonsense"), bearer("a.b.c"), bearer("mr_" + "0" * 38), {"Authorization": "Basic eDp5"}
    ):  # fmt: skip
        answer = await house.client.post("/v1/tokens", content=b"not json", headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
