"""Documents, their versions and what they say, through the door."""

from typing import Any
from uuid import UUID

from sqlmodel import col

from app.adapters.vector_store.port import EmbeddingSpace
from app.kit.ownership import owned_update
from app.knowledge.model_list import EMBEDDED
from app.knowledge.models import DocumentVersion, VersionStatus
from tests.support.house import House, Office

SPACE = EmbeddingSpace(EMBEDDED.model, EMBEDDED.dimension)
GUIDE = "# Leave\n\nEveryone has thirty days.\n\n## Parents\n\nParents have six months more.\n"


async def two_versions(office: Office, **fields: Any) -> tuple[str, str, str]:
    """A document with an old and a new version; the ids of document, old and new one."""
    for days in ("Twenty", "Thirty"):
        learned = await office.learn("Leave", f"{days} days of paid leave.", external_id="leave", **fields)
    (document,) = (await office.get("/v1/documents", source_id=learned["source"]["id"]))["items"]
    new, old = (await office.get(f"/v1/documents/{document['id']}/versions"))["items"]
    return document["id"], old["id"], new["id"]


async def contents(office: Office, query: str = "days of paid leave") -> list[str]:
    return [result["content"] for result in (await office.search(query))["results"]]


async def test_versions_keep_their_history_and_one_is_active(any_house: House) -> None:
    office = await any_house.tenant()
    document_id, old, new = await two_versions(office)
    versions = (await office.get(f"/v1/documents/{document_id}/versions"))["items"]
    assert [(version["id"], version["version"], version["status"]) for version in versions] == [
        (new, 2, "active"),
        (old, 1, "superseded"),
    ]
    assert len({version["content_hash"] for version in versions}) == 2
    document = await office.get(f"/v1/documents/{document_id}")
    assert document["active_version_id"] == new
    assert {"id", "title", "source_id", "knowledge_base_id", "external_id", "metadata", "created_at"} <= set(document)


async def test_a_retired_version_speaks_again_without_being_paid_for(any_house: House) -> None:
    office = await any_house.tenant()
    document_id, old, new = await two_versions(office)
    assert await contents(office) == ["Thirty days of paid leave."]
    document = await office.post(f"/v1/documents/{document_id}/versions/{old}/activate")
    assert document["active_version_id"] == old
    assert await contents(office) == ["Twenty days of paid leave."]
    assert await any_house.runtime.vectors.count(UUID(office.id), SPACE) == 1
    again = await office.post(f"/v1/documents/{document_id}/versions/{old}/activate")
    assert again["active_version_id"] == old
    events = [event for event in (await office.get("/v1/events"))["items"] if event["type"] == "document.activated"]
    assert [event["data"]["version"] for event in events] == [1, 2, 1]
    assert events[0]["subject"] == document_id
    versions = (await office.get(f"/v1/documents/{document_id}/versions"))["items"]
    assert [(version["id"], version["status"]) for version in versions] == [(new, "superseded"), (old, "active")]


async def test_a_deactivated_document_is_silent_and_kept(any_house: House) -> None:
    office = await any_house.tenant()
    document_id, _, new = await two_versions(office)
    for _ in range(2):
        document = await office.post(f"/v1/documents/{document_id}/deactivate")
        assert document["active_version_id"] is None
    assert await contents(office) == []
    assert await any_house.runtime.vectors.count(UUID(office.id), SPACE) == 0
    types = [event["type"] for event in (await office.get("/v1/events"))["items"]]
    assert types.count("document.deactivated") == 1
    await office.post(f"/v1/documents/{document_id}/versions/{new}/activate")
    assert await contents(office) == ["Thirty days of paid leave."]


async def test_a_staged_version_waits_outside_the_index(any_house: House) -> None:
    office = await any_house.tenant()
    learned = await office.learn("Leave", "Twenty days of paid leave.", external_id="leave", activate=False)
    assert learned["run"]["status"] == "succeeded"
    (document,) = (await office.get("/v1/documents"))["items"]
    assert document["active_version_id"] is None
    assert await any_house.runtime.vectors.count(UUID(office.id), SPACE) == 0
    (version,) = (await office.get(f"/v1/documents/{document['id']}/versions"))["items"]
    assert version["status"] == "staged"
    await office.post(f"/v1/documents/{document['id']}/versions/{version['id']}/activate")
    assert await contents(office) == ["Twenty days of paid leave."]


async def test_another_documents_version_cannot_be_activated(tenant: Office) -> None:
    document_id, _, _ = await two_versions(tenant)
    await tenant.learn("Travel", "Trains first.")
    (other,) = (await tenant.get("/v1/documents", q="travel"))["items"]
    for version_id in (other["active_version_id"], "nonsense", document_id):
        path = f"/v1/documents/{document_id}/versions/{version_id}/activate"
        assert (await tenant.call("POST", path)).status_code == 404
        if version_id != other["active_version_id"]:
            continue
        for part in ("chunks", "text", "file"):
            response = await tenant.call(
                "GET", f"/v1/documents/{document_id}/{part}", params={"version_id": version_id}
            )
            assert response.status_code == 404


async def test_chunks_text_and_file_agree_with_each_other(any_house: House) -> None:
    office = await any_house.tenant()
    await office.upload('größe "1".md', GUIDE.encode(), title="Leave guide")
    (document,) = (await office.get("/v1/documents"))["items"]
    path = f"/v1/documents/{document['id']}"
    text = await office.call("GET", f"{path}/text")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    chunks = (await office.get(f"{path}/chunks"))["items"]
    assert chunks
    for chunk in chunks:
        assert chunk["content"] == chunk["prefix"] + text.text[chunk["char_start"] : chunk["char_end"]]
        assert chunk["version_id"] == document["active_version_id"]
    file = await office.call("GET", f"{path}/file")
    assert file.content == GUIDE.encode()
    assert file.headers["content-disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22.md" in file.headers["content-disposition"]
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["content-length"] == str(len(GUIDE.encode()))


async def test_chunks_come_in_reading_order_page_by_page(tenant: Office) -> None:
    rule = "Every rule has its own reason and its own exception. " * 40
    long_text = "\n\n".join(f"Rule {n}. {rule}" for n in range(12))
    await tenant.learn("Rules", long_text)
    (document,) = (await tenant.get("/v1/documents"))["items"]
    path, seen, cursor = f"/v1/documents/{document['id']}/chunks", [], None
    while True:
        page = await tenant.get(path, limit=3, **({"cursor": cursor} if cursor else {}))
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [chunk["ordinal"] for chunk in seen] == list(range(len(seen)))
    assert len(seen) > 6


async def test_an_older_versions_words_can_still_be_read(tenant: Office) -> None:
    document_id, old, _ = await two_versions(tenant)
    path = f"/v1/documents/{document_id}"
    assert (await tenant.call("GET", f"{path}/text", params={"version_id": old})).text == "Twenty days of paid leave."
    assert (
        await tenant.call("GET", f"{path}/file", params={"version_id": old})
    ).content == b"Twenty days of paid leave."
    (chunk,) = (await tenant.get(f"{path}/chunks", version_id=old))["items"]
    assert chunk["content"] == "Twenty days of paid leave."


async def test_deleting_a_document_leaves_its_source_which_can_be_ingested_again(any_house: House) -> None:
    office = await any_house.tenant()
    document_id, _, _ = await two_versions(office)
    assert await office.delete(f"/v1/documents/{document_id}") == 204
    for path in ("", "/versions", "/text", "/chunks", "/file"):
        assert (await office.call("GET", f"/v1/documents/{document_id}{path}")).status_code == 404
    assert (await office.call("DELETE", f"/v1/documents/{document_id}")).status_code == 404
    assert await contents(office) == []
    assert await any_house.runtime.vectors.count(UUID(office.id), SPACE) == 0
    (source,) = (await office.get("/v1/sources"))["items"]
    run = await office.post(f"/v1/sources/{source['id']}/ingest")
    assert (await office.ended(run.get("run", run)["id"]))["status"] == "succeeded"
    assert await contents(office) == ["Thirty days of paid leave."]


async def test_a_failed_version_cannot_be_activated(tenant: Office) -> None:
    document_id, old, _ = await two_versions(tenant)
    owner = UUID(tenant.id)
    for values, code in (
        ({"status": VersionStatus.FAILED}, "version_not_ready"),
        ({"status": VersionStatus.STAGED, "complete": False}, "version_not_ready"),
    ):
        async with tenant.house.runtime.database.transaction(owner) as session:
            mine = owned_update(owner, DocumentVersion).where(col(DocumentVersion.id) == UUID(old))
            await session.exec(mine.values(**values))
        response = await tenant.call("POST", f"/v1/documents/{document_id}/versions/{old}/activate")
        assert (response.status_code, response.json()["code"]) == (409, code)


async def test_another_tenants_document_is_not_found(house: House) -> None:
    ours, theirs = await house.tenant("Ours"), await house.tenant("Theirs")
    document_id, old, _ = await two_versions(theirs)
    path = f"/v1/documents/{document_id}"
    for method, what in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/versions"),
        ("GET", "/chunks"),
        ("GET", "/text"),
        ("GET", "/file"),
        ("POST", "/deactivate"),
        ("POST", f"/versions/{old}/activate"),
    ):
        assert (await ours.call(method, path + what)).status_code == 404, what
    for query in ({}, {"source_id": (await theirs.get(path))["source_id"]}, {"q": "leave"}):
        assert (await ours.get("/v1/documents", **query))["items"] == []
