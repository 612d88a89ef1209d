"""Knowledge bases and their embedding models, through the door."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from app.adapters.vector_store.port import EmbeddingSpace
from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider

LOCAL = "local/granite-embedding-30m-english"
BASES = "/v1/knowledge-bases"


async def a_base(office: Office, **fields: Any) -> dict[str, Any]:
    return await office.post(BASES, {"name": "Handbooks", **fields})


async def refused(office: Office, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    response = await office.call(method, path, json=body) if body is not None else await office.call(method, path)
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()


async def filled_in(office: Office, base_id: str, model: str) -> dict[str, Any]:
    """The model of the base once its backfill has ended."""
    for _ in range(400):
        base = await office.get(f"{BASES}/{base_id}")
        (found,) = [entry for entry in base["embedding_models"] if entry["model"] == model]
        if found["status"] != "backfilling":
            return found
        await asyncio.sleep(0.03)
    raise AssertionError(found)


async def test_a_new_base_uses_the_embedded_model_and_reads_as_it_was_made(any_house: House) -> None:
    office = await any_house.tenant()
    made = await a_base(office, description="What we do", chunking={"target_tokens": 200})
    assert made["chunking"] == {
        "parent_tokens": 1000,
        "target_tokens": 200,
        "max_tokens": 500,
        "hard_cap_tokens": 800,
        "overlap_tokens": 0,
    }
    (model,) = made["embedding_models"]
    assert (model["model"], model["dimension"], model["status"]) == (LOCAL, 384, "ready")
    assert (model["chunks_done"], model["chunks_total"], model["error"]) == (0, 0, None)
    assert made["is_default"] is False
    assert await office.get(f"{BASES}/{made['id']}") == made


async def test_bases_are_listed_newest_first_in_pages(tenant: Office) -> None:
    names = [(await a_base(tenant, name=f"Base {n}"))["name"] for n in range(3)]
    first = await tenant.get(BASES, limit=2)
    second = await tenant.get(BASES, limit=2, cursor=first["next_cursor"])
    listed = [item["name"] for item in first["items"] + second["items"]]
    assert listed == [*reversed(names), "Documents"]
    assert second["next_cursor"] is None


async def test_a_change_names_only_what_changes(tenant: Office) -> None:
    made = await a_base(tenant, description="Old")
    changed = await tenant.patch(f"{BASES}/{made['id']}", {"name": "New name"})
    assert changed == {**made, "name": "New name", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] >= made["updated_at"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x", "chunking": {"target_tokens": 1}}, "chunking.target_tokens"),
        ({"name": "x", "chunking": {"target_tokens": 500, "max_tokens": 400}}, "chunking.max_tokens"),
        ({"name": "x", "chunking": {"size": 1}}, "chunking.size"),
        ({"name": "x", "embedding_models": []}, "embedding_models"),
        ({"name": "x", "embedding_models": [{"model": LOCAL}, {"model": LOCAL}]}, "embedding_models.1.model"),
        (
            {"name": "x", "embedding_models": [{"model": "ollama/x", "api_base": "http://10.0.0.8:11434"}]},
            "embedding_models.0.api_base",
        ),
        ({"name": "nul\u0000"}, "name"),
        ({"name": "x", "colour": "red"}, "colour"),
    ],
)
async def test_wrong_fields_are_named_by_their_path(tenant: Office, body: dict[str, Any], path: str) -> None:
    status, problem = await refused(tenant, "POST", BASES, body)
    assert status == 422
    assert [field["path"] for field in problem["errors"]] == [path]


async def test_another_tenants_base_or_credential_is_not_found(house: House) -> None:
    ours, theirs = await house.tenant("Ours"), await house.tenant("Theirs")
    foreign = theirs.knowledge_base_id
    credential = await theirs.post("/v1/credentials", {"name": "k", "provider": "openai", "api_key": "sk-secret-1234"})
    with_key = {"name": "x", "embedding_models": [{"model": "openai/e", "credential_id": credential["id"]}]}
    for method, path, body in (
        ("GET", f"{BASES}/{foreign}", None),
        ("PATCH", f"{BASES}/{foreign}", {"name": "Mine"}),
        ("DELETE", f"{BASES}/{foreign}", None),
        ("GET", f"{BASES}/not-an-id", None),
        ("POST", BASES, with_key),
    ):
        status, problem = await refused(ours, method, path, body)
        assert (status, problem["code"]) == (404, "not_found"), (method, path)


async def test_a_model_nobody_knows_shows_its_dimension_once(tenant: Office, provider: ScriptedProvider) -> None:
    model = {"model": "openai/scripted-embed-48", "api_base": provider.openai_base}
    made = await a_base(tenant, embedding_models=[{"model": LOCAL}, model])
    assert [(entry["model"], entry["dimension"]) for entry in made["embedding_models"]] == [
        (LOCAL, 384),
        ("openai/scripted-embed-48", 48),
    ]
    assert len(provider.requests) == 1
    await a_base(tenant, name="Second", embedding_models=[model])
    assert len(provider.requests) == 1


async def test_a_provider_that_is_away_is_said_to_be_at_fault(tenant: Office) -> None:
    model = {"model": "openai/nowhere", "api_base": "http://127.0.0.1:9/v1"}
    status, problem = await refused(tenant, "POST", BASES, {"name": "x", "embedding_models": [model]})
    assert status == 502
    assert problem["code"] == "provider_error"
    assert [base["name"] for base in (await tenant.get(BASES))["items"]] == ["Documents"]


async def test_one_name_cannot_stand_for_two_dimensions(tenant: Office, provider: ScriptedProvider) -> None:
    async with ScriptedProvider(dimension=32) as other:
        await a_base(tenant, embedding_models=[{"model": "openai/mine", "api_base": provider.openai_base}])
        body = {"name": "x", "embedding_models": [{"model": "openai/mine", "api_base": other.openai_base}]}
        status, problem = await refused(tenant, "POST", BASES, body)
    assert (status, problem["code"]) == (409, "conflict")


async def test_an_added_model_is_filled_in_and_a_removed_one_loses_its_vectors(
    any_house: House, provider: ScriptedProvider
) -> None:
    office = await any_house.tenant()
    await office.learn("Leave", "Everyone has thirty days of paid leave each year.")
    path, added = f"{BASES}/{office.knowledge_base_id}", "openai/scripted-embed-24"
    both = [{"model": LOCAL}, {"model": added, "api_base": provider.openai_base}]
    changed = await office.patch(path, {"embedding_models": both})
    assert [entry["chunks_total"] for entry in changed["embedding_models"]] == [1, 1]
    assert changed["embedding_models"][0]["chunks_done"] == 1
    model = await filled_in(office, office.knowledge_base_id, added)
    assert (model["status"], model["chunks_done"]) == ("ready", 1)
    store = any_house.runtime.vectors
    space = EmbeddingSpace(added, 24)
    assert await store.count(UUID(office.id), space) == 1
    (left,) = (await office.patch(path, {"embedding_models": [{"model": LOCAL}]}))["embedding_models"]
    assert left["model"] == LOCAL
    assert await store.count(UUID(office.id), space) == 0
    assert await store.count(UUID(office.id), EmbeddingSpace(LOCAL, 384)) == 1


async def test_a_model_that_comes_back_is_not_paid_for_twice(house: House, provider: ScriptedProvider) -> None:
    office = await house.tenant()
    await office.learn("Leave", "Everyone has thirty days of paid leave each year.")
    path, added = f"{BASES}/{office.knowledge_base_id}", "openai/scripted-embed-24"
    both = [{"model": LOCAL}, {"model": added, "api_base": provider.openai_base}]
    await office.patch(path, {"embedding_models": both})
    await filled_in(office, office.knowledge_base_id, added)
    await office.patch(path, {"embedding_models": [{"model": LOCAL}]})
    asked = len(provider.requests)
    await office.patch(path, {"embedding_models": both})
    model = await filled_in(office, office.knowledge_base_id, added)
    assert (model["status"], model["chunks_done"]) == ("ready", 1)
    assert len(provider.requests) - asked == 1  # The probe: the row that knew the dimension was removed.


async def test_deleting_a_base_takes_its_sources_along_and_leaves_the_bots(any_house: House) -> None:
    office = await any_house.tenant()
    made = await a_base(office)
    learned = await office.learn("Leave", "Thirty days of leave.", knowledge_base_id=made["id"])
    bot = await office.post("/v1/bots", {"name": "Both", "knowledge_base_ids": [made["id"], office.knowledge_base_id]})
    assert await office.delete(f"{BASES}/{made['id']}") == 204
    for path in (f"{BASES}/{made['id']}", f"/v1/sources/{learned['source']['id']}"):
        assert (await office.call("GET", path)).status_code == 404
    assert (await office.get("/v1/documents"))["items"] == []
    assert (await office.get(f"/v1/bots/{bot['id']}"))["knowledge_base_ids"] == [office.knowledge_base_id]
    assert (await office.call("DELETE", f"{BASES}/{made['id']}")).status_code == 404
    deleted = [event for event in (await office.get("/v1/events"))["items"] if event["type"] == "source.deleted"]
    assert [event["subject"] for event in deleted] == [learned["source"]["id"]]
    assert list(any_house.runtime.blobs.path(office.id).glob("uploads/*")) == []


async def test_the_last_base_stays_and_a_deleted_default_has_an_heir(any_house: House) -> None:
    office = await any_house.tenant()
    status, problem = await refused(office, "DELETE", f"{BASES}/{office.knowledge_base_id}")
    assert (status, problem["code"]) == (409, "conflict")
    heir = await a_base(office)
    assert await office.delete(f"{BASES}/{office.knowledge_base_id}") == 204
    assert (await office.get(f"{BASES}/{heir['id']}"))["is_default"] is True
    learned = await office.learn("Leave", "Thirty days of leave.")
    assert learned["source"]["knowledge_base_id"] == heir["id"]


async def test_models_on_offer_say_how_they_want_to_be_asked(tenant: Office) -> None:
    models = await tenant.get("/v1/models")
    (local,) = [model for model in models["embedding"] if model["model"] == LOCAL]
    assert local == {
        "model": LOCAL, "dimension": 384, "context_tokens": 512, "query_prefix": "", "document_prefix": ""
    }  # fmt: skip
    assert models["chat"][0]["model"] == "extractive"


async def test_reading_needs_ingest_and_writing_needs_admin(tenant: Office) -> None:
    token = await tenant.post("/v1/tokens", {"name": "feeder", "scopes": ["ingest"]})
    other = await tenant.post("/v1/tokens", {"name": "searcher", "scopes": ["search"]})
    feeder = {"headers": {"Authorization": f"Bearer {token['token']}"}}
    searcher = {"headers": {"Authorization": f"Bearer {other['token']}"}}
    assert (await tenant.call("GET", BASES, **feeder)).status_code == 200
    assert (await tenant.call("POST", BASES, json={"name": "x"}, **feeder)).status_code == 403
    assert (await tenant.call("GET", BASES, **searcher)).status_code == 403
    assert (await tenant.call("GET", "/v1/sources", **searcher)).status_code == 403
    assert (await tenant.call("GET", "/v1/documents", **searcher)).status_code == 200
