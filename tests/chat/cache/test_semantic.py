"""The same question in other words, through the door: served, refused, watched in the shadow."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.chat.cache.entries import purge
from app.chat.cache.meaning import agree
from app.chat.cache.values import Stored
from app.chat.events import Cited, SourceView
from app.kit.ids import new_id
from tests.chat.cache.support import HANDBOOK, a_bot, data_of, hit_of, text_of
from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider

ASKED = "How many days of leave do staff take?"
REWORDED = "Can you tell me how many leave days staff take?"


@pytest.fixture
async def office(tenant: Office) -> Office:
    await tenant.learn("Handbook", HANDBOOK, external_id="handbook")
    return tenant


async def a_semantic_bot(office: Office, mode: str = "on", **fields: Any) -> str:
    cache = {"semantic": mode, "min_similarity": 0.9}
    body = {"name": "B", "model": "extractive", "cache": cache, **fields}
    return (await office.post("/v1/bots", body))["id"]


async def test_the_same_question_in_other_words_gets_the_same_answer(
    any_house: House, provider: ScriptedProvider
) -> None:
    office = await any_house.tenant()
    await office.learn("Handbook", HANDBOOK)
    bot = await a_bot(office, provider, cache={"semantic": "on", "min_similarity": 0.9})
    first = await office.stream(ASKED, bot_id=bot)
    again = await office.stream(REWORDED, bot_id=bot)
    assert text_of(again) == text_of(first)
    assert data_of(again, "citation") == data_of(first, "citation") != []
    (sources,) = data_of(again, "sources")
    assert sources["query"] == REWORDED
    assert sources["sources"] == data_of(first, "sources")[0]["sources"]
    cache = data_of(again, "usage")[0]["cache"]
    assert (cache["hit"], cache["type"]) == (True, "semantic")
    assert 0.9 <= cache["similarity"] < 1
    assert len(provider.requests) == 1
    assert [line["kind"] for line in (await office.get("/v1/usage/events"))["items"]].count("cache_hit") == 1


@pytest.mark.parametrize(
    "other",
    [
        "How many days of leave do staff not take?",
        "How many weeks of leave do staff take?",
        "How many days of leave did staff take?",
        "When do staff take days of leave?",
        "How many days of leave do visitors take?",
    ],
)
async def test_another_question_in_nearly_the_same_words_is_answered_afresh(office: Office, other: str) -> None:
    bot = await a_semantic_bot(office)
    await office.chat(ASKED, bot_id=bot)
    assert hit_of(await office.chat(other, bot_id=bot)) is None


async def test_it_is_off_unless_the_bot_says_otherwise(office: Office) -> None:
    await office.chat(ASKED)
    assert hit_of(await office.chat(REWORDED)) is None


async def test_a_stricter_likeness_is_kept_to(office: Office) -> None:
    bot = await a_semantic_bot(office, cache={"semantic": "on", "min_similarity": 1})
    await office.chat(ASKED, bot_id=bot)
    assert hit_of(await office.chat(REWORDED, bot_id=bot)) is None


async def test_any_change_of_what_is_active_makes_it_fresh(office: Office) -> None:
    bot = await a_semantic_bot(office)
    await office.chat(ASKED, bot_id=bot)
    await office.learn("Handbook", HANDBOOK.replace("30", "31"), external_id="handbook")
    fresh = await office.chat(REWORDED, bot_id=bot)
    assert hit_of(fresh) is None
    assert "31" in fresh["answer"]


async def test_use_cache_false_does_not_read_but_writes(office: Office) -> None:
    bot = await a_semantic_bot(office)
    await office.chat(ASKED, bot_id=bot, use_cache=False)
    assert hit_of(await office.chat(REWORDED, bot_id=bot, use_cache=False)) is None
    assert hit_of(await office.chat(f"Please: {ASKED}", bot_id=bot)) == "semantic"


async def test_semantic_alone_does_not_replay_by_key(office: Office) -> None:
    bot = await a_semantic_bot(office, cache={"exact": False, "semantic": "on"})
    await office.chat(ASKED, bot_id=bot)
    assert hit_of(await office.chat(ASKED, bot_id=bot)) == "semantic"


async def test_a_follow_up_finds_the_same_question_in_other_words(office: Office, provider: ScriptedProvider) -> None:
    bot = await a_bot(office, provider, cache={"semantic": "on", "min_similarity": 0.9})
    provider.script = lambda text: REWORDED if "Question to rewrite" in text else "Thirty [1]."
    await office.chat(ASKED, bot_id=bot)
    first = await office.chat("When are the salaries of staff paid?", bot_id=bot)
    assert hit_of(await office.chat("And leave?", chat_id=first["chat_id"], bot_id=bot)) == "semantic"


async def test_an_answer_out_of_a_conversation_is_never_offered(office: Office, provider: ScriptedProvider) -> None:
    bot = await a_bot(office, provider, cache={"semantic": "on", "min_similarity": 0.9})
    provider.script = lambda text: ASKED if "Question to rewrite" in text else "As Ann said [1]."
    first = await office.chat("I am Ann. When are the salaries of staff paid?", bot_id=bot)
    await office.chat("And leave?", chat_id=first["chat_id"], bot_id=bot)
    assert hit_of(await office.chat(REWORDED, bot_id=bot)) is None


async def test_shadow_mode_serves_nothing_and_counts(any_house: House) -> None:
    office = await any_house.tenant()
    await office.learn("Handbook", HANDBOOK)
    bot = await a_semantic_bot(office, "shadow")
    await office.chat(ASKED, bot_id=bot)
    assert hit_of(await office.chat(REWORDED, bot_id=bot)) is None
    figures = await office.get("/v1/stats/cache")
    assert figures["hits"] == 0
    assert figures["shadow"] == {"would_hit": 1, "would_err": 0}
    assert await purge(any_house.runtime.database) == 0


async def test_shadow_mode_sees_a_hit_that_would_have_been_wrong(office: Office, provider: ScriptedProvider) -> None:
    await office.learn("Annex", "# Leave\n\nStaff of the mill take 35 days of leave a year.")
    bot = await a_bot(office, provider, cache={"semantic": "shadow", "min_similarity": 0.9})
    provider.script = lambda _text: "So it is [1]."
    await office.chat(ASKED, bot_id=bot)
    provider.script = lambda _text: "So it is [2]."
    await office.chat(REWORDED, bot_id=bot)
    assert (await office.get("/v1/stats/cache"))["shadow"] == {"would_hit": 1, "would_err": 1}


async def test_the_figures_need_their_scope(office: Office, house: House) -> None:
    token = (await office.post("/v1/tokens", {"name": "t", "scopes": ["chat"]}))["token"]
    reader = Office(house, office.id, token, office.knowledge_base_id, office.bot_id)
    assert (await reader.call("GET", "/v1/stats/cache")).status_code == 403


def stored_answer(sources: list[UUID], cited: list[UUID]) -> Stored:
    views = tuple(SourceView(n, chunk, chunk, chunk, "T", (), None, 1.0, "") for n, chunk in enumerate(sources, 1))
    citations = tuple(Cited(1, chunk, chunk, chunk, "T", None, (), 0, 1, 0, 1, None, True) for chunk in cited)
    return Stored("?", "So.", views, citations, Decimal(0))


def test_an_answer_is_given_again_only_from_the_same_evidence() -> None:
    a, b, c, d, e, f, g = (new_id() for _ in range(7))
    stored = stored_answer([a, b, c, d], [a, d])
    assert agree(stored, [a, b, c, d])
    assert agree(stored, [d, a, b, e])
    assert not agree(stored, [a, b, c])  # What it cites was not found again.
    assert not agree(stored, [e, f, g, a, d])  # The best of the two have too little in common.
    assert not agree(stored, [])
    assert agree(stored_answer([], []), [])
