"""A reranker in the flow, over real HTTP: its order, its verdict, its price, and that nobody needs it."""

import json
from typing import Any

import pytest

from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider
from tests.support.raw_server import answer, raw_server

TOPICS = ("bridge", "mill", "road", "river", "tower", "market")
QUERY = "What is said about the old stone bridge?"


@pytest.fixture
async def office(tenant: Office) -> Office:
    for topic in TOPICS:
        await tenant.learn(topic.title(), f"What is said about the old {topic}: the {topic} is made of stone and wood.")
    return tenant


async def a_reranker(office: Office, base: str, model: str = "scripted", **fields: Any) -> dict[str, Any]:
    body = {"name": f"key {model}", "provider": "openai", "api_key": "sk-test-1234567890", "api_base": base}
    credential = (await office.post("/v1/credentials", body))["id"]
    return {"model": f"openai/{model}", "credential_id": credential, **fields}


async def reranked(office: Office) -> dict[str, Any]:
    """The one line of reranking in the ledger."""
    (line,) = [line for line in (await office.get("/v1/usage/events"))["items"] if line["kind"] == "rerank"]
    return line


def last_is_best() -> bytes:
    """An answer for six chunks that scores the last one best, whatever it is."""
    results = [{"index": at, "relevance_score": at / 10} for at in range(len(TOPICS))]
    return answer(json.dumps({"results": results, "usage": {"total_tokens": 77}}).encode())


async def test_the_rerankers_order_is_the_order(office: Office) -> None:
    plain = await office.search(QUERY)
    async with raw_server(last_is_best()) as server:
        policy = await a_reranker(office, server.url())
        found = await office.search(QUERY, rerank=policy, debug=True)
        sent = json.loads(server.heard[0].partition(b"\r\n\r\n")[2])
    assert sent["query"] == QUERY
    assert len(sent["documents"]) == len(TOPICS)
    assert [item["chunk_id"] for item in found["results"]] == [item["chunk_id"] for item in plain["results"]][::-1]
    assert [item["scores"]["rerank"] for item in found["results"]] == [0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    assert [item["score"] for item in found["results"]] == [0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    assert found["warnings"] == []
    assert found["timings_ms"]["rerank"] > 0
    assert plain["timings_ms"]["rerank"] == 0
    assert "rerank" not in plain["results"][0]["scores"]


async def test_what_lies_below_the_limit_may_rise_above_it(office: Office) -> None:
    last = (await office.search(QUERY))["results"][-1]["chunk_id"]
    async with raw_server(last_is_best()) as server:
        found = await office.search(QUERY, rerank=await a_reranker(office, server.url()), limit=1, debug=True)
    assert [item["chunk_id"] for item in found["results"]] == [last]
    assert len(found["trace"]["dropped"]) == len(TOPICS) - 1


async def test_min_score_counts_the_rerankers_score(office: Office) -> None:
    async with raw_server(last_is_best()) as server:
        found = await office.search(QUERY, rerank=await a_reranker(office, server.url()), min_score=0.35)
    assert [item["score"] for item in found["results"]] == [0.5, 0.4]


@pytest.mark.parametrize(("min_score", "abstains"), [(0.49, False), (0.51, True)])
async def test_the_best_score_decides_whether_there_is_enough(office: Office, min_score: float, abstains: bool) -> None:
    async with raw_server(last_is_best()) as server:
        policy = await a_reranker(office, server.url(), min_score=min_score)
        found = await office.search(QUERY, rerank=policy)
    assert found["abstain"]["would_abstain"] is abstains
    assert found["abstain"]["confidence"] == 0.5
    assert found["results"]


@pytest.mark.parametrize("fault", ["401", "500", "hang", "garbage", "html", "cut-early"])
async def test_a_reranker_that_fails_is_done_without(office: Office, provider: ScriptedProvider, fault: str) -> None:
    plain = await office.search(QUERY)
    policy = await a_reranker(office, provider.openai_base, f"scripted-{fault}", timeout_ms=300)
    found = await office.search(QUERY, rerank=policy)
    assert [item["chunk_id"] for item in found["results"]] == [item["chunk_id"] for item in plain["results"]]
    assert found["abstain"] == plain["abstain"]
    (warning,) = found["warnings"]
    assert warning.startswith(f"openai/scripted-{fault} could not rerank")
    assert "sk-test" not in warning
    metrics = (await office.house.client.get("/metrics")).text
    assert 'minirag_failed_open_total{step="rerank"}' in metrics


async def test_fewer_scores_than_texts_are_no_opinion(office: Office) -> None:
    body = json.dumps({"results": [{"index": 0, "relevance_score": 0.9}]}).encode()
    async with raw_server(answer(body)) as server:
        found = await office.search(QUERY, rerank=await a_reranker(office, server.url(), timeout_ms=300))
    assert len(found["warnings"]) == 1
    assert "rerank" not in found["results"][0]["scores"]


async def test_a_credential_that_is_gone_is_done_without_in_a_bot_and_not_found_in_a_search(
    office: Office, provider: ScriptedProvider
) -> None:
    policy = await a_reranker(office, provider.openai_base)
    await office.patch(f"/v1/bots/{office.bot_id}", {"retrieval": {"rerank": policy}})
    await office.delete(f"/v1/credentials/{policy['credential_id']}")
    assert len((await office.search(QUERY))["warnings"]) == 1
    response = await office.call("POST", "/v1/search", json={"query": QUERY, "rerank": policy})
    assert response.status_code == 404


async def test_a_search_with_a_reranker_leaves_a_line_in_the_ledger(office: Office) -> None:
    async with raw_server(last_is_best()) as server:
        await office.search(QUERY, rerank=await a_reranker(office, server.url(), "voyage/rerank-2"))
    line = await reranked(office)
    assert (line["model"], line["prompt_tokens"], line["estimated"]) == ("openai/voyage/rerank-2", 77, False)
    assert (await office.get("/v1/quota"))["used"]["monthly_tokens"] == 77


async def test_a_call_that_was_given_up_is_estimated_and_a_refused_one_is_free(
    office: Office, provider: ScriptedProvider
) -> None:
    for fault in ("401", "hang"):
        policy = await a_reranker(office, provider.openai_base, f"scripted-{fault}", timeout_ms=100)
        await office.search(QUERY, rerank=policy)
    line = await reranked(office)
    assert line["model"] == "openai/scripted-hang"
    assert line["estimated"]
    assert line["prompt_tokens"] > 50


async def test_an_answer_is_reranked_metered_and_traced(any_house: House) -> None:
    office = await any_house.tenant()
    for topic in TOPICS:
        await office.learn(topic.title(), f"What is said about the old {topic}: the {topic} is made of stone and wood.")
    async with raw_server(last_is_best()) as server:
        policy = await a_reranker(office, server.url(), min_score=0.2)
        await office.patch(f"/v1/bots/{office.bot_id}", {"retrieval": {"rerank": policy, "max_chunks": 1}})
        told = await office.chat(QUERY, debug=True)
    assert told["finish_reason"] == "stop"
    assert [source["score"] for source in told["sources"]] == [0.5]
    assert told["trace"]["candidates"][0]["scores"]["rerank"] == 0.5
    line = await reranked(office)
    assert (line["prompt_tokens"], line["message_id"]) == (77, told["message_id"])


async def test_an_answer_comes_without_the_reranker_and_says_so(office: Office, provider: ScriptedProvider) -> None:
    policy = await a_reranker(office, provider.openai_base, "scripted-500", timeout_ms=300)
    await office.patch(f"/v1/bots/{office.bot_id}", {"retrieval": {"rerank": policy}})
    told = await office.chat(QUERY, debug=True)
    assert told["finish_reason"] == "stop"
    assert any("could not rerank" in warning for warning in told["trace"]["warnings"])


async def test_a_bot_refuses_where_the_reranker_finds_nothing_good(office: Office) -> None:
    async with raw_server(last_is_best()) as server:
        policy = await a_reranker(office, server.url(), min_score=0.9)
        await office.patch(f"/v1/bots/{office.bot_id}", {"retrieval": {"rerank": policy}})
        told = await office.chat(QUERY)
    assert (told["finish_reason"], told["abstained"]["reason"]) == ("abstained", "weak_evidence")


async def test_a_tenant_cannot_make_the_server_open_its_files(office: Office) -> None:
    found = await office.search(QUERY, rerank={"model": "onnx:/etc"})
    assert found["results"]
    assert "MINIRAG_MODELS_DIR" in found["warnings"][0]


async def test_nothing_found_is_nothing_to_rerank(tenant: Office, provider: ScriptedProvider) -> None:
    found = await tenant.search(QUERY, rerank=await a_reranker(tenant, provider.openai_base))
    assert (found["results"], found["warnings"], provider.requests) == ([], [], [])
