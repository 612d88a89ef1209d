"""The log through the door: listed, paged, followed, resumed."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import pytest

from app.adapters.event_log import EventLog, LoggedEvent
from app.adapters.redis import open_redis
from app.events.follow import follow
from app.events.service import Recorder
from app.events.types import EventType
from app.kit.ids import new_id
from tests.events.live import live
from tests.support.house import House, Office


async def record(office: Office, subject: str, kind: EventType = EventType.SOURCE_CREATED) -> None:
    runtime = office.house.runtime
    async with runtime.database.transaction(UUID(office.id)) as session:
        await runtime.recorder.record(session, UUID(office.id), kind, subject, {"n": subject}, actor="token:x")


async def subjects(office: Office, **query: Any) -> list[str]:
    return [item["subject"] for item in (await office.get("/v1/events", **query))["items"]]


async def test_the_log_is_listed_newest_first_in_its_envelope(house: House) -> None:
    office = await house.tenant()
    for subject in ("a", "b", "c"):
        await record(office, subject)
    page = await office.get("/v1/events", limit=2)
    assert [item["subject"] for item in page["items"]] == ["c", "b"]
    envelope = page["items"][0]
    assert set(envelope) == {"id", "type", "time", "tenant_id", "subject", "data"}
    assert (envelope["type"], envelope["tenant_id"], envelope["data"]) == ("source.created", office.id, {"n": "c"})
    assert envelope["time"].endswith("Z")
    rest = await office.get("/v1/events", limit=2, cursor=page["next_cursor"])
    assert ([item["subject"] for item in rest["items"]], rest["next_cursor"]) == (["a"], None)


async def test_after_an_event_the_log_goes_on_oldest_first(house: House) -> None:
    office = await house.tenant()
    for subject in "abcd":
        await record(office, subject)
    first = (await office.get("/v1/events"))["items"][-1]["id"]
    assert await subjects(office, after=first) == ["b", "c", "d"]
    assert await subjects(office, last_event_id=first) == ["b", "c", "d"]
    page = await office.get("/v1/events", after=first, limit=2)
    rest = await office.get("/v1/events", after=first, limit=2, cursor=page["next_cursor"])
    assert [item["subject"] for item in page["items"] + rest["items"]] == ["b", "c", "d"]
    header = await office.call("GET", "/v1/events", params={"after": str(new_id())}, headers={"Last-Event-ID": first})
    assert len(header.json()["items"]) == 3


async def test_another_tenants_events_are_never_listed(house: House) -> None:
    office, other = await house.tenant(), await house.tenant("Other")
    await record(office, "mine")
    assert await subjects(other) == []
    mine = (await office.get("/v1/events"))["items"][0]["id"]
    await record(other, "theirs")
    assert await subjects(office, after=mine) == []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"after": "nonsense"}, "after"),
        ({"last_event_id": "../x"}, "last_event_id"),
        ({"last_event_id": "123"}, "last_event_id"),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"cursor": "!"}, "cursor"),
    ],
)
async def test_a_wrong_place_in_the_log_is_named(house: House, query: dict[str, Any], path: str) -> None:
    answer = await (await house.tenant()).call("GET", "/v1/events", params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path


async def test_the_log_needs_the_scope_ingest(house: House) -> None:
    office = await house.tenant()
    for scopes, status in ((["search", "chat", "usage"], 403), (["ingest"], 200)):
        token = (await office.post("/v1/tokens", {"name": "x", "scopes": scopes}))["token"]
        answer = await office.call("GET", "/v1/events", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


def following(office: Office, after: UUID) -> AsyncGenerator[LoggedEvent]:
    runtime = office.house.runtime
    return follow(runtime.database, runtime.event_log, UUID(office.id), after)


async def test_a_follower_gets_what_was_and_then_what_happens(any_house: House) -> None:
    office, other = await any_house.tenant(), await any_house.tenant("Other")
    for number in range(3):
        await record(office, str(number))
    seen = list[LoggedEvent]()
    async with asyncio.timeout(10), aclosing(following(office, UUID(int=0))) as events:
        async for event in events:
            seen.append(event)
            if len(seen) == 3:
                await record(other, "theirs")
                await record(office, "3", EventType.RUN_FAILED)
            if len(seen) == 4:
                break
    assert [json.loads(event.data)["subject"] for event in seen] == ["0", "1", "2", "3"]
    assert seen[-1].type == "run.failed"
    assert json.loads(seen[-1].data)["id"] == seen[-1].id
    async with asyncio.timeout(10), aclosing(following(office, UUID(seen[1].id))) as events:
        assert [(await anext(events)).id for _ in range(2)] == [seen[2].id, seen[3].id]


async def test_more_than_a_page_is_followed_in_one_go(house: House) -> None:
    office = await house.tenant()
    async with house.runtime.database.transaction(UUID(office.id)) as session:
        for number in range(450):
            await house.runtime.recorder.record(
                session, UUID(office.id), EventType.RUN_STARTED, str(number), {"n": number}
            )
    async with asyncio.timeout(10), aclosing(following(office, UUID(int=0))) as events:
        seen = [json.loads((await anext(events)).data)["data"]["n"] for _ in range(450)]
    assert seen == list(range(450))


async def test_what_is_not_announced_is_found_by_the_clock(house: House) -> None:
    class Silent:
        """News that never come."""

        async def listen(self, channel: str) -> AsyncGenerator[str]:
            await asyncio.Event().wait()
            yield channel

    office = await house.tenant()
    events = follow(house.runtime.database, Silent(), UUID(office.id), UUID(int=0), look_s=0.05)
    async with asyncio.timeout(10), aclosing(events):
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.02)
        await record(office, "quiet")
        assert json.loads((await waiting).data)["subject"] == "quiet"


async def test_a_stream_ends_after_its_time_so_that_its_token_is_looked_at_again(house: House) -> None:
    office, runtime = await house.tenant(), house.runtime
    await record(office, "one")
    events = follow(
        runtime.database, runtime.event_log, UUID(office.id), UUID(int=0), look_s=0.05, longest_s=0.2
    )  # fmt: skip
    async with asyncio.timeout(10), aclosing(events):
        assert [json.loads(event.data)["subject"] async for event in events] == ["one"]


async def test_a_stream_resumes_after_the_last_event_its_client_saw(house: House) -> None:
    office = await house.tenant()
    for subject in "abc":
        await record(office, subject)
    first = (await office.get("/v1/events"))["items"][-1]["id"]
    async with live(office, {"last-event-id": first}) as stream:
        events = [await stream.next() for _ in range(2)]
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["cache-control"] == "no-cache"
    assert stream.headers["x-accel-buffering"] == "no"
    assert [(event.type, event.data["subject"]) for event in events] == [("source.created", s) for s in "bc"]
    assert all(event.id == event.data["id"] for event in events)


async def test_without_a_place_to_go_on_from_a_stream_is_live_only(house: House) -> None:
    office = await house.tenant()
    await record(office, "old")
    async with live(office) as stream:
        await stream.begun.wait()
        await record(office, "new", EventType.RUN_FAILED)
        event = await stream.next()
    assert (event.type, event.data["subject"]) == ("run.failed", "new")


async def test_a_redis_that_is_away_delays_nobody_and_loses_nothing(house: House) -> None:
    office = await house.tenant()
    nowhere = open_redis("redis://127.0.0.1:1/0")
    event_log = EventLog(nowhere.client())
    async with house.runtime.database.transaction(UUID(office.id)) as session:
        await Recorder(event_log).record(session, UUID(office.id), EventType.RUN_FAILED, "kept", {})
    assert await subjects(office) == ["kept"]
    await event_log.aclose()
    await nowhere.aclose()
