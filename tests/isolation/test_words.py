"""Another tenant's words are in no byte of any answer, however one asks, and in nothing that a model is sent."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx

from tests.isolation.operations import ANYBODY, OPEN, PLATFORM, bearer, every_operation
from tests.isolation.world import World, a_world
from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider


async def model_fields(office: Office, provider: ScriptedProvider) -> dict[str, Any]:
    credential = await office.post(
        "/v1/credentials",
        {"name": "Scripted", "provider": "openai", "api_key": "sk-scripted-0001", "api_base": provider.openai_base},
    )
    return {
        "name": "Model",
        "model": "openai/scripted",
        "credential_id": credential["id"],
        "abstain": {"enabled": False},
    }


async def two_worlds(house: House) -> tuple[World, World]:
    return await a_world(house, "quokka"), await a_world(house, "narwhal")


def assert_silent(answer: httpx.Response, theirs: World) -> None:
    """Nothing of theirs in the body or the headers, in whatever way a byte can be written in JSON or in text."""
    told = answer.content.decode("utf-8", "replace") + json.dumps(dict(answer.headers))
    assert theirs.answer not in told.lower(), (str(answer.request.url), told[:2000])
    for name, value in theirs.ids.items():
        assert value not in told, (str(answer.request.url), name)


async def test_no_search_finds_their_words(any_house: House) -> None:
    mine, theirs = await two_worlds(any_house)
    queries = [theirs.asked, f"What opens the {theirs.asked}?", f"vault {theirs.mark}", "The vault is in the cellar"]
    shapes: list[dict[str, Any]] = [
        {},
        {"debug": True},
        {"limit": 100, "min_score": -10, "debug": True},
        {"bot_id": mine.ids["bot_id"], "debug": True},
        {"knowledge_base_ids": [mine.ids["knowledge_base_id"]], "debug": True},
        {"knowledge_base_ids": [], "debug": True},
        {"filter": {"metadata": {"team": theirs.answer.replace("key", "KEY")}}, "debug": True},
    ]
    for query in queries:
        for shape in shapes:
            answer = await mine.office.call("POST", "/v1/search", json={"query": query, **shape})
            assert answer.status_code == 200, answer.text
            assert_silent(answer, theirs)
    own = await theirs.office.search(theirs.asked)
    assert theirs.answer in json.dumps(own), "their own search finds it, or this test would prove nothing"


async def test_no_chat_tells_their_words_and_no_model_reads_them(any_house: House, provider: ScriptedProvider) -> None:
    mine, theirs = await two_worlds(any_house)
    bot = await mine.office.post("/v1/bots", await model_fields(mine.office, provider))
    for bot_id in (mine.office.bot_id, bot["id"]):
        chat_id: str | None = None
        for question in (f"What opens the {theirs.asked}?", f"And the {theirs.asked}, what is it opened with?"):
            for stream in (False, True):
                body = {"message": question, "stream": stream, "debug": True, "bot_id": bot_id, "chat_id": chat_id}
                answer = await mine.office.call("POST", "/v1/chat", json=body)
                assert answer.status_code == 200, answer.text
                assert_silent(answer, theirs)
                chat_id = chat_id or answer.json()["chat_id"]
    assert provider.requests, "the model was asked"
    assert theirs.answer not in json.dumps([seen.body for seen in provider.requests])
    own = await theirs.office.chat(f"What opens the {theirs.asked}?")
    assert theirs.answer in own["answer"], "their own bot tells it, or this test would prove nothing"


async def test_the_same_question_with_the_same_key_is_answered_apart(any_house: House) -> None:
    mine, theirs = await two_worlds(any_house)
    ask = {
        "json": {"message": f"What opens the {theirs.asked}?", "stream": False},
        "headers": {"Idempotency-Key": "one"},
    }
    told = await theirs.office.call("POST", "/v1/chat", **ask)
    assert theirs.answer in told.text
    answer = await mine.office.call("POST", "/v1/chat", **ask)
    assert answer.status_code == 200
    assert_silent(answer, theirs)
    assert told.json()["message_id"] not in answer.text


async def test_no_remembered_answer_crosses_over(any_house: House) -> None:
    mine, theirs = await two_worlds(any_house)
    eager = {"cache": {"exact": True, "semantic": "on", "min_similarity": 0.5}}
    for world in (mine, theirs):
        await world.office.patch(f"/v1/bots/{world.office.bot_id}", eager)
    for _ in range(2):
        told = await theirs.office.chat(f"What opens the {theirs.asked}?")
        assert theirs.answer in told["answer"]
    for question in (
        f"What opens the {theirs.asked}?",
        f"what opens the {theirs.asked}",
        f"What opens {theirs.asked}s?",
    ):
        answer = await mine.office.call("POST", "/v1/chat", json={"message": question, "stream": False})
        assert answer.status_code == 200
        assert_silent(answer, theirs)


async def test_the_same_document_sent_by_both_stays_two(any_house: House) -> None:
    mine, theirs = await two_worlds(any_house)
    text = f"# Vault\n\nThe {theirs.asked} opens with a hairpin here.\n"
    sent = {"type": "text", "title": "Vault", "content": text, "external_id": f"{theirs.mark}key-1"}
    answer = await mine.office.call("POST", "/v1/sources", json=sent, headers={"Idempotency-Key": "one"})
    assert answer.status_code == 202, "new here, whatever the neighbour has under this name"
    assert answer.json()["source"]["id"] not in theirs.ids.values()
    await mine.office.ended(answer.json()["run"]["id"])
    found = await theirs.office.search(f"{theirs.asked} hairpin", limit=100)
    assert "hairpin" not in json.dumps(found["results"])


async def test_no_list_no_file_and_no_report_holds_their_words(any_house: House) -> None:
    mine, theirs = await two_worlds(any_house)
    tried = 0
    async for answer in everything_readable(any_house, mine):
        assert_silent(answer, theirs)
        tried += 1
    assert tried > 25
    told = [answer.text async for answer in everything_readable(any_house, theirs)]
    assert sum(theirs.answer in text for text in told) > 10, (
        "their own reading holds it, or this test would prove nothing"
    )


def tool(name: str, **arguments: Any) -> dict[str, Any]:
    """A call of one of the tools that agents have."""
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


async def test_no_tool_of_agents_reaches_them(any_house: House) -> None:
    mine, theirs = await two_worlds(any_house)
    headers = {"Accept": "application/json, text/event-stream"}
    calls = [
        tool("search", query=f"What opens the {theirs.asked}?", limit=100),
        tool("ask", message=f"What opens the {theirs.asked}?"),
        tool("list_sources"),
    ]
    for body in calls:
        answer = await mine.office.call("POST", "/mcp", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        assert_silent(answer, theirs)
    own = await theirs.office.call("POST", "/mcp", json=calls[1], headers=headers)
    assert theirs.answer in own.text, "their own agent is told, or this test would prove nothing"
    for name in ("bot_id", "chat_id"):
        told = [
            await mine.office.call("POST", "/mcp", json=tool("ask", message="Hello?", **{name: value}), headers=headers)
            for value in (theirs.ids[name], str(uuid4()), "not-an-id")
        ]
        assert told[0].text == told[1].text, name
        assert all(answer.json()["result"]["isError"] for answer in told)


async def everything_readable(house: House, world: World) -> AsyncIterator[httpx.Response]:
    """Every GET there is, with the tenant's own ids and with filters that might reach too far."""
    headers = bearer(world.office.token)
    for operation in await every_operation(house):
        if operation.method != "GET" or operation.id in PLATFORM | {"metrics"}:
            continue
        if operation.id in OPEN | ANYBODY:
            yield await operation.call(house, {} if operation.id in OPEN else headers, world.ids)
            continue
        queries: list[dict[str, str]] = [{}]
        if operation.id.startswith("list_") and not operation.path_ids:
            queries += [
                {"limit": "200"},
                {"q": "%"},
                {"q": "_"},
                {"q": "narwhal"},
                {"q": "quokka"},
                {"after": world.ids["run_id"]},
            ]
        if operation.id == "usage":
            queries += [{"group_by": by} for by in ("bot", "model", "token", "kind")] + [{"from": "2000-01-01"}]
        for query in queries:
            answer = await operation.call(house, headers, world.ids, params=query)
            assert answer.status_code in {200, 204}, (operation.id, answer.text)
            yield answer
