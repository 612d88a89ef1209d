"""The dashboard's figures and the list of what the documents could not answer, through the door."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.chat.models import Chat, FinishReason, Message, MessageRole
from app.kit.clock import now
from app.kit.ids import new_id
from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider
from tests.usage.support import QUESTION, a_bot, a_mill, ask, limit


async def remember(
    office: Office, questions: list[tuple[str, FinishReason]], at: datetime | None = None, **given: Any
) -> None:
    """Questions and answers as the flow stores them, at a time of our choosing."""
    tenant_id, moment = UUID(office.id), at or now()
    async with office.house.runtime.database.transaction(tenant_id) as session:
        chat = Chat(tenant_id=tenant_id, title="Past")
        session.add(chat)
        await session.flush()
        for text, reason in questions:
            common = {"tenant_id": tenant_id, "chat_id": chat.id, "created_at": moment}
            question = Message(**common, role=MessageRole.USER, content=text)
            session.add(question)
            await session.flush()
            answer = Message(**common, id=new_id(), role=MessageRole.ASSISTANT, reply_to=question.id, **given)
            answer.finish_reason = reason
            session.add(answer)
            await session.flush()


def timed(first_token: float, total: float) -> dict[str, Any]:
    return {"timings_ms": {"rewrite": 0.0, "retrieve": 1.0, "first_token": first_token, "total": total}}


async def test_a_new_tenants_figures_are_zero(any_house: House) -> None:
    office = await any_house.tenant()
    stats = await office.get("/v1/stats")
    assert stats["content"] == {"documents": 0, "chunks": 0, "sources": {}, "storage_bytes": 0}
    assert stats["month"]["questions"] == 0
    assert stats["month"]["answers"] == {}
    nothing = {"p50": None, "p95": None}
    assert stats["latency"] == {"answers": 0, "first_token_ms": nothing, "total_ms": nothing}
    assert len(stats["days"]) == 30
    assert stats["days"][-1]["day"] == str(datetime.now(UTC).date())
    assert {day["questions"] for day in stats["days"]} == {0}
    assert await office.get("/v1/stats/unanswered") == {"items": [], "next_cursor": None}


async def test_figures_tell_what_happened(priced_house: House, provider: ScriptedProvider) -> None:
    office, bot = await a_mill(priced_house, provider)
    failing = await a_bot(office, provider, "scripted-500")
    await limit(office, monthly_cost_usd="100")
    usage = (await ask(office, bot)).json()["usage"]
    await ask(office)
    await ask(office, failing)
    await ask(await priced_house.tenant("Other"))
    stats = await office.get("/v1/stats")
    assert stats["content"]["documents"] == 1
    assert stats["content"]["chunks"] >= 1
    assert stats["content"]["sources"] == {"ready": 1}
    assert stats["content"]["storage_bytes"] > 0
    assert stats["month"]["questions"] == 3
    assert stats["month"]["answers"] == {"stop": 2, "error": 1}
    assert stats["month"]["cost_usd"] == usage["cost_usd"]
    assert stats["limits"]["monthly_cost_usd"] == "100"
    assert stats["latency"]["answers"] == 2
    assert 0 < stats["latency"]["first_token_ms"]["p50"] <= stats["latency"]["total_ms"]["p95"]
    today = stats["days"][-1]
    assert (today["questions"], today["abstained"], today["cost_usd"]) == (3, 0, usage["cost_usd"])
    assert today["prompt_tokens"] == (await office.get("/v1/usage"))["total"]["prompt_tokens"]


async def test_quantiles_are_times_that_occurred_within_the_last_day(any_house: House) -> None:
    office = await any_house.tenant()
    for number in range(1, 21):
        await remember(office, [("Q", FinishReason.STOP)], usage=timed(number, 100 * number))
    await remember(office, [("Q", FinishReason.ERROR), ("Q", FinishReason.ABSTAINED)], usage=timed(9e6, 9e6))
    await remember(office, [("Q", FinishReason.STOP)], now() - timedelta(hours=25), usage=timed(9e6, 9e6))
    latency = (await office.get("/v1/stats"))["latency"]
    assert latency == {
        "answers": 20,
        "first_token_ms": {"p50": 10.0, "p95": 19.0},
        "total_ms": {"p50": 1000.0, "p95": 1900.0},
    }


async def test_days_are_utc_and_hold_only_the_last_thirty(any_house: House) -> None:
    office = await any_house.tenant()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = {-1: timedelta(microseconds=-1), 0: timedelta(0), -29: timedelta(days=-29), None: timedelta(days=-30)}
    for moment in moments.values():
        await remember(office, [("Q", FinishReason.ABSTAINED)], midnight + moment)
    days = (await office.get("/v1/stats"))["days"]
    asked = {day["day"]: day["questions"] for day in days if day["questions"]}
    assert asked == {str((midnight + timedelta(days=n)).date()): 1 for n in (-29, -1, 0)}
    assert [day["abstained"] for day in days] == [day["questions"] for day in days]
    assert [day["day"] for day in days] == sorted(day["day"] for day in days)


async def test_unanswered_questions_are_folded_counted_and_newest_first(any_house: House) -> None:
    office = await any_house.tenant()
    for spelling in ("What is  the meaning of life?", "WHAT is the meaning\nof life", "what is the meaning of life?!"):
        await office.chat(spelling)
    last = await office.chat("Who painted the mill?")
    unanswered = await office.get("/v1/stats/unanswered")
    assert unanswered["next_cursor"] is None
    newest, older = unanswered["items"]
    assert newest["question"] == "Who painted the mill?"
    assert newest["last_message_id"] == last["message_id"]
    assert (newest["count"], newest["reason"], newest["nearest_title"]) == (1, "no_results", None)
    assert (older["question"], older["count"]) == ("what is the meaning of life?!", 3)
    other = await any_house.tenant("Other")
    assert (await other.get("/v1/stats/unanswered"))["items"] == []


async def test_the_nearest_title_comes_along(house: House) -> None:
    office = await house.tenant()
    await office.learn("Handbook", "# Parking\n\nThe car park behind the mill has 42 places.")
    bot = await office.post("/v1/bots", {"name": "strict", "model": "extractive", "abstain": {"min_score": 0.99}})
    await office.chat(QUESTION, bot_id=bot["id"])
    (question,) = (await office.get("/v1/stats/unanswered"))["items"]
    assert (question["reason"], question["nearest_title"]) == ("weak_evidence", "Handbook")


async def test_unanswered_questions_come_in_pages(any_house: House) -> None:
    office = await any_house.tenant()
    refusal = {"reason": "no_results", "message": "No.", "suggestion": "Ask otherwise."}
    asked = [f"Question {n % 7}" for n in range(21)] + ["Answered"]
    reasons = [FinishReason.ABSTAINED] * 21 + [FinishReason.STOP]
    await remember(office, list(zip(asked, reasons, strict=True)), abstained=refusal)
    seen: list[tuple[str, int]] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = await office.get("/v1/stats/unanswered", **query)
        seen += [(item["question"], item["count"]) for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [(f"Question {n}", 3) for n in reversed(range(7))]
    assert (await office.call("GET", "/v1/stats/unanswered", params={"cursor": "!"})).status_code == 422


async def test_figures_need_the_scope(tenant: Office, house: House) -> None:
    token = await tenant.post("/v1/tokens", {"name": "chat only", "scopes": ["chat"]})
    narrow = Office(house, tenant.id, token["token"], "", "")
    for path in ("/v1/stats", "/v1/stats/unanswered", "/v1/usage", "/v1/usage/events", "/v1/quota"):
        assert (await narrow.call("GET", path)).status_code == 403, path
        assert (await house.client.get(path)).status_code == 401, path
        assert (await house.client.get(path, headers=house.admin)).status_code == 403, path
