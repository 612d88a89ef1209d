"""OpenAI's own client at our door, over real HTTP: nothing about it is changed but address and key."""

import asyncio
import base64
import math
import struct
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.protocols.served import HANDBOOK, PAID, Served, a_bot, a_token, serve
from tests.support.house import House, Office, open_house, settings_in
from tests.support.provider import ScriptedProvider

USER: Any = [{"role": "user", "content": PAID}]


async def test_a_whole_answer_has_citations_and_usage(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    await a_bot(office, provider)
    async with served.openai(office.token) as client:
        answer = await client.chat.completions.create(model="scripted", messages=USER)
    choice = answer.choices[0]
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    assert choice.message.content
    cited = choice.message.model_extra["citations"]  # type: ignore[index]  # What is ours stands in the extras.
    assert cited[0]["title"] == "Handbook"
    assert "[1]" in choice.message.content[cited[0]["answer_start"] : cited[0]["answer_end"]]
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    (line,) = [line for line in (await office.get("/v1/usage/events"))["items"] if line["kind"] == "chat"]
    assert line["prompt_tokens"] == answer.usage.prompt_tokens
    assert answer.id == f"chatcmpl-{line['message_id']}"


async def test_a_stream_says_the_same_in_chunks(served: Served, office: Office) -> None:
    async with served.openai(office.token) as client:
        whole = await client.chat.completions.create(model=office.bot_id, messages=USER)
        stream = await client.chat.completions.create(
            model="Assistant", messages=USER, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    ended = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert [chunk.choices[0].finish_reason for chunk in ended] == ["stop"]
    cited = whole.choices[0].message.model_extra["citations"]  # type: ignore[index]  # As above.
    assert ended[0].model_extra["citations"] == cited  # type: ignore[index]
    assert chunks[-1].model_extra["citations"] == cited  # type: ignore[index]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_without_being_asked_a_stream_tells_no_usage(served: Served, office: Office) -> None:
    async with served.openai(office.token) as client:
        stream = await client.chat.completions.create(model="Assistant", messages=USER, stream=True)
        chunks = [chunk async for chunk in stream]
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].model_extra["citations"]  # type: ignore[index]  # As above.


async def test_the_wire_is_bare_data_lines_that_end_with_done(served: Served, office: Office) -> None:
    body = {"model": "Assistant", "messages": USER, "stream": True}
    response = await office.call("POST", "/openai/v1/chat/completions", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"
    lines = [line for line in response.text.split("\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"


async def test_an_abstention_is_its_message_and_a_stop(served: Served, house: House) -> None:
    empty = await house.tenant("Empty")
    async with served.openai(empty.token) as client:
        whole = await client.chat.completions.create(model="Assistant", messages=USER)
        stream = await client.chat.completions.create(model="Assistant", messages=USER, stream=True)
        chunks = [chunk async for chunk in stream]
    assert whole.choices[0].finish_reason == chunks[-1].choices[0].finish_reason == "stop"
    assert whole.choices[0].message.content
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content


async def test_earlier_turns_are_remembered_for_this_answer_and_not_stored(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    await a_bot(office, provider)
    talk: Any = [
        {"role": "user", "content": "How many days of leave do staff take?"},
        {"role": "assistant", "content": "30 days a year."},
        {"role": "user", "content": [{"type": "text", "text": "And how far ahead must it be asked for?"}]},
    ]
    async with served.openai(office.token) as client:
        answer = await client.chat.completions.create(
            model="scripted", messages=talk, user="visitor-7", metadata={"page": "start"}
        )
    sent = provider.requests[-1].body["messages"]
    assert [turn["role"] for turn in sent] == ["system", "user", "assistant", "user"]
    assert [turn["content"] for turn in sent[1:3]] == [talk[0]["content"], talk[1]["content"]]
    (chat,) = (await office.get("/v1/chats"))["items"]
    assert (chat["end_user"], chat["metadata"]) == ("visitor-7", {"page": "start"})
    stored = (await office.get(f"/v1/chats/{chat['id']}/messages"))["items"]
    assert [message["content"] for message in stored] == [
        "And how far ahead must it be asked for?",
        answer.choices[0].message.content,
    ]


async def test_a_system_message_is_a_wish_below_the_bots_own_words(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    await a_bot(office, provider, system_prompt="Speak like a miller.")
    wish: Any = [{"role": "system", "content": "Answer in verse."}, *USER]
    async with served.openai(office.token) as client:
        await client.chat.completions.create(model="scripted", messages=wish)
    system = provider.requests[-1].body["messages"][0]["content"]
    assert system.startswith("Speak like a miller.")
    assert system.index("Speak like") < system.index("Answer in verse.") < system.index("Rules that nothing")


async def test_temperature_and_length_reach_the_model_within_the_bots_limit(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    await a_bot(office, provider, max_tokens=100, temperature=0.1)
    async with served.openai(office.token) as client:
        short = await client.chat.completions.create(
            model="scripted", messages=USER, temperature=0.9, max_completion_tokens=3
        )
        await client.chat.completions.create(model="scripted", messages=USER, max_tokens=5000)
    first, second = (seen.body for seen in provider.requests[-2:])
    assert (first["temperature"], first["max_tokens"]) == (0.9, 3)
    assert (second["temperature"], second["max_tokens"]) == (0.1, 100)
    assert short.choices[0].finish_reason == "length"


async def test_bots_are_models_by_id_and_by_name(served: Served, office: Office, provider: ScriptedProvider) -> None:
    made = await a_bot(office, provider, name="Help/Desk")
    async with served.openai(office.token) as client:
        models = [model async for model in client.models.list()]
        assert [model.id for model in models] == [made, office.bot_id]
        assert models[0].model_extra == {"name": "Help/Desk"}
        by_name = await client.models.retrieve("Help/Desk")
        by_id = await client.models.retrieve(made)
    assert by_name.id == by_id.id == made


async def test_a_name_two_bots_bear_is_a_conflict(served: Served, office: Office) -> None:
    await office.post("/v1/bots", {"name": "Assistant", "model": "extractive"})
    async with served.openai(office.token) as client:
        with pytest.raises(openai.ConflictError) as ambiguous:
            await client.chat.completions.create(model="Assistant", messages=USER)
        assert ambiguous.value.code == "model_ambiguous"
        await client.chat.completions.create(model=office.bot_id, messages=USER)


async def test_a_token_bound_to_bots_sees_and_asks_only_those(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    mine = await a_bot(office, provider)
    bound = await a_token(office, "chat", bot_ids=[mine])
    async with served.openai(bound) as client:
        assert [model.id async for model in client.models.list()] == [mine]
        await client.chat.completions.create(model="scripted", messages=USER)
        for other in ("Assistant", office.bot_id):
            with pytest.raises(openai.NotFoundError):
                await client.chat.completions.create(model=other, messages=USER)


async def test_another_tenants_bot_and_model_do_not_exist(
    served: Served, house: House, office: Office, provider: ScriptedProvider
) -> None:
    theirs = await a_bot(office, provider, name="Theirs")
    stranger = await house.tenant("Other")
    async with served.openai(stranger.token) as client:
        seen = []
        for model in (theirs, "Theirs", "01a1f7f1-d3cd-7277-aed7-b226d762536a", "nonsense"):
            with pytest.raises(openai.NotFoundError) as unknown:
                await client.chat.completions.create(model=model, messages=USER)
            seen.append((unknown.value.code, str(unknown.value).replace(model, "")))
            with pytest.raises(openai.NotFoundError):
                await client.models.retrieve(model)
    assert len(set(seen)) == 1
    assert seen[0][0] == "model_not_found"


async def test_errors_are_the_clients_own_exceptions(served: Served, office: Office) -> None:
    async with served.openai("mr_wrong") as client:
        with pytest.raises(openai.AuthenticationError) as unknown:
            await client.models.list()
        assert unknown.value.code == "invalid_api_key"
        assert unknown.value.request_id
    async with served.openai(await a_token(office, "search")) as client:
        with pytest.raises(openai.PermissionDeniedError):
            await client.chat.completions.create(model="Assistant", messages=USER)
        with pytest.raises(openai.PermissionDeniedError):
            await client.embeddings.create(model="local/granite-embedding-30m-english", input="x")
    async with served.openai(office.token) as client:
        with pytest.raises(openai.BadRequestError) as empty:
            await client.chat.completions.create(model="Assistant", messages=[])
        assert (empty.value.param, empty.value.type) == ("messages", "invalid_request_error")
        with pytest.raises(openai.NotFoundError):
            await client.completions.create(model="Assistant", prompt="x")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"n": 2}, "n"),
    ({"stop": ["\n"]}, "stop"),
    ({"top_p": 0.5}, "top_p"),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
    ({"response_format": {"type": "json_object"}}, "response_format"),
    ({"temperature": 3}, "temperature"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ({"extra_body": {"made_up": 1}}, "made_up"),
    ({"messages": [{"role": "assistant", "content": "Hm."}]}, "messages"),
    ({"messages": [{"role": "user", "content": " "}]}, "messages"),
    ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages.0.role"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]},
        "messages.0.content",
    ),
]


async def test_what_cannot_be_honoured_is_refused_by_name(served: Served, office: Office) -> None:
    async with served.openai(office.token) as client:
        for options, param in REFUSED:
            with pytest.raises(openai.BadRequestError) as refused:
                await client.chat.completions.create(**{"model": "Assistant", "messages": USER, **options})
            assert refused.value.param == param
    assert (await office.get("/v1/chats"))["items"] == []


async def test_what_asks_for_nothing_special_is_accepted(served: Served, office: Office) -> None:
    harmless: dict[str, Any] = {
        "n": 1, "top_p": 1.0, "presence_penalty": 0, "frequency_penalty": 0.0, "stop": None, "tools": [],
        "tool_choice": "none", "response_format": {"type": "text"}, "logprobs": False, "seed": 7, "store": False,
    }  # fmt: skip
    async with served.openai(office.token) as client:
        answer = await client.chat.completions.create(model="Assistant", messages=USER, **harmless)
    assert answer.choices[0].message.content


async def test_a_provider_that_fails_before_any_text_is_an_http_error(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    async with served.openai(office.token) as client:
        for model, status, code in (
            ("scripted-500", 502, "provider_error"),
            ("scripted-401", 502, "provider_auth_failed"),
            ("scripted-429", 503, "provider_rate_limited"),
        ):
            await a_bot(office, provider, model)
            for stream in (False, True):
                with pytest.raises(openai.InternalServerError) as failed:
                    await client.chat.completions.create(model=model, messages=USER, stream=stream)
                error = failed.value
                assert (error.status_code, error.code, error.type) == (status, code, "server_error")
                assert ("retry-after" in error.response.headers) == (status == 503)


async def test_a_provider_that_is_silent_is_a_gateway_timeout(tmp_path: Path, provider: ScriptedProvider) -> None:
    async with open_house(settings_in(tmp_path, provider_timeout_s=0.3)) as house, serve(house) as served:
        office = await house.tenant()
        await office.learn("Handbook", HANDBOOK)
        await a_bot(office, provider, "scripted-hang")
        async with served.openai(office.token) as client:
            for stream in (False, True):
                with pytest.raises(openai.InternalServerError) as silent:
                    await client.chat.completions.create(model="scripted-hang", messages=USER, stream=stream)
                assert (silent.value.status_code, silent.value.code) == (504, "provider_timeout")


async def test_a_failure_in_mid_stream_is_never_a_normal_end(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    await a_bot(office, provider, "scripted-midstream-500")
    async with served.openai(office.token) as client:
        stream = await client.chat.completions.create(model="scripted-midstream-500", messages=USER, stream=True)
        text, reasons = "", []
        failed = None
        try:
            async for chunk in stream:
                text += chunk.choices[0].delta.content or ""
                reasons.append(chunk.choices[0].finish_reason)
        except openai.APIError as error:
            failed = error
        assert failed is not None
        assert failed.code == "provider_error"
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model="scripted-midstream-500", messages=USER)
    assert text
    assert set(reasons) == {None}
    (_, first) = (await office.get("/v1/chats"))["items"]
    stored = (await office.get(f"/v1/chats/{first['id']}/messages"))["items"][1]
    assert (stored["content"], stored["finish_reason"]) == (text, "error")


async def test_a_cancelled_answer_ends_as_one_that_is_cut_short(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    await a_bot(office, provider, "scripted-tokens-400-10")
    async with served.openai(office.token) as client:
        stream = await client.chat.completions.create(model="scripted-tokens-400-10", messages=USER, stream=True)
        chunks = []
        async for chunk in stream:
            chunks.append(chunk)
            if len(chunks) == 5:
                await office.post(f"/v1/messages/{chunk.id.removeprefix('chatcmpl-')}/cancel")
    assert chunks[-1].choices[0].finish_reason == "length"
    assert await provider.aborted()


async def test_a_client_that_goes_is_waited_for_and_then_the_model_is_stopped(
    tmp_path: Path, provider: ScriptedProvider
) -> None:
    async with open_house(settings_in(tmp_path, abandoned_answer_s=0.3)) as house, serve(house) as served:
        office = await house.tenant()
        await office.learn("Handbook", HANDBOOK)
        await a_bot(office, provider, "scripted-tokens-2000-10")
        async with served.openai(office.token) as client:
            stream = await client.chat.completions.create(model="scripted-tokens-2000-10", messages=USER, stream=True)
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
            await stream.close()
        assert await provider.aborted(within_s=10)
        (chat,) = (await office.get("/v1/chats"))["items"]
        answer: dict[str, Any] = {"finish_reason": None}
        async with asyncio.timeout(5):
            while answer["finish_reason"] is None:
                await asyncio.sleep(0.02)
                answer = (await office.get(f"/v1/chats/{chat['id']}/messages"))["items"][1]
        assert answer["finish_reason"] == "cancelled"
        assert answer["content"]


async def test_embeddings_are_the_models_own_and_metered(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    local = "local/granite-embedding-30m-english"
    async with served.openai(office.token) as client:
        answer = await client.embeddings.create(model=local, input=["leave", "pay"], user="visitor-7")
        plain = await client.embeddings.create(model=local, input="leave", encoding_format="float", dimensions=384)
    assert [item.index for item in answer.data] == [0, 1]
    assert len(answer.data[0].embedding) == 384
    assert math.isclose(sum(number**2 for number in answer.data[1].embedding), 1, rel_tol=1e-4)
    assert plain.data[0].embedding == pytest.approx(answer.data[0].embedding)
    lines = [line for line in (await office.get("/v1/usage/events"))["items"] if line["end_user"] == "visitor-7"]
    assert [line["kind"] for line in lines] == ["embedding"]
    assert lines[0]["embedding_tokens"] == answer.usage.prompt_tokens > 0


async def test_embeddings_in_base64_are_little_endian_floats(office: Office) -> None:
    body = {"model": "granite-embedding-30m-english", "input": "leave"}
    floats = await office.post("/openai/v1/embeddings", body)
    packed = await office.post("/openai/v1/embeddings", {**body, "encoding_format": "base64"})
    numbers = struct.unpack("<384f", base64.b64decode(packed["data"][0]["embedding"]))
    assert list(numbers) == pytest.approx(floats["data"][0]["embedding"])


async def test_an_embedding_model_of_a_knowledge_base_is_called_with_its_key(
    served: Served, office: Office, provider: ScriptedProvider
) -> None:
    key = {"name": "key", "provider": "openai", "api_key": "sk-embed-1234567890", "api_base": provider.openai_base}
    credential = await office.post("/v1/credentials", key)
    choice = {"model": "openai/scripted-embed-48", "credential_id": credential["id"]}
    await office.post("/v1/knowledge-bases", {"name": "Other", "embedding_models": [choice]})
    async with served.openai(office.token) as client:
        for name in ("openai/scripted-embed-48", "scripted-embed-48"):
            answer = await client.embeddings.create(model=name, input="leave")
            assert len(answer.data[0].embedding) == 48
        with pytest.raises(openai.BadRequestError):
            await client.embeddings.create(model="scripted-embed-48", input="leave", dimensions=7)
        with pytest.raises(openai.BadRequestError):
            await client.embeddings.create(model="scripted-embed-48", input=[1, 2, 3])
        with pytest.raises(openai.NotFoundError):
            await client.embeddings.create(model="text-embedding-3-small", input="leave")
    assert provider.requests[-1].key == "sk-embed-1234567890"
