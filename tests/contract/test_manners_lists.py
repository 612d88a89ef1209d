"""How lists are turned, and the one form of times, ids and money."""

import re
from typing import Any

from tests.contract.manners import TIME, paths, problem
from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider


async def test_lists_turn_page_by_page_newest_first(tenant: Office) -> None:
    made = [(await tenant.post("/v1/bots", {"name": f"Bot {number}"}))["id"] for number in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        query = {"limit": 3} if cursor is None else {"limit": 3, "cursor": cursor}
        page = await tenant.get("/v1/bots", **query)
        assert page.keys() == {"items", "next_cursor"}
        assert len(page["items"]) <= 3
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if len(seen) == 3:
            await tenant.post("/v1/bots", {"name": "Came in between"})
        if cursor is None:
            break
    assert seen == [*reversed(made), tenant.bot_id]


async def every_list(office: Office) -> list[str]:
    document = (await office.house.client.get("/schema/openapi.json")).json()
    return [
        path
        for path, item in document["paths"].items()
        if {"limit", "cursor"} <= {one["name"] for one in item.get("get", {}).get("parameters", [])}
    ]


BAD_PAGES: list[str] = [
    "limit=0",
    "limit=-1",
    "limit=201",
    "limit=many",
    "limit=1.5",
    "limit=",
    "limit=99999999999999999999",
    "cursor=nonsense",
    "cursor=",
    "cursor=%F0%9F%A6%A6",
    "cursor=AAAA",
    "cursor=" + "A" * 5000,
]


async def test_bad_limits_and_cursors_are_invalid_in_every_list(house: House) -> None:
    for query in BAD_PAGES:
        office = await house.tenant()
        learned = await office.learn("Words", "Some words to list.")
        chat = await office.chat("Some words?")
        document = (await office.get("/v1/documents"))["items"][0]
        ids = {"document_id": document["id"], "chat_id": chat["chat_id"], "run_id": learned["run"]["id"]}
        found = await every_list(office)
        assert len(found) >= 12
        for path in found:
            headers = house.admin if path == "/v1/tenants" else {}
            told = problem(
                await office.call("GET", f"{path.format(**ids)}?{query}", headers=headers), 422, "invalid_request"
            )
            assert paths(told) == {query.partition("=")[0]}, path


async def test_every_list_has_the_same_form(house: House) -> None:
    office = await house.tenant()
    learned = await office.learn("Words", "Some words to list.")
    chat = await office.chat("Some words?")
    document = (await office.get("/v1/documents"))["items"][0]
    ids = {"document_id": document["id"], "chat_id": chat["chat_id"], "run_id": learned["run"]["id"]}
    for path in await every_list(office):
        headers = house.admin if path == "/v1/tenants" else {}
        for limit in (1, 200):
            page = (await office.call("GET", path.format(**ids), params={"limit": limit}, headers=headers)).json()
            assert page.keys() == {"items", "next_cursor"}, path
            check_values(page, path)


# Values


def check_values(value: Any, place: str) -> None:
    """Times end in Z, ids are UUIDs, money is a decimal string, wherever they stand."""
    if isinstance(value, list):
        for item in value:
            check_values(item, place)
    elif isinstance(value, dict):
        for name, inner in value.items():
            check_value(name, inner, f"{place} {name}")
            check_values(inner, f"{place} {name}")


def check_value(name: str, value: Any, place: str) -> None:
    if value is None:
        return
    if name.endswith("_at") or name == "time":
        assert TIME.fullmatch(value), place
    elif name.endswith("_usd"):
        assert isinstance(value, str), place
        assert re.fullmatch(r"\d+(\.\d+)?", value), place
    elif name == "id" or (name.endswith("_id") and name not in {"external_id", "request_id"}):
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value), place


async def test_times_ids_and_money_have_one_form_everywhere(tenant: Office, provider: ScriptedProvider) -> None:
    await tenant.learn("Words", "Otters hold hands while they sleep.")
    credential = await tenant.post(
        "/v1/credentials", {"name": "C", "provider": "openai", "api_key": "sk-1", "api_base": provider.openai_base}
    )
    bot = await tenant.post("/v1/bots", {"name": "B", "model": "openai/gpt-4o-mini", "credential_id": credential["id"]})
    answer = await tenant.chat("What do otters do while they sleep?", bot_id=bot["id"])
    for path in ("/v1/me", "/v1/usage", "/v1/usage/events", "/v1/events", "/v1/runs", "/v1/sources", "/v1/documents"):
        check_values(await tenant.get(path), path)
    check_values(answer, "/v1/chat")
    check_values(await tenant.get(f"/v1/chats/{answer['chat_id']}/messages"), "messages")
    assert isinstance(answer["usage"]["cost_usd"], str)


async def test_a_created_thing_is_answered_as_it_is_shown(tenant: Office) -> None:
    for path, body in (("/v1/bots", {"name": "B"}), ("/v1/knowledge-bases", {"name": "K"}),
                       ("/v1/credentials", {"name": "C", "provider": "openai", "api_key": "sk-1"})):  # fmt: skip
        made = await tenant.call("POST", path, json=body)
        assert made.status_code == 201
        assert made.json() == await tenant.get(f"{path}/{made.json()['id']}")
        assert (await tenant.call("DELETE", f"{path}/{made.json()['id']}")).status_code == 204
        problem(await tenant.call("DELETE", f"{path}/{made.json()['id']}"), 404)
