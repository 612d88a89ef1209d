"""The same question again: the stored answer as a new one, and everything that must make it fresh."""

import asyncio
import re
from typing import Any

import pytest

from app.chat.cache.entries import purge
from tests.chat.cache.support import HANDBOOK, QUESTION, a_bot, a_credential, data_of, hit_of, text_of
from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider


@pytest.fixture
async def office(tenant: Office) -> Office:
    await tenant.learn("Handbook", HANDBOOK, external_id="handbook")
    return tenant


async def test_a_hit_is_a_new_message_with_the_same_answer(any_house: House, provider: ScriptedProvider) -> None:
    office = await any_house.tenant()
    await office.learn("Handbook", HANDBOOK)
    bot = await a_bot(office, provider)
    first = await office.stream(QUESTION, bot_id=bot, end_user={"id": "ann"})
    again = await office.stream(f"  {QUESTION.replace(' ', '   ')} ", bot_id=bot, end_user={"id": "ben"})
    assert [event.type for event in again][:2] == ["started", "sources"]
    assert [event.type for event in again][-2:] == ["usage", "done"]
    assert text_of(again) == text_of(first)
    assert data_of(again, "citation") == data_of(first, "citation") != []
    assert data_of(again, "sources")[0]["sources"] == data_of(first, "sources")[0]["sources"]
    (usage,) = data_of(again, "usage")
    assert usage["cache"] == {"hit": True, "type": "exact", "similarity": 1.0}
    assert (usage["total_tokens"], usage["embedding_tokens"], usage["cost_usd"]) == (0, 0, "0")
    assert data_of(again, "done")[0]["finish_reason"] == "stop"
    assert data_of(again, "started")[0]["chat_id"] != data_of(first, "started")[0]["chat_id"]
    assert len(provider.requests) == 1


async def test_a_marker_is_told_before_its_citation(office: Office) -> None:
    await office.chat("How many days of leave do staff take?")
    told = ""
    for event in await office.stream("How many days of leave do staff take?"):
        if event.type == "delta":
            told += event.data["text"]
        elif event.type == "citation":
            assert told.endswith(f"[{event.data['n']}]")
            assert len(told) == event.data["answer_end"]


async def test_a_hit_reads_the_same_after_a_reload(office: Office) -> None:
    await office.chat(QUESTION)
    again = await office.chat(QUESTION)
    assert hit_of(again) == "exact"
    (_, stored) = (await office.get(f"/v1/chats/{again['chat_id']}/messages"))["items"]
    assert stored["content"] == again["answer"]
    assert stored["citations"] == again["citations"] != []
    assert stored["sources"] == again["sources"]
    assert stored["usage"] == again["usage"]


async def test_a_hit_is_metered_as_what_it_saved(office: Office, provider: ScriptedProvider) -> None:
    bot = await a_bot(office, provider, model="gpt-4o-mini")
    first = await office.chat(QUESTION, bot_id=bot)
    assert float(first["usage"]["cost_usd"]) > 0
    used = (await office.get("/v1/quota"))["used"]
    await office.chat(QUESTION, bot_id=bot)
    line = (await office.get("/v1/usage/events"))["items"][0]
    assert (line["kind"], line["cost_usd"], line["saved_usd"]) == ("cache_hit", "0", first["usage"]["cost_usd"])
    assert (line["prompt_tokens"], line["completion_tokens"], line["embedding_tokens"]) == (0, 0, 0)
    assert (await office.get("/v1/quota"))["used"] == used
    figures = await office.get("/v1/stats/cache")
    assert (figures["hits"], figures["savings_usd"]) == (1, first["usage"]["cost_usd"])


async def test_use_cache_false_does_not_read_but_writes(office: Office, provider: ScriptedProvider) -> None:
    bot = await a_bot(office, provider)
    provider.script = lambda _text: "The first word [1]."
    await office.chat(QUESTION, bot_id=bot)
    provider.script = lambda _text: "The newer word [1]."
    fresh = await office.chat(QUESTION, bot_id=bot, use_cache=False)
    assert (hit_of(fresh), fresh["answer"]) == (None, "The newer word [1].")
    again = await office.chat(QUESTION, bot_id=bot)
    assert (hit_of(again), again["answer"]) == ("exact", "The newer word [1].")


async def test_a_trace_is_of_a_fresh_answer_and_is_not_kept(office: Office) -> None:
    await office.chat(QUESTION)
    traced = await office.chat(QUESTION, debug=True)
    assert hit_of(traced) is None
    assert traced["trace"]["candidates"]
    again = await office.chat(QUESTION)
    assert hit_of(again) == "exact"
    assert "trace" not in again or again["trace"] is None


async def test_case_and_punctuation_make_another_question(office: Office) -> None:
    await office.chat(QUESTION)
    assert hit_of(await office.chat(QUESTION.upper())) is None
    assert hit_of(await office.chat(QUESTION.rstrip("?"))) is None
    assert hit_of(await office.chat(f"{QUESTION} Cafe\u0301?")) is None
    assert hit_of(await office.chat(f"{QUESTION} Caf\u00e9?")) == "exact"


BOT_CHANGES: tuple[dict[str, Any], ...] = (
    {"system_prompt": "Speak like a miller."},
    {"model": "openai/scripted-other"},
    {"temperature": 0.7},
    {"max_tokens": 200},
    {"retrieval": {"max_chunks": 3}},
    {"retrieval": {"fusion": {"method": "rrf"}}},
    {"abstain": {"min_score": 0.01}},
    {"knowledge_base_ids": []},
    {"credential_id": "another"},
)


@pytest.mark.parametrize("change", BOT_CHANGES, ids=lambda change: next(iter(change)))
async def test_any_change_of_the_bot_makes_it_fresh(
    office: Office, provider: ScriptedProvider, change: dict[str, Any]
) -> None:
    bot = await a_bot(office, provider)
    await office.chat(QUESTION, bot_id=bot)
    if "credential_id" in change:
        change = {"credential_id": await a_credential(office, provider, "another")}
    await office.patch(f"/v1/bots/{bot}", change)
    assert hit_of(await office.chat(QUESTION, bot_id=bot)) is None


async def test_what_cannot_change_an_answer_leaves_it(office: Office, provider: ScriptedProvider) -> None:
    bot = await a_bot(office, provider)
    await office.chat(QUESTION, bot_id=bot)
    await office.patch(f"/v1/bots/{bot}", {"name": "Miller", "widget": {"title": "Ask"}})
    assert hit_of(await office.chat(QUESTION, bot_id=bot)) == "exact"


async def test_a_credential_that_leads_elsewhere_makes_it_fresh(office: Office, provider: ScriptedProvider) -> None:
    bot = await a_bot(office, provider)
    await office.chat(QUESTION, bot_id=bot)
    credential = (await office.get(f"/v1/bots/{bot}"))["credential_id"]
    await office.patch(f"/v1/credentials/{credential}", {"api_key": "sk-another-key-123"})
    assert hit_of(await office.chat(QUESTION, bot_id=bot)) is None


@pytest.mark.parametrize("deed", ["new version", "deactivate", "activate", "another", "delete", "title"])
async def test_any_change_of_what_is_active_makes_it_fresh(office: Office, deed: str) -> None:
    (document,) = (await office.get("/v1/documents"))["items"]
    if deed == "activate":
        await office.post(f"/v1/documents/{document['id']}/deactivate")
    await office.chat(QUESTION)
    match deed:
        case "new version":
            await office.learn("Handbook", HANDBOOK.replace("42", "43"), external_id="handbook")
        case "deactivate":
            await office.post(f"/v1/documents/{document['id']}/deactivate")
        case "activate":
            version = (await office.get(f"/v1/documents/{document['id']}/versions"))["items"][0]
            await office.post(f"/v1/documents/{document['id']}/versions/{version['id']}/activate")
        case "another":
            await office.learn("Annex", "The car park behind the mill has a roof.")
        case "delete":
            await office.delete(f"/v1/sources/{document['source_id']}")
        case _:
            await office.patch(f"/v1/sources/{document['source_id']}", {"title": "The Handbook"})
    fresh = await office.chat(QUESTION)
    assert hit_of(fresh) is None
    if deed == "new version":
        assert "43" in fresh["answer"]


async def test_a_change_while_an_answer_is_written_spoils_its_keeping(
    office: Office, provider: ScriptedProvider
) -> None:
    bot = await a_bot(office, provider, model="scripted-slow-100")
    answering = asyncio.create_task(office.chat(QUESTION, bot_id=bot))
    while not provider.requests:
        await asyncio.sleep(0.01)
    await office.learn("Annex", "The car park behind the mill has a roof.")
    assert (await answering)["finish_reason"] == "stop"
    assert hit_of(await office.chat(QUESTION, bot_id=bot)) is None


async def test_nobody_else_gets_the_answer(house: House, office: Office, provider: ScriptedProvider) -> None:
    await office.chat(QUESTION)
    other = await house.tenant("Other")
    await other.learn("Handbook", HANDBOOK)
    assert hit_of(await other.chat(QUESTION)) is None
    twin = await office.post("/v1/bots", {"name": "Twin", "model": "extractive"})
    assert hit_of(await office.chat(QUESTION, bot_id=twin["id"])) is None


@pytest.mark.parametrize("model", ["scripted-midstream-500", "scripted-500"])
async def test_a_failed_answer_is_not_kept(office: Office, provider: ScriptedProvider, model: str) -> None:
    bot = await a_bot(office, provider, model=model)
    for _ in range(2):
        events = await office.stream(QUESTION, bot_id=bot)
        assert data_of(events, "usage")[0]["cache"]["hit"] is False
        assert data_of(events, "done")[0]["finish_reason"] == "error"


async def test_a_refusal_is_not_kept(tenant: Office) -> None:
    for _ in range(2):
        answer = await tenant.chat("What is the meaning of life?")
        assert (hit_of(answer), answer["finish_reason"]) == (None, "abstained")


async def test_an_answer_of_a_search_that_lacked_something_is_not_kept(
    office: Office, provider: ScriptedProvider
) -> None:
    credential = await a_credential(office, provider, "reranker")
    rerank = {"model": "openai/scripted-500", "credential_id": credential, "timeout_ms": 300}
    bot = await office.post("/v1/bots", {"name": "B", "model": "extractive", "retrieval": {"rerank": rerank}})
    for _ in range(2):
        answer = await office.chat(QUESTION, bot_id=bot["id"])
        assert (hit_of(answer), answer["finish_reason"]) == (None, "stop")


async def test_a_bot_without_cache_neither_reads_nor_writes(office: Office) -> None:
    bot = (await office.post("/v1/bots", {"name": "B", "model": "extractive", "cache": {"exact": False}}))["id"]
    await office.chat(QUESTION, bot_id=bot)
    assert hit_of(await office.chat(QUESTION, bot_id=bot)) is None
    await office.patch(f"/v1/bots/{bot}", {"cache": {"exact": True}})
    assert hit_of(await office.chat(QUESTION, bot_id=bot)) is None
    assert hit_of(await office.chat(QUESTION, bot_id=bot)) == "exact"


async def test_an_answer_is_kept_no_longer_than_the_bot_says(any_house: House) -> None:
    office = await any_house.tenant()
    await office.learn("Handbook", HANDBOOK)
    await office.patch(f"/v1/bots/{office.bot_id}", {"cache": {"ttl_s": 1}})
    await office.chat(QUESTION)
    assert hit_of(await office.chat(QUESTION)) == "exact"
    await asyncio.sleep(1.05)
    assert hit_of(await office.chat(QUESTION)) is None
    await office.chat("When are salaries paid?")
    await asyncio.sleep(1.05)
    assert await purge(any_house.runtime.database) == 2
    assert await purge(any_house.runtime.database) == 0


async def test_a_shorter_time_holds_for_what_is_there_already(office: Office) -> None:
    await office.chat(QUESTION)
    await asyncio.sleep(1.05)
    await office.patch(f"/v1/bots/{office.bot_id}", {"cache": {"ttl_s": 1}})
    assert hit_of(await office.chat(QUESTION)) is None


async def test_a_deleted_chat_takes_its_answer_along(office: Office) -> None:
    first = await office.chat(QUESTION)
    await office.delete(f"/v1/chats/{first['chat_id']}")
    assert hit_of(await office.chat(QUESTION)) is None


async def test_a_follow_up_finds_what_it_asks_by_itself(office: Office) -> None:
    opening, follow_up = "How many days of leave do staff take?", "And how far ahead must it be asked for?"
    first = await office.chat(opening)
    fresh = await office.chat(follow_up, chat_id=first["chat_id"])
    assert hit_of(fresh) is None
    second = await office.chat(opening)
    assert hit_of(await office.chat(follow_up, chat_id=second["chat_id"])) == "exact"
    assert hit_of(await office.chat(f"{opening} {follow_up}")) == "exact"


async def test_a_follow_up_after_other_words_is_another_question(office: Office, provider: ScriptedProvider) -> None:
    bot = await a_bot(office, provider, retrieval={"rewrite": "off"})
    about_leave = await office.chat("How many days of leave do staff take?", bot_id=bot)
    await office.chat("When is that paid or taken each month?", chat_id=about_leave["chat_id"], bot_id=bot)
    about_pay = await office.chat("When are the salaries of staff paid?", bot_id=bot)
    other = await office.chat("When is that paid or taken each month?", chat_id=about_pay["chat_id"], bot_id=bot)
    assert hit_of(other) is None


async def test_the_same_conversation_is_answered_without_any_model(office: Office, provider: ScriptedProvider) -> None:
    bot = await a_bot(office, provider)
    provider.script = lambda text: "How far ahead is leave asked for?" if "Question to rewrite" in text else "So [1]."
    answers: list[dict[str, Any]] = []
    for _ in range(2):
        first = await office.chat("How many days of leave do staff take?", bot_id=bot)
        answers.append(await office.chat("And how far ahead is it asked for?", bot_id=bot, chat_id=first["chat_id"]))
    assert [hit_of(answer) for answer in answers] == [None, "exact"]
    assert answers[0]["answer"] == answers[1]["answer"]
    assert len(provider.requests) == 3


async def test_what_was_said_in_one_chat_is_told_in_no_other(office: Office, provider: ScriptedProvider) -> None:
    bot = await a_bot(office, provider)
    provider.script = lambda text: "How are salaries paid?" if "Question to rewrite" in text else "As Ann said [1]."
    first = await office.chat("I am Ann. How many days of leave do staff take?", bot_id=bot)
    await office.chat("And salaries?", bot_id=bot, chat_id=first["chat_id"])
    assert hit_of(await office.chat("How are salaries paid?", bot_id=bot)) is None


async def test_a_rewriting_is_paid_for_though_the_answer_is_found(office: Office, provider: ScriptedProvider) -> None:
    bot = await a_bot(office, provider, model="gpt-4o-mini")
    provider.script = lambda text: "How are salaries paid?" if "Question to rewrite" in text else "So [1]."
    known = await office.chat("How are salaries paid?", bot_id=bot)
    first = await office.chat("How many days of leave do staff take?", bot_id=bot)
    found = await office.chat("And salaries?", bot_id=bot, chat_id=first["chat_id"])
    assert hit_of(found) == "exact"
    assert found["usage"]["prompt_tokens"] > 0
    line = (await office.get("/v1/usage/events"))["items"][0]
    assert (line["kind"], line["saved_usd"]) == ("chat", known["usage"]["cost_usd"])
    assert line["cost_usd"] == found["usage"]["cost_usd"] != "0"
    assert (await office.get("/v1/stats/cache"))["hits"] == 1


async def test_every_answer_leaves_one_line_in_the_ledger(office: Office) -> None:
    for _ in range(3):
        await office.chat(QUESTION)
    lines = (await office.get("/v1/usage/events"))["items"]
    answers = [line["kind"] for line in lines if line["kind"] in {"chat", "cache_hit"}]
    assert answers == ["cache_hit", "cache_hit", "chat"]
    assert re.fullmatch(r"\d+", str((await office.get("/v1/usage"))["total"]["cache_hits"]))
