"""Feeding through the door: what is sent becomes a source, a run and, soon after, something that is found."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.ingestion.worker import Ingester
from tests.ingestion.kitchen import embedded_texts, long_text, scripted_base
from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider

LEAVE = "Every employee has thirty days of annual leave."


def files_kept(house: House) -> list[Path]:
    """What lies in the blob store."""
    root = house.runtime.settings.data_dir / "files"
    return [path for path in root.rglob("*") if path.is_file()]


async def send(tenant: Office, body: bytes | str, content_type: str, **headers: str) -> httpx.Response:
    return await tenant.call("POST", "/v1/sources", content=body, headers={"Content-Type": content_type, **headers})


async def test_a_text_is_found_after_its_run(any_house: House) -> None:
    tenant = await any_house.tenant()

    fed = await tenant.learn("Leave", LEAVE)

    assert fed["source"]["type"] == "text"
    assert fed["run"]["status"] == "succeeded", fed["run"]
    assert fed["run"]["error"] is None
    counts = fed["run"]["counts"]
    assert (counts["documents"], counts["pages"], counts["chunks"], counts["embeddings"]) == (1, 1, 1, 1)
    assert counts["tokens"] > 0
    found = await tenant.search("How many days of leave?")
    assert "thirty days" in found["results"][0]["content"]
    assert (await tenant.get(f"/v1/sources/{fed['source']['id']}"))["status"] == "ready"


async def test_a_file_is_found_with_its_metadata(any_house: House) -> None:
    tenant = await any_house.tenant()

    fed = await tenant.upload(
        "rules.md", f"# Leave\n\n{LEAVE}".encode(), title="House rules", metadata=json.dumps({"team": "hr"})
    )

    assert (fed["source"]["type"], fed["source"]["title"], fed["source"]["metadata"]) == (
        "file", "House rules", {"team": "hr"},
    )  # fmt: skip
    assert fed["run"]["status"] == "succeeded", fed["run"]
    found = await tenant.search("annual leave", filter={"metadata": {"team": "hr"}})
    assert found["results"][0]["heading_path"] == ["Leave"]
    assert (await tenant.search("annual leave", filter={"metadata": {"team": "it"}}))["results"] == []


async def test_feeding_is_answered_at_once_and_the_same_bytes_are_skipped(tenant: Office) -> None:
    first = await tenant.call("POST", "/v1/sources", files={"file": ("a.txt", LEAVE.encode())})
    assert (first.status_code, first.json()["run"]["status"]) == (202, "queued")
    await tenant.ended(first.json()["run"]["id"])

    again = await tenant.call("POST", "/v1/sources", files={"file": ("b.txt", LEAVE.encode())}, data={"title": "New"})

    assert (again.status_code, again.json()["run"]["status"]) == (200, "skipped")
    assert again.json()["source"]["id"] == first.json()["source"]["id"]
    assert again.json()["source"]["title"] == "New"
    assert len(files_kept(tenant.house)) == 1
    assert await tenant.get(f"/v1/runs/{again.json()['run']['id']}") == again.json()["run"]


async def test_an_external_id_makes_versions_of_one_document(any_house: House) -> None:
    tenant = await any_house.tenant()
    first = await tenant.learn("Leave", "There are thirty days of leave.", external_id="leave")

    second = await tenant.learn("Leave", "There are forty days of leave.", external_id="leave")

    assert second["source"]["id"] == first["source"]["id"]
    (document,) = (await tenant.get("/v1/documents"))["items"]
    versions = (await tenant.get(f"/v1/documents/{document['id']}/versions"))["items"]
    assert [(version["version"], version["status"]) for version in versions] == [(2, "active"), (1, "superseded")]
    found = await tenant.search("days of leave")
    assert ["forty" in result["content"] for result in found["results"]] == [True]


async def test_a_staged_version_is_complete_but_not_found_until_it_is_activated(tenant: Office) -> None:
    fed = await tenant.learn("Leave", LEAVE, activate=False)

    assert fed["run"]["status"] == "succeeded"
    assert (await tenant.search("annual leave"))["results"] == []
    (document,) = (await tenant.get("/v1/documents"))["items"]
    (version,) = (await tenant.get(f"/v1/documents/{document['id']}/versions"))["items"]
    assert version["status"] == "staged"
    await tenant.post(f"/v1/documents/{document['id']}/versions/{version['id']}/activate")
    assert len((await tenant.search("annual leave"))["results"]) == 1


async def test_ingesting_again_is_skipped_unless_forced_and_then_pays_for_nothing(
    tenant: Office, provider: ScriptedProvider
) -> None:
    base = await scripted_base(tenant, provider, "openai/embed-64")
    fed = await base.learn("Pumps", long_text(5))
    paid = embedded_texts(provider)

    same = await tenant.post(f"/v1/sources/{fed['source']['id']}/ingest")
    assert (await tenant.ended(same["run"]["id"]))["status"] == "skipped"
    forced = await tenant.post(f"/v1/sources/{fed['source']['id']}/ingest?force=true")
    run = await tenant.ended(forced["id"])

    assert run["status"] == "succeeded"
    assert run["counts"]["chunks_reused"] == run["counts"]["chunks"] == fed["run"]["counts"]["chunks"]
    assert (run["counts"]["embeddings"], run["counts"]["tokens"]) == (0, 0)
    assert run["counts"]["tokens_saved"] == fed["run"]["counts"]["tokens"] > 0
    assert embedded_texts(provider) == paid


async def test_a_changed_document_pays_for_what_changed(tenant: Office, provider: ScriptedProvider) -> None:
    base = await scripted_base(tenant, provider, "openai/embed-64")
    text = long_text(12)
    first = await base.upload("pumps.md", text.encode(), external_id="pumps")
    provider.log.requests.clear()

    changed = text.replace("pump 7 opens", "pump 7 never opens").encode()
    second = await base.upload("pumps.md", changed, external_id="pumps")

    counts = second["run"]["counts"]
    assert 0 < counts["embeddings"] <= 2 < first["run"]["counts"]["chunks"]
    assert counts["chunks_reused"] + counts["embeddings"] == counts["chunks"]
    assert len(embedded_texts(provider)) == counts["embeddings"]


async def test_a_repeated_request_gets_the_first_answer_and_does_the_work_once(tenant: Office) -> None:
    body = {"type": "text", "title": "Leave", "content": LEAVE}
    headers = {"Idempotency-Key": "k1"}

    answers = await asyncio.gather(*(tenant.call("POST", "/v1/sources", json=body, headers=headers) for _ in range(4)))

    assert {(answer.status_code, answer.json()["run"]["id"]) for answer in answers} == {
        (202, answers[0].json()["run"]["id"])
    }
    assert len((await tenant.get("/v1/runs"))["items"]) == 1
    other = await tenant.call("POST", "/v1/sources", json={**body, "content": "Else."}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert len(files_kept(tenant.house)) == 1


async def test_bytes_that_wait_already_are_kept_once(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    first = await tenant.upload("a.txt", LEAVE.encode(), wait=False)

    second = await tenant.upload("a.txt", LEAVE.encode(), wait=False)

    assert second["source"]["id"] == first["source"]["id"]
    assert len(files_kept(idle_house)) == 1
    while await Ingester(idle_house.runtime.ingestion).work():
        pass
    ended = [(await tenant.get(f"/v1/runs/{fed['run']['id']}"))["status"] for fed in (first, second)]
    assert ended == ["succeeded", "skipped"]


async def test_a_repeated_upload_is_recognised_whatever_its_boundary(tenant: Office) -> None:
    headers = {"Idempotency-Key": "k2"}
    answers = [
        await tenant.call("POST", "/v1/sources", files={"file": ("a.txt", LEAVE.encode())}, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert len((await tenant.get("/v1/sources"))["items"]) == 1


FORM = "multipart/form-data; boundary=b"
PART = '--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


def form(*parts: tuple[str, str, str]) -> str:
    return "".join(PART.format(name=name, more=more, value=value) for name, more, value in parts) + "--b--\r\n"


A_FILE = ("file", '; filename="a.txt"', LEAVE)

REFUSED: list[tuple[str, Any, str, int, str]] = [
    ("no body", "", "application/json", 400, ""),
    ("not JSON", "{", "application/json", 400, ""),
    ("another content type", "x", "text/plain", 415, ""),
    ("no type", "{}", "application/json", 422, "type"),
    ("a list", "[]", "application/json", 422, "body"),
    ("no content", '{"type":"text","title":"T"}', "application/json", 422, "content"),
    ("empty content", '{"type":"text","title":"T","content":""}', "application/json", 422, "content"),
    ("blank content", '{"type":"text","title":"T","content":" \\n "}', "application/json", 422, "content"),
    ("NUL in the title", '{"type":"text","title":"T\\u0000","content":"c"}', "application/json", 422, "title"),
    ("a surrogate", '{"type":"text","title":"T","content":"\\ud800"}', "application/json", 422, "content"),
    ("an unknown field", '{"type":"text","title":"T","content":"c","x":1}', "application/json", 422, "x"),
    ("a source on the web", '{"type":"url","url":"https://example.org"}', "application/json", 422, "type"),
    ("an unknown type", '{"type":"mail"}', "application/json", 422, "type"),
    ("a malformed base", form(A_FILE, ("knowledge_base_id", "", "x")), FORM, 404, ""),
    ("no boundary", form(A_FILE), "multipart/form-data", 400, ""),
    ("a form cut off", form(A_FILE)[:-12], FORM, 400, ""),
    ("no file", form(("title", "", "T")), FORM, 422, "file"),
    ("a file that is text", form(("file", "", "x")), FORM, 422, "file"),
    ("two files", form(A_FILE, A_FILE), FORM, 422, "file"),
    ("an empty file", form(("file", '; filename="a.txt"', "")), FORM, 422, "file"),
    ("binary named txt", form(("file", '; filename="a.txt"', "\x7fELF\x02\x01\x01\x00\x00\x00")), FORM, 415, ""),
    ("a field twice", form(A_FILE, ("title", "", "T"), ("title", "", "U")), FORM, 422, "title"),
    ("an unknown field in a form", form(A_FILE, ("colour", "", "red")), FORM, 422, "colour"),
    ("metadata that is no JSON", form(A_FILE, ("metadata", "", "{")), FORM, 400, ""),
    ("metadata that is a list", form(A_FILE, ("metadata", "", "[]")), FORM, 422, "metadata"),
    ("activate that is neither", form(A_FILE, ("activate", "", "maybe")), FORM, 422, "activate"),
    ("a long field", form(A_FILE, ("title", "", "T" * 70_000)), FORM, 422, "title"),
    ("refresh of a file", form(A_FILE, ("refresh", "", "daily")), FORM, 422, "refresh"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "content_type", "status", "path"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
async def test_what_is_wrong_is_refused_and_nothing_is_kept(
    tenant: Office, body: str, content_type: str, status: int, path: str
) -> None:
    answer = await send(tenant, body, content_type)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if path:
        assert answer.json()["errors"][0]["path"] == path
    assert files_kept(tenant.house) == []
    assert (await tenant.get("/v1/sources"))["items"] == []


@pytest.mark.parametrize("sends", ["file", "text"])
async def test_too_much_is_refused(tenant: Office, sends: str) -> None:
    much = b"a" * (tenant.house.runtime.settings.max_upload_bytes + 1)
    if sends == "file":
        answer = await tenant.call("POST", "/v1/sources", files={"file": ("a.txt", much)})
    else:
        answer = await send(tenant, b'{"type":"text","title":"T","content":"' + much + b'"}', "application/json")
    assert answer.status_code == 413
    assert files_kept(tenant.house) == []


async def test_an_unknown_base_and_another_tenants_are_the_same_404(tenant: Office) -> None:
    other = await tenant.house.tenant("Other")
    unknown = "018f0000-0000-7000-8000-000000000000"
    for base in (other.knowledge_base_id, unknown):
        answer = await tenant.call(
            "POST", "/v1/sources", json={"type": "text", "title": "T", "content": "c", "knowledge_base_id": base}
        )
        assert answer.status_code == 404
    assert files_kept(tenant.house) == []


async def test_the_schema_shows_both_bodies(tenant: Office) -> None:
    schema = await tenant.get("/schema/openapi.json")
    bodies = schema["paths"]["/v1/sources"]["post"]["requestBody"]["content"]
    assert set(bodies) == {"multipart/form-data", "application/json"}
    assert "file" in bodies["multipart/form-data"]["schema"]["required"]
    assert set(schema["paths"]["/v1/sources"]["post"]["responses"]) >= {"200", "202", "413", "415", "422"}


async def test_newer_bytes_are_not_undone_by_a_run_that_took_longer(tenant: Office, provider: ScriptedProvider) -> None:
    base = await scripted_base(tenant, provider, "openai/embed-64")
    await base.behave("openai/embed-64", "scripted-401")
    old = await base.learn("Leave", "There are thirty days of leave.", external_id="leave")
    assert old["run"]["status"] == "failed"
    await base.behave("openai/embed-64", "scripted-good")
    await base.learn("Leave", "There are forty days of leave.", external_id="leave")

    await tenant.post(f"/v1/runs/{old['run']['id']}/retry")

    assert (await tenant.ended(old["run"]["id"]))["status"] == "succeeded"
    found = await tenant.search("days of leave", knowledge_base_ids=[base.id])
    assert ["forty" in result["content"] for result in found["results"]] == [True]
