"""Sources through the door: read, changed, deleted, and which submission belongs to which."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from app.adapters.vector_store.port import EmbeddingSpace
from app.knowledge.model_list import EMBEDDED
from tests.support.house import House, Office

SPACE = EmbeddingSpace(EMBEDDED.model, EMBEDDED.dimension)
FIELDS = {
    "id",
    "type",
    "title",
    "status",
    "knowledge_base_id",
    "external_id",
    "url",
    "metadata",
    "refresh",
    "created_at",
    "updated_at",
}


async def versions_of(office: Office, source_id: str) -> list[int]:
    (document,) = (await office.get("/v1/documents", source_id=source_id))["items"]
    return [version["version"] for version in (await office.get(f"/v1/documents/{document['id']}/versions"))["items"]]


async def test_a_source_reads_as_it_was_accepted(any_house: House) -> None:
    office = await any_house.tenant()
    learned = await office.learn("Leave", "Thirty days.", external_id="hr-1", metadata={"team": "hr", "tags": ["a"]})
    source = await office.get(f"/v1/sources/{learned['source']['id']}")
    assert set(source) == FIELDS
    assert source["status"] == "ready"
    assert (source["type"], source["title"], source["external_id"], source["refresh"]) == (
        "text", "Leave", "hr-1", "none"
    )  # fmt: skip
    assert source["metadata"] == {"team": "hr", "tags": ["a"]}
    assert source["created_at"].endswith("Z")


async def test_lists_are_narrowed_by_what_is_asked(tenant: Office) -> None:
    base = await tenant.post("/v1/knowledge-bases", {"name": "Other"})
    await tenant.learn("Leave policy", "Thirty days.", external_id="hr-1")
    await tenant.learn("Travel policy", "Trains first.")
    await tenant.learn("100%_sure", "Yes.", knowledge_base_id=base["id"])

    async def titles(**query: Any) -> list[str]:
        return [source["title"] for source in (await tenant.get("/v1/sources", **query))["items"]]

    assert await titles() == ["100%_sure", "Travel policy", "Leave policy"]
    assert await titles(knowledge_base_id=base["id"]) == ["100%_sure"]
    assert await titles(q="POLICY") == ["Travel policy", "Leave policy"]
    assert await titles(q="%") == ["100%_sure"]
    assert await titles(external_id="hr-1") == ["Leave policy"]
    assert await titles(status="failed") == []
    assert await titles(type="file") == []
    for wrong in ({"status": "lost"}, {"q": "a\x00b"}, {"external_id": "\x00"}, {"limit": 0}, {"cursor": "x"}):
        assert (await tenant.call("GET", "/v1/sources", params=wrong)).status_code == 422, wrong
    assert (await tenant.call("GET", "/v1/sources", params={"knowledge_base_id": "x"})).status_code == 404


async def test_the_same_bytes_are_the_same_source_with_its_new_title_and_metadata(any_house: House) -> None:
    office = await any_house.tenant()
    first = await office.learn("Leave", "Thirty days of leave.", metadata={"year": 2024})
    again = await office.learn("Leave 2025", "Thirty days of leave.", metadata={"year": 2025})
    assert again["source"]["id"] == first["source"]["id"]
    assert again["run"]["status"] == "skipped"
    assert again["source"]["title"] == "Leave 2025"
    (document,) = (await office.get("/v1/documents"))["items"]
    assert (document["title"], document["metadata"]) == ("Leave 2025", {"year": 2025})
    found = await office.search("days of leave", filter={"metadata": {"year": 2025}})
    assert [result["metadata"] for result in found["results"]] == [{"year": 2025}]
    assert (await office.search("days of leave", filter={"metadata": {"year": 2024}}))["results"] == []


async def test_other_bytes_are_another_source_and_an_external_id_is_the_same_one(tenant: Office) -> None:
    one = await tenant.learn("Leave", "Thirty days.")
    two = await tenant.learn("Leave", "Thirty-one days.")
    assert one["source"]["id"] != two["source"]["id"]
    named = await tenant.learn("Leave", "Twenty days.", external_id="leave")
    renewed = await tenant.learn("Leave", "Twenty-five days.", external_id="leave")
    assert named["source"]["id"] == renewed["source"]["id"]
    assert renewed["run"]["status"] == "succeeded"
    assert await versions_of(tenant, named["source"]["id"]) == [2, 1]


async def test_bytes_that_were_replaced_no_longer_name_their_source(tenant: Office) -> None:
    named = await tenant.learn("Leave", "Twenty days.", external_id="leave")
    await tenant.learn("Leave", "Twenty-five days.", external_id="leave")
    old_bytes = await tenant.learn("Leave", "Twenty days.")
    assert old_bytes["source"]["id"] != named["source"]["id"]


async def test_the_same_submission_sent_twice_at_once_makes_one_source(any_house: House) -> None:
    office = await any_house.tenant()
    bodies = await asyncio.gather(*(office.learn("Leave", "Thirty days.", wait=False) for _ in range(6)))
    assert len({body["source"]["id"] for body in bodies}) == 1
    await asyncio.gather(*(office.ended(body["run"]["id"]) for body in bodies))
    assert len((await office.get("/v1/documents"))["items"]) == 1


async def test_a_change_reaches_the_document_and_the_filters_of_a_search(any_house: House) -> None:
    office = await any_house.tenant()
    learned = await office.learn("Leave", "Thirty days of leave.", metadata={"team": "hr"})
    path = f"/v1/sources/{learned['source']['id']}"
    changed = await office.patch(
        path, {"title": "Holidays", "metadata": {"team": "people", "old": False}, "external_id": "h"}
    )
    assert (changed["title"], changed["external_id"]) == ("Holidays", "h")
    (document,) = (await office.get("/v1/documents"))["items"]
    assert (document["title"], document["metadata"], document["external_id"]) == (
        "Holidays", {"team": "people", "old": False}, "h"
    )  # fmt: skip
    for team, count in (("people", 1), ("hr", 0)):
        found = await office.search(
            "days of leave",
            filter={
                "metadata": {
                    "team": team,
                }
            },
        )
        assert len(found["results"]) == count
    assert [result["document"]["title"] for result in (await office.search("holidays"))["results"]] == ["Holidays"]


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"title": ""}, 422, "title"),
        ({"title": "a\u0000"}, 422, "title"),
        ({"metadata": {"a": {"b": 1}}}, 422, "metadata"),
        ({"refresh": "daily"}, 422, "refresh"),
        ({"refresh": "yearly"}, 422, "refresh"),
        ({"status": "ready"}, 422, "status"),
        ({"external_id": "taken"}, 409, None),
    ],
)
async def test_a_change_that_cannot_be_is_refused(
    tenant: Office, body: dict[str, Any], status: int, path: str | None
) -> None:
    await tenant.learn("First", "One.", external_id="taken")
    learned = await tenant.learn("Leave", "Thirty days.")
    response = await tenant.call("PATCH", f"/v1/sources/{learned['source']['id']}", json=body)
    assert response.status_code == status, response.text
    if path is not None:
        assert response.json()["errors"][0]["path"].startswith(path)
    assert (await tenant.get(f"/v1/sources/{learned['source']['id']}"))["title"] == "Leave"


async def test_deleting_a_source_leaves_no_row_vector_or_file_of_it(any_house: House) -> None:
    office = await any_house.tenant()
    kept = await office.learn("Travel", "Trains first.")
    learned = await office.learn("Leave", "Thirty days.", external_id="leave")
    await office.learn("Leave", "Forty days.", external_id="leave")
    path = f"/v1/sources/{learned['source']['id']}"
    assert await office.delete(path) == 204
    assert (await office.call("DELETE", path)).status_code == 404
    assert [source["id"] for source in (await office.get("/v1/sources"))["items"]] == [kept["source"]["id"]]
    assert [document["title"] for document in (await office.get("/v1/documents"))["items"]] == ["Travel"]
    assert await any_house.runtime.vectors.count(UUID(office.id), SPACE) == 1
    assert len(list(any_house.runtime.blobs.path(office.id).glob("uploads/*"))) == 1
    assert [result["document"]["title"] for result in (await office.search("days"))["results"]] == ["Travel"]
    newest = (await office.get("/v1/events"))["items"][0]
    assert (newest["type"], newest["subject"]) == ("source.deleted", learned["source"]["id"])


async def test_another_tenants_source_is_not_found(house: House) -> None:
    ours, theirs = await house.tenant("Ours"), await house.tenant("Theirs")
    learned = await theirs.learn("Leave", "Thirty days.")
    path = f"/v1/sources/{learned['source']['id']}"
    for method, options in (("GET", {}), ("PATCH", {"json": {"title": "Mine"}}), ("DELETE", {})):
        assert (await ours.call(method, path, **options)).status_code == 404
    assert (await ours.get("/v1/sources"))["items"] == []
    assert (await theirs.get(path))["title"] == "Leave"
