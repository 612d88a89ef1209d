"""Ordering runs about, and following them."""

import asyncio

import pytest

from app.ingestion.following import BEYOND
from app.ingestion.worker import Ingester
from tests.ingestion.kitchen import long_text, scripted_base
from tests.support.house import House, Office, read_events
from tests.support.provider import ScriptedProvider

LEAVE = "Every employee has thirty days of annual leave."
MODEL = "openai/embed-64"
UNKNOWN = "018f0000-0000-7000-8000-000000000000"


async def test_a_waiting_run_is_cancelled_at_once_and_once_only(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    fed = await tenant.learn("Leave", LEAVE, wait=False)
    path = f"/v1/runs/{fed['run']['id']}"

    cancelled = await tenant.call("POST", f"{path}/cancel")

    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    assert (await tenant.call("POST", f"{path}/cancel")).status_code == 409
    assert await Ingester(idle_house.runtime.ingestion).work() is False
    assert (await tenant.get(f"/v1/sources/{fed['source']['id']}"))["status"] == "pending"
    retried = await tenant.call("POST", f"{path}/retry")
    assert (retried.status_code, retried.json()["status"]) == (202, "queued")
    assert await Ingester(idle_house.runtime.ingestion).work()
    assert (await tenant.get(path))["status"] == "succeeded"


async def test_a_run_at_work_is_cancelled_though_its_provider_is_silent(
    tenant: Office, provider: ScriptedProvider
) -> None:
    base = await scripted_base(tenant, provider, MODEL)
    await base.behave(MODEL, "scripted-hang")
    fed = await base.learn("Leave", LEAVE, wait=False)
    while not provider.log.requests:
        await asyncio.sleep(0.01)

    asked = await tenant.call("POST", f"/v1/runs/{fed['run']['id']}/cancel")

    assert asked.status_code == 202
    run = await tenant.ended(fed["run"]["id"], within_s=10)
    assert (run["status"], run["stage"]) == ("cancelled", "embedding")
    assert await provider.aborted()


async def test_what_is_at_work_or_ended_well_is_not_retried(tenant: Office, provider: ScriptedProvider) -> None:
    base = await scripted_base(tenant, provider, MODEL)
    done = await base.learn("Leave", LEAVE)
    await base.behave(MODEL, "scripted-hang")
    busy = await base.learn("Pumps", "A pump.", wait=False)
    for fed in (done, busy):
        assert (await tenant.call("POST", f"/v1/runs/{fed['run']['id']}/retry")).status_code == 409
    assert (await tenant.call("POST", f"/v1/runs/{done['run']['id']}/cancel")).status_code == 409
    await tenant.post(f"/v1/runs/{busy['run']['id']}/cancel")


async def test_runs_are_listed_newest_first_and_narrowed(tenant: Office) -> None:
    leave = await tenant.learn("Leave", LEAVE)
    pumps = await tenant.learn("Pumps", "A pump.")
    again = await tenant.post("/v1/sources", {"type": "text", "title": "Leave", "content": LEAVE})

    every = (await tenant.get("/v1/runs"))["items"]
    assert [run["id"] for run in every] == [again["run"]["id"], pumps["run"]["id"], leave["run"]["id"]]
    of_leave = (await tenant.get("/v1/runs", source_id=leave["source"]["id"]))["items"]
    assert [run["status"] for run in of_leave] == ["skipped", "succeeded"]
    assert [run["id"] for run in (await tenant.get("/v1/runs", status="skipped"))["items"]] == [again["run"]["id"]]
    page = await tenant.get("/v1/runs", limit=2)
    rest = await tenant.get("/v1/runs", limit=2, cursor=page["next_cursor"])
    assert [*page["items"], *rest["items"]] == every
    assert (await tenant.call("GET", "/v1/runs?status=sleeping")).status_code == 422


@pytest.mark.parametrize("run_id", ["x", UNKNOWN, "another tenant's"])
async def test_a_run_of_nobody_is_not_found(tenant: Office, run_id: str) -> None:
    if run_id.startswith("another"):
        other = await tenant.house.tenant("Other")
        run_id = (await other.learn("Leave", LEAVE))["run"]["id"]
    calls = [("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/retry")]
    for method, suffix in calls:
        assert (await tenant.call(method, f"/v1/runs/{run_id}{suffix}")).status_code == 404, suffix
    assert (await tenant.call("POST", f"/v1/sources/{run_id}/ingest")).status_code == 404


async def test_following_a_run_shows_its_progress_and_one_end(any_house: House) -> None:
    tenant = await any_house.tenant()
    fed = await tenant.learn("Pumps", long_text(6), wait=False)

    answer = await tenant.call("GET", f"/v1/runs/{fed['run']['id']}/events")

    assert answer.headers["content-type"].startswith("text/event-stream")
    events = read_events(answer.text)
    assert {event.type for event in events[:-1]} == {"progress"}
    assert events[-1].type == "finished"
    assert len({event.id for event in events}) == len(events)
    stages = list(dict.fromkeys(event.data["stage"] for event in events if event.data["stage"]))
    assert stages == ["fetching", "parsing", "chunking", "embedding", "indexing", "activating"]
    assert events[-1].data == await tenant.get(f"/v1/runs/{fed['run']['id']}")


async def test_a_run_is_followed_on_from_any_point(tenant: Office) -> None:
    fed = await tenant.learn("Leave", LEAVE)
    path = f"/v1/runs/{fed['run']['id']}/events"
    events = read_events((await tenant.call("GET", path)).text)

    for place, event in enumerate(events[:-1]):
        by_header = await tenant.call("GET", path, headers={"Last-Event-ID": event.id})
        by_query = await tenant.call("GET", path, params={"last_event_id": event.id})
        assert read_events(by_header.text) == read_events(by_query.text) == events[place + 1 :]
    assert (await tenant.call("GET", path, headers={"Last-Event-ID": events[-1].id})).status_code == 204
    assert (await tenant.call("GET", path, headers={"Last-Event-ID": "nonsense"})).status_code == 422


async def test_an_ended_run_whose_log_is_gone_tells_its_end(tenant: Office) -> None:
    skipped = None
    for _ in range(2):
        skipped = await tenant.post("/v1/sources", {"type": "text", "title": "Leave", "content": LEAVE})
        await tenant.ended(skipped["run"]["id"])
    assert skipped is not None
    path = f"/v1/runs/{skipped['run']['id']}/events"

    (event,) = read_events((await tenant.call("GET", path)).text)

    assert (event.type, event.data) == ("finished", skipped["run"])
    assert event.id == BEYOND
    assert (await tenant.call("GET", path, headers={"Last-Event-ID": event.id})).status_code == 204


async def test_a_run_is_followed_through_waiting_retry_and_a_new_attempt(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    fed = await tenant.learn("Leave", LEAVE, wait=False)
    path = f"/v1/runs/{fed['run']['id']}"
    await tenant.post(f"{path}/cancel")
    (ended,) = read_events((await tenant.call("GET", f"{path}/events")).text)
    assert (ended.type, ended.data["status"]) == ("finished", "cancelled")
    await tenant.post(f"{path}/retry")

    following = asyncio.create_task(tenant.call("GET", f"{path}/events"))
    await asyncio.sleep(0.05)
    await Ingester(idle_house.runtime.ingestion).work()

    events = read_events((await following).text)
    assert (events[-1].type, events[-1].data["status"], events[-1].data["attempt"]) == ("finished", "succeeded", 2)
    assert [event.type for event in events].count("finished") == 1


async def test_deleting_a_source_ends_its_run_in_silence(tenant: Office, provider: ScriptedProvider) -> None:
    base = await scripted_base(tenant, provider, MODEL)
    await base.behave(MODEL, "scripted-hang")
    fed = await base.learn("Leave", LEAVE, wait=False)
    while not provider.log.requests:
        await asyncio.sleep(0.01)

    await tenant.delete(f"/v1/sources/{fed['source']['id']}")

    assert await provider.aborted()
    assert (await tenant.call("GET", f"/v1/runs/{fed['run']['id']}")).status_code == 404
    assert (await tenant.get("/v1/documents"))["items"] == []
