"""Answers belong to the process: they can be left, followed again from any point, stopped, and are never left open."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.chat.test_asking import HANDBOOK, a_model_bot
from tests.support.house import House, Office, open_house, read_events, settings_in
from tests.support.provider import ScriptedProvider

SLOW = "scripted-tokens-400-20"


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncGenerator[House]:
    """A house that stops an answer half a second after the last listener has left."""
    async with open_house(settings_in(tmp_path, abandoned_answer_s=0.5)) as house:
        yield house


async def the_open_answer(office: Office) -> str:
    """The id of the answer that is being written."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for chat in (await office.get("/v1/chats"))["items"]:
            messages = (await office.get(f"/v1/chats/{chat['id']}/messages"))["items"]
            if messages and messages[-1]["role"] == "assistant":
                return messages[-1]["id"]
        await asyncio.sleep(0.02)
    raise AssertionError("No answer was begun")


async def stored(office: Office, message_id: str) -> dict:
    for chat in (await office.get("/v1/chats"))["items"]:
        for message in (await office.get(f"/v1/chats/{chat['id']}/messages"))["items"]:
            if message["id"] == message_id:
                return message
    raise AssertionError("The answer is gone")


async def test_stop_stops_the_model_keeps_the_text_and_bills_it(tenant: Office, provider: ScriptedProvider) -> None:
    await tenant.learn("Handbook", HANDBOOK)
    bot = await a_model_bot(tenant, provider, SLOW)
    asking = asyncio.create_task(tenant.stream("How many days of leave do staff take?", bot_id=bot))
    message_id = await the_open_answer(tenant)
    await asyncio.sleep(0.5)
    first = await tenant.call("POST", f"/v1/messages/{message_id}/cancel")
    assert first.status_code == 202
    events = await asking
    assert [event.type for event in events[-2:]] == ["usage", "done"]
    assert events[-1].data["finish_reason"] == "cancelled"
    assert await provider.aborted()
    message = await stored(tenant, message_id)
    text = "".join(event.data["text"] for event in events if event.type == "delta")
    assert message["finish_reason"] == "cancelled"
    assert message["content"] == text != ""
    assert message["usage"]["estimated"]
    assert message["usage"]["completion_tokens"] > 0
    again = await tenant.call("POST", f"/v1/messages/{message_id}/cancel")
    assert again.status_code == 202


async def test_an_answer_nobody_listens_to_is_stopped(impatient: House, provider: ScriptedProvider) -> None:
    office = await impatient.tenant()
    await office.learn("Handbook", HANDBOOK)
    bot = await a_model_bot(office, provider, SLOW)
    asking = asyncio.create_task(office.stream("How many days of leave do staff take?", bot_id=bot))
    message_id = await the_open_answer(office)
    asking.cancel()
    await asyncio.wait([asking])
    assert await provider.aborted(within_s=6)
    deadline = time.monotonic() + 5
    while (await stored(office, message_id))["finish_reason"] is None and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert (await stored(office, message_id))["finish_reason"] == "cancelled"


async def test_a_client_that_comes_back_in_time_misses_nothing(impatient: House, provider: ScriptedProvider) -> None:
    office = await impatient.tenant()
    await office.learn("Handbook", HANDBOOK)
    bot = await a_model_bot(office, provider, "scripted-tokens-60-20")
    asking = asyncio.create_task(office.stream("How many days of leave do staff take?", bot_id=bot))
    message_id = await the_open_answer(office)
    asking.cancel()
    await asyncio.wait([asking])
    response = await office.call("GET", f"/v1/messages/{message_id}/stream")
    events = read_events(response.text)
    assert events[0].type == "started"
    assert events[-1].data["finish_reason"] == "stop"
    text = "".join(event.data["text"] for event in events if event.type == "delta")
    assert (await stored(office, message_id))["content"] == text


async def test_a_stream_can_be_taken_up_anywhere(tenant: Office) -> None:
    await tenant.learn("Handbook", HANDBOOK)
    events = await tenant.stream("When are salaries paid?")
    path = f"/v1/messages/{events[0].data['message_id']}/stream"
    assert read_events((await tenant.call("GET", path)).text) == events
    for at, event in enumerate(events[:-1]):
        rest = await tenant.call("GET", path, headers={"Last-Event-ID": event.id})
        assert read_events(rest.text) == events[at + 1 :]
        queried = await tenant.call("GET", path, params={"last_event_id": event.id})
        assert queried.text == rest.text
    assert (await tenant.call("GET", path, headers={"Last-Event-ID": events[-1].id})).status_code == 204
    assert (await tenant.call("GET", path, headers={"Last-Event-ID": "no such id!"})).status_code == 422


async def test_an_answer_whose_log_is_gone_is_told_from_what_is_stored(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    async with open_house(settings) as house:
        office = await house.tenant()
        await office.learn("Handbook", HANDBOOK)
        events = await office.stream("When are salaries paid?")
    async with open_house(settings) as house:
        later = Office(house, office.id, office.token, office.knowledge_base_id, office.bot_id)
        path = f"/v1/messages/{events[0].data['message_id']}/stream"
        told = read_events((await later.call("GET", path)).text)
        kinds = [event.type for event in told]
        assert kinds[:3] == ["started", "sources", "delta"]
        assert kinds[-2:] == ["usage", "done"]
        assert told[2].data["text"] == "".join(event.data["text"] for event in events if event.type == "delta")
        assert [e.data for e in told if e.type == "citation"] == [e.data for e in events if e.type == "citation"]
        assert told[-1].data == events[-1].data


async def test_an_answer_left_open_by_a_dead_process_is_closed(tmp_path: Path, provider: ScriptedProvider) -> None:
    settings = settings_in(tmp_path)
    async with open_house(settings) as house:
        office = await house.tenant()
        await office.learn("Handbook", HANDBOOK)
        answer = await office.chat("When are salaries paid?")
        await reopen(house, office, answer["message_id"])
    async with open_house(settings) as house:
        later = Office(house, office.id, office.token, office.knowledge_base_id, office.bot_id)
        events = read_events((await later.call("GET", f"/v1/messages/{answer['message_id']}/stream")).text)
        assert [event.type for event in events[-3:]] == ["error", "usage", "done"]
        assert events[-3].data["code"] == "interrupted"
        assert (await stored(later, answer["message_id"]))["finish_reason"] == "error"


async def reopen(house: House, office: Office, message_id: str) -> None:
    """Leave an answer as a process that died in the middle of it would have."""
    from uuid import UUID

    from sqlmodel import col

    from app.chat.models import Message
    from app.kit.ownership import owned_update

    async with house.runtime.database.transaction(UUID(office.id)) as session:
        open_again = owned_update(UUID(office.id), Message).where(col(Message.id) == UUID(message_id))
        await session.exec(open_again.values(finish_reason=None, usage=None))
