"""How bodies are read, and how wrong fields and sizes are told."""

import json
from typing import Any

from tests.contract.manners import JSON, UNKNOWN, WRITING, paths, problem
from tests.support.house import House, Office

MALFORMED: list[bytes] = [
    b"",
    b"   ",
    b"{",
    b'{"name": "x",}',
    b"{'name': 'x'}",
    b'{"name": "\xff\xfe"}',
    b'\xef\xbb\xbf{"name"',
    b'{"name": NaN}',
    b'{"name": Infinity}',
    b'{"name": -Infinity}',
    b'{"name": 1e999}',
    b"[" * 100 + b"]" * 100,
    b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"a": 1}{"b": 2}',
    b"\x00",
]


async def test_what_is_not_json_is_malformed(tenant: Office) -> None:
    for body in MALFORMED:
        for method, path, _ in WRITING:
            answer = await tenant.call(method, path, content=body, headers=JSON)
            problem(answer, 400, "malformed_request")
    assert (await tenant.call("POST", "/v1/search")).status_code == 400, "nothing at all, of no type at all"


OTHER_SHAPES: list[Any] = [[], "text", 7, None, True]


async def test_json_of_another_shape_is_invalid(tenant: Office) -> None:
    for body in OTHER_SHAPES:
        for method, path, _ in WRITING:
            answer = await tenant.call(method, path, content=json.dumps(body).encode(), headers=JSON)
            problem(answer, 422, "invalid_request")


OTHER_TYPES: list[str | None] = ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", None]


async def test_another_content_type_is_not_supported(tenant: Office) -> None:
    for kind in OTHER_TYPES:
        for method, path, body in WRITING:
            headers = {} if kind is None else {"Content-Type": kind}
            answer = await tenant.call(method, path, content=json.dumps(body).encode(), headers=headers)
            problem(answer, 415, "unsupported_type")


async def test_a_form_is_taken_for_sources_alone(tenant: Office) -> None:
    for method, path, _ in WRITING:
        if path != "/v1/sources":
            problem(await tenant.call(method, path, files={"file": ("a.txt", b"Words.")}), 415)


NAMES_OF_JSON: list[str] = ["application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"]


async def test_json_by_any_of_its_names_is_read(tenant: Office) -> None:
    for kind in NAMES_OF_JSON:
        body = json.dumps({"name": f"Made {kind}"}).encode()
        answer = await tenant.call("POST", "/v1/knowledge-bases", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 201, answer.text


# Fields that are wrong


async def test_unknown_fields_are_refused_by_name(tenant: Office) -> None:
    for method, path, body in WRITING:
        told = problem(await tenant.call(method, path, json={**body, "colour": "red"}), 422, "invalid_request")
        assert "colour" in paths(told), path


WRONG_FIELDS: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/bots", {"name": "B", "retrieval": {"max_chunks": 0}}, "retrieval.max_chunks"),
    ("/v1/bots", {"name": "B", "retrieval": {"fusion": {"method": "magic"}}}, "retrieval.fusion.method"),
    ("/v1/bots", {"name": "B", "widget": {"suggested_questions": ["", "x"]}}, "widget.suggested_questions.0"),
    ("/v1/bots", {"name": "B", "cache": {"ttl_s": 1.5}}, "cache.ttl_s"),
    ("/v1/bots", {"name": "B", "temperature": 2.1}, "temperature"),
    ("/v1/bots", {"name": "B", "retrieval": {"colour": 1}}, "retrieval.colour"),
    ("/v1/bots", {}, "name"),
    ("/v1/tokens", {"name": "T", "scopes": ["root"]}, "scopes.0"),
    ("/v1/tokens", {"name": "T", "scopes": ["chat"], "expires_at": "tomorrow"}, "expires_at"),
    ("/v1/tokens", {"name": "T", "scopes": ["chat"], "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ("/v1/tokens", {"name": "T", "scopes": ["chat"], "expires_at": "2090-01-01T00:00:00"}, "expires_at"),
    ("/v1/users", {"email": "nobody", "password": "correct horse"}, "email"),
    ("/v1/users", {"email": "a@example.com", "password": "short"}, "password"),
    ("/v1/knowledge-bases", {"name": "K", "embedding_models": [{"model": ""}]}, "embedding_models.0.model"),
    ("/v1/search", {"query": "x", "limit": 0}, "limit"),
    ("/v1/search", {"query": "x", "limit": 101}, "limit"),
    ("/v1/search", {"query": "x", "limit": "many"}, "limit"),
    ("/v1/search", {"query": ""}, "query"),
    ("/v1/search", {"query": " \n\t "}, "query"),
    ("/v1/search", {"query": None}, "query"),
    ("/v1/search", {}, "query"),
    ("/v1/chat", {"message": ""}, "message"),
    ("/v1/chat", {"message": "   "}, "message"),
    ("/v1/chat", {"message": ["Hello"]}, "message"),
    ("/v1/chat", {"message": "Hello", "end_user": {"id": ""}}, "end_user.id"),
    ("/v1/chat", {"message": "Hello", "stream": "perhaps"}, "stream"),
    ("/v1/sources", {"type": "text", "title": "T"}, "content"),
    ("/v1/sources", {"type": "text", "title": "", "content": "x"}, "title"),
    ("/v1/sources", {"type": "gopher", "title": "T", "content": "x"}, "type"),
]


async def test_a_wrong_field_is_named_with_its_dotted_path(tenant: Office) -> None:
    for path, body, place in WRONG_FIELDS:
        told = problem(await tenant.call("POST", path, json=body), 422, "invalid_request")
        assert place in paths(told), told


HALF_PAIRS: list[tuple[str, bytes, str]] = [
    ("/v1/chat", b'{"message": "half \\ud800 of it"}', "message"),
    ("/v1/search", b'{"query": "\\udfff"}', "query"),
    ("/v1/bots", b'{"name": "B", "widget": {"title": "\\ud83d"}}', "widget.title"),
    ("/v1/sources", b'{"type": "text", "title": "T", "content": "x \\udc00"}', "content"),
    ("/v1/tokens", b'{"name": "\\ud800", "scopes": ["chat"]}', "name"),
    ("/v1/chat", b'{"message": "x", "metadata": {"\\ud800": 1}}', "metadata"),
]


async def test_half_a_surrogate_pair_is_no_text(tenant: Office) -> None:
    for path, body, place in HALF_PAIRS:
        told = problem(await tenant.call("POST", path, content=body, headers=JSON), 422)
        assert any(found.startswith(place) for found in paths(told)), told


async def test_a_whole_surrogate_pair_is_text(tenant: Office) -> None:
    body = b'{"name": "An otter \\ud83e\\udda6"}'
    answer = await tenant.call("POST", "/v1/bots", content=body, headers=JSON)
    assert answer.json()["name"] == "An otter 🦦"


NUL = "a\x00b"


NUL_IN_NAMES: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/bots", {"name": NUL}, "name"),
    ("/v1/bots", {"name": "B", "system_prompt": NUL}, "system_prompt"),
    ("/v1/bots", {"name": "B", "abstain": {"message": NUL}}, "abstain.message"),
    ("/v1/bots", {"name": "B", "widget": {"greeting": NUL}}, "widget.greeting"),
    ("/v1/bots", {"name": "B", "widget": {"suggested_questions": [NUL]}}, "widget.suggested_questions.0"),
    ("/v1/knowledge-bases", {"name": NUL}, "name"),
    ("/v1/knowledge-bases", {"name": "K", "description": NUL}, "description"),
    ("/v1/tokens", {"name": NUL, "scopes": ["chat"]}, "name"),
    ("/v1/users", {"email": "a\x00@example.com", "password": "correct horse"}, "email"),
    ("/v1/credentials", {"name": NUL, "provider": "openai", "api_key": "k"}, "name"),
    ("/v1/credentials", {"name": "C", "provider": NUL, "api_key": "k"}, "provider"),
    ("/v1/sources", {"type": "text", "title": NUL, "content": "x"}, "title"),
    ("/v1/sources", {"type": "text", "title": "T", "content": "x", "external_id": NUL}, "external_id"),
    ("/v1/sources", {"type": "text", "title": "T", "content": "x", "metadata": {"a": NUL}}, "metadata"),
    ("/v1/sources", {"type": "text", "title": "T", "content": "x", "metadata": {NUL: "a"}}, "metadata"),
    ("/v1/chat", {"message": NUL}, "message"),
    ("/v1/chat", {"message": "x", "end_user": {"id": NUL}}, "end_user.id"),
    ("/v1/chat", {"message": "x", "metadata": {"a": NUL}}, "metadata"),
    ("/v1/chat", {"message": "x", "metadata": {"a": [NUL]}}, "metadata"),
    ("/v1/search", {"query": NUL}, "query"),
]


async def test_nul_in_names_is_refused(tenant: Office) -> None:
    for path, body, place in NUL_IN_NAMES:
        told = problem(await tenant.call("POST", path, json=body), 422)
        assert any(found.startswith(place) for found in paths(told)), told


async def test_nul_in_query_parameters_harms_nothing(any_house: House) -> None:
    office = await any_house.tenant()
    asked = ["/v1/sources?q=%00", "/v1/documents?q=a%00", "/v1/sources?external_id=%00", "/v1/chats?end_user=%00"]
    asked += ["/v1/usage?from=%00", "/v1/chats?cursor=%00", "/v1/runs?status=%00", "/v1/events?after=%00"]
    for path in asked:
        problem(await office.call("GET", path), 422)
    problem(await office.call("GET", "/v1/bots/%00"), 404)
    assert (await office.call("GET", "/openai/v1/models/%00")).status_code == 404
    named = {"model": NUL, "messages": [{"role": "user", "content": "Hello?"}]}
    assert (await office.call("POST", "/openai/v1/chat/completions", json=named)).status_code in {400, 404}
    named = {"model": NUL, "input": "Hello"}
    assert (await office.call("POST", "/openai/v1/embeddings", json=named)).status_code in {400, 404}
    form = {"email": "ada\x00@example.com", "password": "correct horse"}
    assert (await any_house.client.post("/v1/auth/login", json=form)).status_code in {401, 422}
    problem(await office.call("POST", f"/v1/messages/{UNKNOWN}/feedback", json={"rating": "up", "comment": NUL}), 422)


async def test_nul_in_the_text_of_a_document_is_dropped(any_house: House) -> None:
    office = await any_house.tenant()
    learned = await office.learn("Holes", "The word is \x00wal\x00rus.")
    assert learned["run"]["status"] == "succeeded"
    document = (await office.get("/v1/documents"))["items"][0]
    told = await office.call("GET", f"/v1/documents/{document['id']}/text")
    assert told.text.strip() == "The word is walrus."
    assert told.headers["content-type"].startswith("text/plain")


# Sizes


async def test_json_over_a_megabyte_is_too_large(tenant: Office) -> None:
    for method, path, body in WRITING:
        if path != "/v1/sources":
            answer = await tenant.call(method, path, json={**body, "padding": "x" * 1_100_000})
            problem(answer, 413, "too_large")


async def test_a_text_source_may_be_as_large_as_an_upload(tenant: Office) -> None:
    words = "All work and no play makes a dull day.\n\n" * 40_000
    body = {"type": "text", "title": "Long", "content": words}
    answer = await tenant.call("POST", "/v1/sources", json=body)
    assert answer.status_code == 202, answer.text
    await tenant.post(f"/v1/runs/{answer.json()['run']['id']}/cancel")


async def test_what_is_larger_than_an_upload_may_be_is_too_large(house: House, tenant: Office) -> None:
    limit = house.runtime.settings.max_upload_bytes
    content = b"x" * (limit + 1)
    problem(await tenant.call("POST", "/v1/sources", files={"file": ("big.txt", content)}), 413, "too_large")
