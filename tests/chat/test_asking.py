"""Asking through the door, embedded and on services: streams, JSON, conversations, refusals, failures."""

import pytest

from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider

HANDBOOK = """# Leave

Staff take 30 days of leave a year. Leave must be asked for two weeks ahead.

# Pay

Salaries are paid on the 25th of each month. A bonus of 500 EUR is paid in December.

# Parking

The car park behind the mill has 42 places. Visitors park in row B.
"""


async def a_model_bot(office: Office, provider: ScriptedProvider, model: str, **fields: object) -> str:
    credential = await office.post(
        "/v1/credentials",
        {
            "name": f"key {model}",
            "provider": "openai",
            "api_key": "sk-test-1234567890",
            "api_base": provider.openai_base,
        },
    )
    bot = await office.post(
        "/v1/bots", {"name": model, "model": f"openai/{model}", "credential_id": credential["id"], **fields}
    )
    return bot["id"]


def types(events: list) -> list[str]:
    return [event.type for event in events]


async def test_the_extractive_bot_quotes_with_citations(any_house: House) -> None:
    office = await any_house.tenant()
    await office.learn("Handbook", HANDBOOK)
    events = await office.stream("How many days of leave do staff take?")
    assert types(events)[:2] == ["started", "sources"]
    assert types(events)[-2:] == ["usage", "done"]
    assert set(types(events)[2:-2]) == {"delta", "citation"}
    answer = "".join(event.data["text"] for event in events if event.type == "delta")
    assert "Staff take 30 days of leave a year." in answer
    cited = [event.data for event in events if event.type == "citation"]
    assert cited
    assert all(citation["verified"] for citation in cited)
    assert "[1]" in answer[cited[0]["answer_start"] : cited[0]["answer_end"]]
    assert events[-1].data["finish_reason"] == "stop"


async def test_json_and_stream_and_reload_say_the_same(tenant: Office) -> None:
    await tenant.learn("Handbook", HANDBOOK)
    whole = await tenant.chat("When are salaries paid?")
    (question, answer) = (await tenant.get(f"/v1/chats/{whole['chat_id']}/messages"))["items"]
    assert (question["role"], question["content"]) == ("user", "When are salaries paid?")
    assert answer["id"] == whole["message_id"]
    assert answer["content"] == whole["answer"]
    assert answer["citations"] == whole["citations"]
    assert answer["sources"] == whole["sources"]
    assert answer["usage"] == whole["usage"]
    streamed = await tenant.stream("When are salaries paid?")
    assert "".join(event.data["text"] for event in streamed if event.type == "delta") == whole["answer"]


async def test_a_chat_model_answers_over_http_and_is_metered(any_house: House, provider: ScriptedProvider) -> None:
    office = await any_house.tenant()
    await office.learn("Handbook", HANDBOOK)
    bot = await a_model_bot(office, provider, "scripted")
    events = await office.stream("How many places has the car park?", bot_id=bot)
    usage = next(event.data for event in events if event.type == "usage")
    assert usage["prompt_tokens"] > 0
    assert usage["completion_tokens"] > 0
    assert not usage["estimated"]
    assert types(events).count("citation") >= 1
    ledger = (await office.get("/v1/usage/events"))["items"]
    (chat,) = [line for line in ledger if line["kind"] == "chat"]
    assert chat["prompt_tokens"] == usage["prompt_tokens"]
    assert chat["message_id"] == events[0].data["message_id"]


async def test_the_documents_stand_fenced_in_the_prompt(tenant: Office, provider: ScriptedProvider) -> None:
    await tenant.learn("Handbook", HANDBOOK)
    bot = await a_model_bot(tenant, provider, "scripted", system_prompt="Speak like a miller.")
    await tenant.chat("How many places has the car park?", bot_id=bot)
    system = provider.requests[-1].body["messages"][0]["content"]
    assert system.startswith("Speak like a miller.")
    fence = system.rstrip().splitlines()[-1]
    assert system.count(fence) == 3
    assert "42 places" in system.split(fence)[2]


async def test_an_empty_knowledge_base_abstains_without_asking_a_model(
    tenant: Office, provider: ScriptedProvider
) -> None:
    bot = await a_model_bot(tenant, provider, "scripted")
    events = await tenant.stream("What is the meaning of life?", bot_id=bot)
    assert types(events) == ["started", "sources", "abstained", "usage", "done"]
    assert events[2].data["reason"] == "no_results"
    assert events[-1].data["finish_reason"] == "abstained"
    assert provider.requests == []
    (line,) = [line for line in (await tenant.get("/v1/usage/events"))["items"] if line["kind"] == "chat"]
    assert line["prompt_tokens"] == 0


async def test_a_follow_up_question_is_searched_with_what_it_refers_to(
    tenant: Office, provider: ScriptedProvider
) -> None:
    await tenant.learn("Handbook", HANDBOOK)
    first = await tenant.chat("How many days of leave do staff take?")
    events = await tenant.stream("And how far ahead must it be asked for?", chat_id=first["chat_id"])
    sources = next(event.data for event in events if event.type == "sources")
    assert "leave" in sources["query"]


async def test_history_goes_to_the_model_but_refusals_do_not(tenant: Office, provider: ScriptedProvider) -> None:
    await tenant.learn("Handbook", HANDBOOK)
    bot = await a_model_bot(tenant, provider, "scripted", abstain={"min_score": 0.5})
    first = await tenant.chat("How many days of leave do staff take each year?", bot_id=bot)
    refused = await tenant.chat("Which zebra won the Eurovision?", bot_id=bot, chat_id=first["chat_id"])
    assert refused["finish_reason"] == "abstained"
    await tenant.chat("When are the salaries of staff paid each month?", bot_id=bot, chat_id=first["chat_id"])
    turns = provider.requests[-1].body["messages"]
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant", "user"]
    assert not any("zebra" in turn["content"] for turn in turns)


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("scripted-401", 502, "provider_auth_failed"),
        ("scripted-500", 502, "provider_error"),
    ],
)
async def test_a_failing_provider_is_a_problem_in_json_and_an_error_event_in_a_stream(
    tenant: Office, provider: ScriptedProvider, model: str, status: int, code: str
) -> None:
    await tenant.learn("Handbook", HANDBOOK)
    bot = await a_model_bot(tenant, provider, model)
    response = await tenant.call(
        "POST", "/v1/chat", json={"message": "When are salaries paid?", "stream": False, "bot_id": bot}
    )
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    stored = await tenant.call("GET", f"/v1/messages/{response.json()['message_id']}/stream")
    assert stored.status_code == 200
    events = await tenant.stream("When are salaries paid?", bot_id=bot)
    assert types(events) == ["started", "sources", "error", "usage", "done"]
    assert events[2].data["code"] == code
    assert events[-1].data["finish_reason"] == "error"


async def test_text_before_a_failure_in_mid_stream_is_kept_and_billed(
    tenant: Office, provider: ScriptedProvider
) -> None:
    await tenant.learn("Handbook", HANDBOOK)
    bot = await a_model_bot(tenant, provider, "scripted-midstream-500")
    answer = await tenant.chat("When are salaries paid?", bot_id=bot)
    assert answer["finish_reason"] == "error"
    assert answer["answer"]
    assert answer["error"]["code"] == "provider_error"
    assert answer["usage"]["estimated"]
    assert answer["usage"]["completion_tokens"] > 0


async def test_an_unknown_bot_or_chat_is_not_found(tenant: Office, house: House) -> None:
    other = await house.tenant("Other")
    for fields in ({"bot_id": other.bot_id}, {"bot_id": "nonsense"}, {"chat_id": other.id}):
        response = await tenant.call("POST", "/v1/chat", json={"message": "Hello there", **fields})
        assert response.status_code == 404, fields


async def test_the_same_idempotency_key_answers_once(tenant: Office) -> None:
    await tenant.learn("Handbook", HANDBOOK)
    ask = {"json": {"message": "When are salaries paid?", "stream": False}, "headers": {"Idempotency-Key": "k1"}}
    first = (await tenant.call("POST", "/v1/chat", **ask)).json()
    again = (await tenant.call("POST", "/v1/chat", **ask)).json()
    assert again["message_id"] == first["message_id"]
    assert len((await tenant.get("/v1/chats"))["items"]) == 1
    other = await tenant.call(
        "POST", "/v1/chat", json={"message": "Another?", "stream": False}, headers={"Idempotency-Key": "k1"}
    )
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_debug_shows_every_candidate(tenant: Office) -> None:
    await tenant.learn("Handbook", HANDBOOK)
    answer = await tenant.chat("When are salaries paid?", debug=True)
    assert answer["trace"]["candidates"]
    assert {"scores", "n", "dropped", "chunk_id"} <= answer["trace"]["candidates"][0].keys()


async def test_feedback_is_kept_with_the_message(tenant: Office) -> None:
    answer = await tenant.chat("Anything at all?")
    await tenant.post(f"/v1/messages/{answer['message_id']}/feedback", {"rating": "down", "comment": "No."})
    messages = (await tenant.get(f"/v1/chats/{answer['chat_id']}/messages"))["items"]
    assert messages[1]["feedback"] == {"rating": "down", "comment": "No."}


async def test_a_deleted_chat_is_gone(tenant: Office) -> None:
    answer = await tenant.chat("Anything at all?")
    assert await tenant.delete(f"/v1/chats/{answer['chat_id']}") == 204
    assert (await tenant.call("DELETE", f"/v1/chats/{answer['chat_id']}")).status_code == 404
    assert (await tenant.call("GET", f"/v1/messages/{answer['message_id']}/stream")).status_code == 404
