"""What a fault makes of a run: another try, an end with a reason, or an end without one of several models."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.ingestion.kitchen import embedded_texts, long_text, scripted_base
from tests.support.documents import a_scanned_pdf
from tests.support.house import Office, open_house, settings_in
from tests.support.provider import ScriptedProvider

LEAVE = "Every employee has thirty days of annual leave."
FIRST, SECOND = "openai/embed-64", "openai/embed-32"


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncGenerator[Office]:
    """A tenant in a house that tries twice, and does not wait long for providers."""
    async with open_house(settings_in(tmp_path, run_attempts=2, provider_timeout_s=1)) as house:
        yield await house.tenant()


async def test_a_transient_fault_is_tried_again_and_leaves_no_trace(tenant: Office, provider: ScriptedProvider) -> None:
    base = await scripted_base(tenant, provider, FIRST)
    await base.behave(FIRST, "scripted-500")
    fed = await base.learn("Leave", LEAVE, wait=False)
    waiting = await until(tenant, fed["run"]["id"], lambda run: run["attempt"] == 2)
    assert waiting["status"] in {"queued", "running"}
    await base.behave(FIRST, "scripted-good")

    run = await tenant.ended(fed["run"]["id"])

    assert (run["status"], run["error"]) == ("succeeded", None)
    assert run["attempt"] >= 2


async def test_a_run_that_waits_says_why(tenant: Office, provider: ScriptedProvider) -> None:
    base = await scripted_base(tenant, provider, FIRST)
    await base.behave(FIRST, "scripted-429")
    fed = await base.learn("Leave", LEAVE, wait=False)

    waiting = await until(tenant, fed["run"]["id"], lambda run: run["status"] == "queued" and run["attempt"] > 1)

    assert waiting["error"]["code"] == "provider_rate_limited"
    assert waiting["error"]["stage"] == "embedding"
    assert (await tenant.get(f"/v1/sources/{fed['source']['id']}"))["status"] == "ingesting"


async def test_a_transient_fault_that_stays_ends_the_run_with_its_reason(
    hasty: Office, provider: ScriptedProvider
) -> None:
    base = await scripted_base(hasty, provider, FIRST)
    await base.behave(FIRST, "scripted-429")

    fed = await base.learn("Leave", LEAVE)

    assert fed["run"]["status"] == "failed"
    assert fed["run"]["attempt"] == 2
    assert fed["run"]["error"]["code"] == "provider_rate_limited"
    assert fed["run"]["error"]["stage"] == fed["run"]["stage"] == "embedding"
    assert (await hasty.get(f"/v1/sources/{fed['source']['id']}"))["status"] == "failed"


async def test_a_permanent_fault_ends_the_run_at_once_and_a_retry_goes_on_where_it_stopped(
    tenant: Office, provider: ScriptedProvider
) -> None:
    base = await scripted_base(tenant, provider, FIRST)
    await base.behave(FIRST, "scripted-401")
    fed = await base.learn("Leave", LEAVE)
    assert (fed["run"]["status"], fed["run"]["attempt"]) == ("failed", 1)
    assert fed["run"]["error"]["code"] == "provider_auth_failed"
    (document,) = (await tenant.get("/v1/documents"))["items"]
    (version,) = (await tenant.get(f"/v1/documents/{document['id']}/versions"))["items"]
    assert version["status"] == "failed"
    await base.behave(FIRST, "scripted-good")

    retried = await tenant.call("POST", f"/v1/runs/{fed['run']['id']}/retry")

    assert retried.status_code == 202
    assert (retried.json()["id"], retried.json()["attempt"]) == (fed["run"]["id"], 2)
    run = await tenant.ended(fed["run"]["id"])
    assert (run["status"], run["attempt"], run["error"]) == ("succeeded", 2, None)
    (again,) = (await tenant.get(f"/v1/documents/{document['id']}/versions"))["items"]
    assert (again["id"], again["status"]) == (version["id"], "active")


async def test_a_model_that_fails_is_named_and_the_others_go_on(tenant: Office, provider: ScriptedProvider) -> None:
    base = await scripted_base(tenant, provider, FIRST, SECOND)
    await base.behave(SECOND, "scripted-401")

    fed = await base.learn("Leave", LEAVE)

    assert fed["run"]["status"] == "partial"
    assert fed["run"]["error"]["code"] == "embedding_failed"
    assert SECOND in fed["run"]["error"]["message"]
    assert FIRST not in fed["run"]["error"]["message"]
    assert (await tenant.get(f"/v1/sources/{fed['source']['id']}"))["status"] == "partial"
    assert len((await tenant.search("annual leave", knowledge_base_ids=[base.id]))["results"]) == 1

    await base.behave(SECOND, "scripted-good")
    provider.log.requests.clear()
    await tenant.post(f"/v1/runs/{fed['run']['id']}/retry")
    assert (await tenant.ended(fed["run"]["id"]))["status"] == "succeeded"
    assert (await tenant.get(f"/v1/sources/{fed['source']['id']}"))["status"] == "ready"
    assert embedded_texts(provider, "embed-64") == []


async def test_a_model_that_stays_away_does_not_take_the_others_along(
    hasty: Office, provider: ScriptedProvider
) -> None:
    base = await scripted_base(hasty, provider, FIRST, SECOND)
    await base.behave(FIRST, "scripted-500")

    fed = await base.learn("Leave", LEAVE)

    assert (fed["run"]["status"], fed["run"]["error"]["code"]) == ("partial", "embedding_failed")
    assert len((await hasty.search("annual leave", knowledge_base_ids=[base.id]))["results"]) == 1


async def test_a_failed_run_takes_nothing_from_the_version_that_is_active(
    tenant: Office, provider: ScriptedProvider
) -> None:
    base = await scripted_base(tenant, provider, FIRST)
    good = await base.learn("Leave", LEAVE, external_id="leave")
    await base.behave(FIRST, "scripted-401")

    bad = await base.learn("Leave", "No leave at all.", external_id="leave")

    assert bad["run"]["status"] == "failed"
    assert (await tenant.get(f"/v1/sources/{good['source']['id']}"))["status"] == "ready"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("broken.pdf", b"%PDF-1.7\nthis is not a document", "document_damaged"),
        ("blank.html", b"<html><body><p> </p></body></html>", "no_text"),
    ],
)
async def test_a_document_that_cannot_be_read_fails_at_once(
    tenant: Office, name: str, content: bytes, code: str
) -> None:
    fed = await tenant.upload(name, content)
    assert (fed["run"]["status"], fed["run"]["attempt"]) == ("failed", 1)
    assert (fed["run"]["error"]["code"], fed["run"]["error"]["stage"]) == (code, "parsing")


async def test_pages_without_text_make_a_run_partial_and_are_named(tenant: Office) -> None:
    fed = await tenant.upload("half.pdf", a_scanned_pdf(3, text_on=[2]))

    assert fed["run"]["status"] == "partial", fed["run"]
    assert (fed["run"]["error"]["code"], fed["run"]["error"]["stage"]) == ("pages_without_text", "parsing")
    assert fed["run"]["error"]["message"].startswith("Pages 1, 3 ")
    assert fed["run"]["counts"]["pages"] == 3
    assert (await tenant.get(f"/v1/sources/{fed['source']['id']}"))["status"] == "partial"


async def test_a_scan_without_any_text_fails_and_says_what_to_do(tenant: Office) -> None:
    fed = await tenant.upload("scan.pdf", a_scanned_pdf(2))
    assert (fed["run"]["status"], fed["run"]["error"]["code"]) == ("failed", "no_text")
    assert "OCR" in fed["run"]["error"]["message"]


async def test_a_document_that_kills_its_parser_twice_is_quarantined(tenant: Office) -> None:
    deaths = 0

    async def kill_parsers() -> None:
        nonlocal deaths
        while True:
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    if "parser_child" in " ".join(child.cmdline()):
                        child.kill()
                        deaths += 1
            await asyncio.sleep(0.01)

    killer = asyncio.create_task(kill_parsers())
    try:
        fed = await tenant.upload("long.md", long_text(2000).encode())
    finally:
        killer.cancel()

    assert deaths >= 2
    assert (fed["run"]["status"], fed["run"]["attempt"]) == ("failed", 2)
    assert fed["run"]["error"]["code"] == "document_quarantined"
    other = await (await tenant.house.tenant("Other")).learn("Leave", LEAVE)
    assert other["run"]["status"] == "succeeded"


async def test_the_events_of_a_tenant_tell_how_its_runs_went(tenant: Office, provider: ScriptedProvider) -> None:
    base = await scripted_base(tenant, provider, FIRST)
    good = await base.learn("Leave", LEAVE)
    await base.behave(FIRST, "scripted-401")
    bad = await base.learn("Pumps", "A pump.")

    events = (await tenant.get("/v1/events"))["items"]

    told = [(event["type"], event["subject"]) for event in reversed(events) if not event["type"].startswith("document")]
    assert told == [
        ("source.created", good["source"]["id"]),
        ("run.started", good["run"]["id"]),
        ("run.succeeded", good["run"]["id"]),
        ("source.created", bad["source"]["id"]),
        ("run.started", bad["run"]["id"]),
        ("run.failed", bad["run"]["id"]),
    ]
    assert events[0]["data"] == bad["run"]


async def until(
    tenant: Office, run_id: str, wanted: Callable[[dict[str, Any]], bool], within_s: float = 20
) -> dict[str, Any]:
    """The run as soon as ``wanted`` says yes."""
    deadline = time.monotonic() + within_s
    while not wanted(run := await tenant.get(f"/v1/runs/{run_id}")):
        assert time.monotonic() < deadline, f"It did not come to that: {run}"
        await asyncio.sleep(0.02)
    return run
