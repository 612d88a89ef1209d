"""A model that is added to a knowledge base is filled in, while search goes on with the others."""

import asyncio
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

from app.ingestion.sweeper import sweep
from app.knowledge.model_list import ModelChoice, add_models
from app.knowledge.models import ModelStatus
from tests.ingestion.kitchen import ScriptedBase, embedded_texts, long_text, scripted_base
from tests.support.house import Office
from tests.support.provider import ScriptedProvider

FIRST, SECOND = "openai/embed-64", "openai/embed-32"


async def add(base: ScriptedBase, *models: str) -> None:
    listed = [{"model": model, "credential_id": base.credentials[model]} for model in models]
    await base.tenant.patch(f"/v1/knowledge-bases/{base.id}", {"embedding_models": listed})


async def settled(tenant: Office, base: ScriptedBase, model: str) -> dict[str, Any]:
    """The model as the knowledge base shows it once its filling in has ended."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        listed = (await tenant.get(f"/v1/knowledge-bases/{base.id}"))["embedding_models"]
        found = next(one for one in listed if one["model"] == model)
        if found["status"] != "backfilling":
            return found
        await asyncio.sleep(0.03)
    raise AssertionError("It is still being filled in.")


async def two_models(tenant: Office, provider: ScriptedProvider) -> ScriptedBase:
    """A knowledge base that has the first model, and a credential for the second, whose dimension is known."""
    keeper = await scripted_base(tenant, provider, FIRST, SECOND)
    listed = [{"model": FIRST, "credential_id": keeper.credentials[FIRST]}]
    made = await tenant.post("/v1/knowledge-bases", {"name": "One model", "embedding_models": listed})
    return replace(keeper, id=made["id"])


async def test_a_new_model_is_filled_in_and_each_text_paid_once(tenant: Office, provider: ScriptedProvider) -> None:
    base = await two_models(tenant, provider)
    fed = [await base.upload(f"p{n}.md", long_text(4).replace("pump", f"pump{n}").encode()) for n in range(3)]
    provider.log.requests.clear()

    await add(base, FIRST, SECOND)
    model = await settled(tenant, base, SECOND)

    chunks = sum(one["run"]["counts"]["chunks"] for one in fed)
    assert (model["status"], model["chunks_done"], model["chunks_total"]) == ("ready", chunks, chunks)
    texts = [text for text in embedded_texts(provider, "embed-32") if text != "dimension"]
    assert len(texts) == len(set(texts)) == chunks
    assert embedded_texts(provider, "embed-64") == []
    found = await tenant.search("pump1", knowledge_base_ids=[base.id], models=[SECOND])
    assert found["results"]


async def test_a_model_that_cannot_be_filled_in_says_why_and_is_tried_again_when_asked(
    tenant: Office, provider: ScriptedProvider
) -> None:
    base = await two_models(tenant, provider)
    await base.learn("Leave", "Thirty days of leave.")
    await base.behave(SECOND, "scripted-401")

    await add(base, FIRST, SECOND)
    failed = await settled(tenant, base, SECOND)

    assert failed["status"] == "failed"
    assert "401" in failed["error"]
    assert (await tenant.search("leave", knowledge_base_ids=[base.id]))["results"]
    await base.behave(SECOND, "scripted-good")
    await add(base, FIRST, SECOND)
    assert (await settled(tenant, base, SECOND))["status"] == "ready"


async def test_a_lost_message_about_a_backfill_is_made_up_for(tenant: Office, provider: ScriptedProvider) -> None:
    base = await two_models(tenant, provider)
    await base.learn("Leave", "Thirty days of leave.")
    database = tenant.house.runtime.database
    async with database.transaction(UUID(tenant.id)) as session:
        added = ModelChoice(SECOND, 32, UUID(base.credentials[SECOND]))
        await add_models(session, UUID(tenant.id), UUID(base.id), [added], ModelStatus.BACKFILLING)

    await sweep(tenant.house.runtime.ingestion)

    assert (await settled(tenant, base, SECOND))["status"] == "ready"
