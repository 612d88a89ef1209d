"""Limits through the door: what is refused, when, with which words, and that a refusal leaves nothing behind."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from app.kit.ids import new_id
from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider
from tests.usage.support import QUESTION, a_mill, ask, limit, put_quota, quota_events, refused

SLOW = "scripted-tokens-40-50"


async def until_in_progress(office: Office, count: int) -> None:
    async with asyncio.timeout(10):
        while (await office.get("/v1/quota"))["used"]["concurrent_streams"] != count:
            await asyncio.sleep(0.02)


async def until_begun(office: Office, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        while len(chats := (await office.get("/v1/chats"))["items"]) != count:
            await asyncio.sleep(0.02)
    return chats


async def test_a_new_tenant_is_unlimited_and_has_used_nothing(house: House) -> None:
    office = await house.tenant()
    limits = ("requests_per_minute", "concurrent_streams", "monthly_tokens", "monthly_cost_usd", "storage_bytes")
    assert await office.get("/v1/quota") == {
        "limits": dict.fromkeys(limits),
        "used": {"monthly_tokens": 0, "monthly_cost_usd": "0", "storage_bytes": 0, "concurrent_streams": 0},
    }


async def test_setting_a_quota_replaces_all_of_it(any_house: House) -> None:
    office = await any_house.tenant()
    first = await limit(office, requests_per_minute=9, monthly_cost_usd="0.000000000001", storage_bytes=10**12)
    assert first["limits"]["monthly_cost_usd"] == "0.000000000001"
    await limit(office, monthly_tokens=5, requests_per_minute=None)
    limits = (await office.get("/v1/quota"))["limits"]
    assert limits["monthly_tokens"] == 5
    assert [name for name, value in limits.items() if value is not None] == ["monthly_tokens"]


async def test_only_the_operator_sets_quotas_and_only_of_tenants_there_are(house: House, tenant: Office) -> None:
    assert (await tenant.call("PUT", f"/v1/tenants/{tenant.id}/quota", json={})).status_code == 403
    for unknown in (str(new_id()), "nonsense"):
        assert (await put_quota(house, unknown, {})).status_code == 404
    for body in ({"monthly_tokens": -1}, {"unknown": 1}, {"monthly_cost_usd": "NaN"}, {"storage_bytes": 1.5}):
        assert (await put_quota(house, tenant.id, body)).status_code == 422, body
    token = await tenant.post("/v1/tokens", {"name": "chat only", "scopes": ["chat"]})
    narrow = Office(house, tenant.id, token["token"], "", "")
    assert (await narrow.call("GET", "/v1/quota")).status_code == 403


async def test_the_rate_counts_chats_and_searches_over_a_sliding_minute(any_house: House) -> None:
    office = await any_house.tenant()
    await limit(office, requests_per_minute=3)
    assert (await ask(office)).status_code == 200
    await office.search(QUESTION)
    assert (await ask(office)).status_code == 200
    chats = await office.get("/v1/chats")
    assert 50 <= refused(await ask(office), "rate_limited") <= 60
    assert 50 <= refused(await office.call("POST", "/v1/search", json={"query": "mill"}), "rate_limited") <= 60
    assert refused(await ask(office, stream=True), "rate_limited")
    assert await office.get("/v1/chats") == chats
    await limit(office, requests_per_minute=4)
    assert (await ask(office)).status_code == 200


async def test_one_tenants_traffic_is_nobody_elses(house: House) -> None:
    busy, quiet = await house.tenant("Busy"), await house.tenant("Quiet")
    await limit(busy, requests_per_minute=0)
    await limit(quiet, requests_per_minute=1)
    refused(await ask(busy), "rate_limited")
    assert (await ask(quiet)).status_code == 200


async def test_answers_at_once_are_limited_until_one_ends(any_house: House, provider: ScriptedProvider) -> None:
    office, bot = await a_mill(any_house, provider, SLOW)
    await limit(office, concurrent_streams=2)
    streams = [asyncio.create_task(office.stream(QUESTION, bot_id=bot, use_cache=False)) for _ in range(2)]
    await until_in_progress(office, 2)
    await until_begun(office, 2)
    refused(await ask(office, bot), "too_many_streams")
    assert len((await office.get("/v1/chats"))["items"]) == 2
    await office.search(QUESTION)
    for stream in streams:
        assert (await stream)[-1].type == "done"
    for _ in range(3):  # The place is free as soon as "done" can be read.
        assert (await ask(office)).status_code == 200
    await until_in_progress(office, 0)


async def test_a_cancelled_answer_gives_its_place_back(house: House, provider: ScriptedProvider) -> None:
    office, bot = await a_mill(house, provider, SLOW)
    await limit(office, concurrent_streams=1)
    stream = asyncio.create_task(office.stream(QUESTION, bot_id=bot, use_cache=False))
    (chat,) = await until_begun(office, 1)
    message = (await office.get(f"/v1/chats/{chat['id']}/messages"))["items"][1]
    await office.post(f"/v1/messages/{message['id']}/cancel")
    assert (await stream)[-1].data["finish_reason"] == "cancelled"
    assert (await ask(office)).status_code == 200


async def test_a_request_that_fails_gives_its_place_back(house: House) -> None:
    office = await house.tenant()
    await limit(office, concurrent_streams=1)
    for _ in range(3):
        assert (await ask(office, "nonsense")).status_code == 404
    assert (await ask(office)).status_code == 200


async def test_a_repeated_key_is_answered_though_every_limit_is_reached(
    house: House, provider: ScriptedProvider
) -> None:
    office, bot = await a_mill(house, provider)
    body = {"message": QUESTION, "stream": False, "bot_id": bot}
    first = await office.call("POST", "/v1/chat", json=body, headers={"Idempotency-Key": "once"})
    await limit(office, requests_per_minute=0, concurrent_streams=0, monthly_tokens=1)
    again = await office.call("POST", "/v1/chat", json=body, headers={"Idempotency-Key": "once"})
    assert again.status_code == 200
    assert again.json()["message_id"] == first.json()["message_id"]
    other = await office.call("POST", "/v1/chat", json=body, headers={"Idempotency-Key": "twice"})
    refused(other, "quota_exceeded")


@pytest.mark.parametrize("limited", ["monthly_tokens", "monthly_cost_usd"])
async def test_one_of_fifty_answers_at_once_may_cross_a_monthly_limit(
    priced_house: House, provider: ScriptedProvider, limited: str
) -> None:
    office, bot = await a_mill(priced_house, provider)
    one = (await ask(office, bot)).json()["usage"]
    value = {"monthly_tokens": one["total_tokens"], "monthly_cost_usd": Decimal(one["cost_usd"])}[limited]
    assert value > 0
    allowed = value * 7 // 2 if limited == "monthly_tokens" else value * 7 / 2  # Three and a half answers.
    await limit(office, **{limited: allowed if limited == "monthly_tokens" else format(allowed, "f")})
    statuses: list[int] = []
    while 200 in statuses[-50:] or not statuses:
        responses = await asyncio.gather(*(ask(office, bot) for _ in range(50)))
        statuses += [response.status_code for response in responses]
        for response in responses:
            if response.status_code != 200:
                refused(response, "quota_exceeded")
    used = (await office.get("/v1/quota"))["used"]
    lines = [line for line in (await office.get("/v1/usage/events", limit=200))["items"] if line["kind"] == "chat"]
    assert statuses.count(200) == len(lines) - 1 == 3
    before_the_last = 3 * value
    assert before_the_last < allowed <= Decimal(used[limited])
    events = await quota_events(office)
    assert events == [("quota.warning", limited), ("quota.exceeded", limited)]


async def test_a_used_up_month_is_refused_until_the_next_one(house: House, provider: ScriptedProvider) -> None:
    office, bot = await a_mill(house, provider)
    assert (await ask(office, bot)).status_code == 200
    await limit(office, monthly_tokens=10)
    assert await quota_events(office) == [("quota.warning", "monthly_tokens"), ("quota.exceeded", "monthly_tokens")]
    chats = await office.get("/v1/chats")
    for streaming in (True, False):
        refused(await ask(office, bot, stream=streaming), "quota_exceeded")
    refused(await ask(office), "quota_exceeded")
    assert await office.get("/v1/chats") == chats
    await office.search(QUESTION)  # It uses nothing that is limited.
    refused(
        await office.call("POST", "/v1/search", json={"query": "mill", "rerank": {"model": "cohere/rerank-v3.5"}}),
        "quota_exceeded",
    )
    await limit(office)
    assert (await ask(office, bot)).status_code == 200


async def test_nothing_may_be_used_of_a_limit_of_zero(house: House) -> None:
    office = await house.tenant()
    for nothing in ({"monthly_tokens": 0}, {"monthly_cost_usd": 0}):
        await limit(office, **nothing)
        refused(await ask(office), "quota_exceeded")
    await limit(office, concurrent_streams=0)
    refused(await ask(office), "too_many_streams")
    assert await quota_events(office) == []


async def test_a_failed_answer_gives_back_what_was_set_aside(house: House, provider: ScriptedProvider) -> None:
    office, bot = await a_mill(house, provider, "scripted-500")
    await limit(office, monthly_tokens=8000)
    responses = await asyncio.gather(*(ask(office, bot) for _ in range(3)))
    assert sorted(response.status_code for response in responses) == [429, 429, 502]
    assert (await ask(office, bot)).status_code == 502


async def test_uploads_stop_at_the_storage_limit_and_deleting_makes_room(any_house: House) -> None:
    office = await any_house.tenant()
    await limit(office, storage_bytes=1000)
    kept = await office.learn("Half", "a" * 500)
    assert (await office.get("/v1/quota"))["used"]["storage_bytes"] == 500
    big = {"type": "text", "title": "Too much", "content": "b" * 501}
    for _ in range(2):
        refused(await office.call("POST", "/v1/sources", json=big), "quota_exceeded")
    assert [source["title"] for source in (await office.get("/v1/sources"))["items"]] == ["Half"]
    again = await office.learn("Half", "a" * 500)
    assert again["run"]["status"] == "skipped"
    await office.learn("Most", "c" * 400)
    told = [("quota.exceeded", "storage_bytes"), ("quota.warning", "storage_bytes")]
    assert sorted(set(await quota_events(office))) == told
    assert len(await quota_events(office)) == 2
    await office.delete(f"/v1/sources/{kept['source']['id']}")
    await office.learn("Again", "d" * 600)


async def test_uploads_at_once_do_not_share_the_last_bytes(any_house: House) -> None:
    office = await any_house.tenant()
    await limit(office, storage_bytes=1000)
    bodies = [{"type": "text", "title": f"T{n}", "content": str(n) * 400} for n in range(6)]
    responses = await asyncio.gather(*(office.call("POST", "/v1/sources", json=body) for body in bodies))
    assert sorted(response.status_code for response in responses) == [202, 202, 429, 429, 429, 429]
    assert (await office.get("/v1/quota"))["used"]["storage_bytes"] == 800
