"""Every error under ``/openai`` has OpenAI's shape, whoever raised it; elsewhere nothing changes."""

from typing import Any

import openai
import pytest

from app.adapters.embedder.registry import LOCAL_MODEL
from tests.protocols.served import PAID, Served, limit
from tests.support.house import House, Office

CHAT = "/openai/v1/chat/completions"
BODY: Any = {"model": "Assistant", "messages": [{"role": "user", "content": PAID}]}


ERRORS: list[tuple[int, str, str, dict[str, Any]]] = [
    (400, "POST", CHAT, {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    (400, "POST", CHAT, {"content": b"", "headers": {"Content-Type": "application/json"}}),
    (400, "POST", CHAT, {"json": {}}),
    (400, "POST", "/openai/v1/embeddings", {"json": {"model": "x", "input": []}}),
    (404, "POST", CHAT, {"json": {**BODY, "model": "x"}}),
    (404, "GET", "/openai/v1/nothing", {}),
    (404, "GET", "/openai", {}),
    (405, "GET", CHAT, {}),
    (413, "POST", CHAT, {"json": {**BODY, "user": "x" * 2_000_000}}),
    (415, "POST", CHAT, {"content": b"x", "headers": {"Content-Type": "text/plain"}}),
]


async def test_an_error_has_the_shape(tenant: Office) -> None:
    for status, method, path, options in ERRORS:
        response = await tenant.call(method, path, **options)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-request-id"]
        (error,) = response.json().values()
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["message"]
        assert error["type"] == "invalid_request_error"


async def test_no_token_and_the_platforms_key_are_turned_away(house: House) -> None:
    nobody = await house.client.get("/openai/v1/models")
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert nobody.json()["error"]["code"] == "invalid_api_key"
    platform = await house.client.get("/openai/v1/models", headers=house.admin)
    assert (platform.status_code, platform.json()["error"]["type"]) == (403, "permission_error")


async def test_both_kinds_of_database_know_the_same_models(any_house: House) -> None:
    office = await any_house.tenant()
    known = {"Assistant": 200, office.bot_id: 200, "assistant": 404, "a%00b": 404, "%F0%9F%98%80": 404}
    for name, status in known.items():
        assert (await office.call("GET", f"/openai/v1/models/{name}")).status_code == status, name
    nul = await office.call("POST", CHAT, json={**BODY, "model": "a\x00b"})
    assert (nul.status_code, nul.json()["error"]["code"]) == (404, "model_not_found")
    said = await office.post(CHAT, BODY)
    assert said["choices"][0]["finish_reason"] == "stop"
    assert (await office.post("/openai/v1/embeddings", {"model": LOCAL_MODEL, "input": "leave"}))["data"]


async def test_elsewhere_errors_are_problems(tenant: Office) -> None:
    for path in ("/v1/nothing", "/openaiv1", "/v1/openai"):
        response = await tenant.call("GET", path)
        assert response.headers["content-type"] == "application/problem+json", path


async def test_a_limit_is_the_clients_rate_limit_error(served: Served, office: Office) -> None:
    await limit(office, requests_per_minute=2)
    async with served.openai(office.token) as client:
        await client.chat.completions.create(**BODY)
        await client.embeddings.create(model=LOCAL_MODEL, input="leave")
        for ask in (
            lambda: client.chat.completions.create(**BODY),
            lambda: client.chat.completions.create(**BODY, stream=True),
            lambda: client.embeddings.create(model=LOCAL_MODEL, input="leave"),
        ):
            with pytest.raises(openai.RateLimitError) as limited:
                await ask()
            assert int(limited.value.response.headers["retry-after"]) >= 1
            assert (limited.value.code, limited.value.type) == ("rate_limited", "rate_limit_error")


async def test_the_document_shows_the_shape(house: House) -> None:
    document = (await house.client.get("/schema/openapi.json")).json()
    for path in (CHAT, "/openai/v1/models", "/openai/v1/models/{model}", "/openai/v1/embeddings"):
        for operation in document["paths"][path].values():
            failures = {status: spec for status, spec in operation["responses"].items() if status > "400"}
            shown = {next(iter(spec["content"].values()))["schema"]["$ref"] for spec in failures.values()}
            assert shown == {"#/components/schemas/OpenAIError"}, path
