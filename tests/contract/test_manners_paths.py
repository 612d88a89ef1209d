"""Unknown paths, wrong methods, ids of all spellings, request ids, keys and event ids."""

import asyncio
import re
from uuid import uuid4

from tests.contract.manners import UNKNOWN, UUID_V7, paths, problem
from tests.support.house import Office

UNKNOWN_PATHS: list[str] = ["/v1", "/v1/", "/v1/nothing", "/v1/bots/x/y/z", "/v2/bots", "/.env", "/schema", "/docs/x"]


async def test_an_unknown_path_is_not_found(tenant: Office) -> None:
    for path in UNKNOWN_PATHS:
        problem(await tenant.call("GET", path), 404, "not_found")


async def test_a_wrong_method_says_which_are_right(tenant: Office) -> None:
    for method, path, allowed in [
        ("PUT", "/v1/bots", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/v1/search", "OPTIONS, POST"),
        ("GET", "/v1/chat", "OPTIONS, POST"),
        ("POST", f"/v1/bots/{UNKNOWN}", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("PATCH", "/health/live", "GET, HEAD, OPTIONS"),
        ("TRACE", "/v1/bots", "GET, HEAD, OPTIONS, POST"),
        ("BREW", "/v1/bots", "GET, HEAD, OPTIONS, POST"),
    ]:
        answer = await tenant.call(method, path)
        problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == allowed, path


async def test_head_is_get_without_its_body(tenant: Office) -> None:
    for path in ("/health/live", "/v1/bots", "/schema/openapi.json", "/docs", f"/v1/bots/{tenant.bot_id}"):
        shown, told = await tenant.call("GET", path), await tenant.call("HEAD", path)
        assert (told.status_code, told.content) == (200, b""), path
        assert told.headers["content-type"] == shown.headers["content-type"]
        assert told.headers.get("content-length") == shown.headers.get("content-length")
    assert (await tenant.call("HEAD", f"/v1/bots/{UNKNOWN}")).status_code == 404
    assert (await tenant.house.client.head("/v1/bots")).status_code == 401
    refused = await tenant.call("HEAD", "/v1/search")
    assert (refused.status_code, refused.headers["allow"]) == (405, "OPTIONS, POST")


async def test_head_of_a_stream_ends_at_once(tenant: Office) -> None:
    async with asyncio.timeout(5):
        answer = await tenant.call("HEAD", "/v1/events", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_options_says_what_a_path_takes(tenant: Office) -> None:
    answer = await tenant.house.client.options("/v1/bots")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert (await tenant.house.client.options("/v1/nothing")).status_code == 404


STRANGE_IDS: list[str] = [
    "nonsense",
    "0",
    UNKNOWN,
    UNKNOWN.replace("-", ""),
    f"{{{UNKNOWN}}}",
    f"urn:uuid:{UNKNOWN}",
    "%20",
    "é",
]


async def test_malformed_and_unknown_ids_are_the_same_404(tenant: Office) -> None:
    for spelled in STRANGE_IDS:
        for path in (
            f"/v1/bots/{spelled}",
            f"/v1/runs/{spelled}",
            f"/v1/chats/{spelled}/messages",
            f"/v1/documents/{spelled}/file",
        ):
            problem(await tenant.call("GET", path), 404, "not_found")
        for path, body in (
            ("/v1/search", {"query": "x", "bot_id": spelled}),
            ("/v1/search", {"query": "x", "knowledge_base_ids": [tenant.knowledge_base_id, spelled]}),
            ("/v1/chat", {"message": "x", "chat_id": spelled}),
            ("/v1/bots", {"name": "B", "credential_id": spelled}),
            ("/v1/bots", {"name": "B", "retrieval": {"rerank": {"model": "cohere/x", "credential_id": spelled}}}),
            ("/v1/tokens", {"name": "T", "scopes": ["chat"], "bot_ids": [spelled]}),
            ("/v1/sources", {"type": "text", "title": "T", "content": "x", "knowledge_base_id": spelled}),
        ):
            problem(await tenant.call("POST", path, json=body), 404, "not_found")


# Request ids and headers


SANE_IDS: list[str] = ["abc", "A.b_c-1", "x" * 128, str(uuid4())]


async def test_a_sane_request_id_is_kept(tenant: Office) -> None:
    for sent in SANE_IDS:
        for path in ("/health/live", "/v1/bots", "/v1/nothing", f"/v1/bots/{UNKNOWN}"):
            answer = await tenant.call("GET", path, headers={"X-Request-ID": sent})
            assert answer.headers["x-request-id"] == sent
            assert answer.is_success or answer.json()["request_id"] == sent


OTHER_IDS: list[str] = ["", " ", "x" * 129, "a b", "a\tb", "<script>", 'a"b', "é", "a/b", "%0d%0aSet-Cookie: a=b"]


async def test_any_other_request_id_is_replaced(tenant: Office) -> None:
    for sent in OTHER_IDS:
        answer = await tenant.call("GET", f"/v1/bots/{UNKNOWN}", headers={"X-Request-ID": sent.encode()})
        assert UUID_V7.fullmatch(answer.headers["x-request-id"])
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_every_response_is_named_and_safe(tenant: Office) -> None:
    seen: set[str] = set()
    for method, path in [
        ("GET", "/health"), ("GET", "/docs"), ("GET", "/schema/openapi.json"), ("GET", "/metrics"), ("GET", "/nothing"),
        ("PUT", "/v1/bots"), ("OPTIONS", "/v1/bots"), ("HEAD", "/v1/bots"), ("GET", "/v1/bots"), ("POST", "/v1/chat"),
    ]:  # fmt: skip
        answer = await tenant.call(method, path)
        assert UUID_V7.fullmatch(answer.headers["x-request-id"]), path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "cache-control" in answer.headers
        assert "server" not in answer.headers
        seen.add(answer.headers["x-request-id"])
    assert len(seen) == 10


async def test_a_stream_is_named_unbuffered_and_never_compressed(tenant: Office) -> None:
    headers = {"Accept-Encoding": "gzip, br", "X-Request-ID": "stream-1"}
    answer = await tenant.call("POST", "/v1/chat", json={"message": "Hello there?"}, headers=headers)
    assert answer.headers["x-request-id"] == "stream-1"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in answer.headers


# Idempotency keys and event ids


STRANGE_KEYS: list[str] = ["", " ", "x" * 256, "a b", "é"]


async def test_a_strange_idempotency_key_is_invalid(tenant: Office) -> None:
    for key in STRANGE_KEYS:
        headers = {"Idempotency-Key": key.encode()}
        for path, body in (("/v1/chat", {"message": "Hi?", "stream": False}),
                           ("/v1/sources", {"type": "text", "title": "T", "content": "x"})):  # fmt: skip
            answer = await tenant.call("POST", path, json=body, headers=headers)
            assert paths(problem(answer, 422)) == {"Idempotency-Key"}


GARBAGE_IDS: list[str] = ["garbage!", "x" * 65, "%00", "a b"]


async def test_a_garbage_event_id_is_invalid(tenant: Office) -> None:
    for sent in GARBAGE_IDS:
        learned = await tenant.learn("Words", "Some words.")
        answer = await tenant.chat("Some words?")
        for path in (
            f"/v1/messages/{answer['message_id']}/stream",
            f"/v1/runs/{learned['run']['id']}/events",
            "/v1/events",
        ):
            problem(await tenant.call("GET", f"{path}?last_event_id={sent}"), 422)
            if sent != "%00":
                problem(await tenant.call("GET", path, headers={"Last-Event-ID": sent}), 422)


async def test_the_id_of_the_last_event_gets_nothing(tenant: Office) -> None:
    learned = await tenant.learn("Words", "Some words.")
    answer = await tenant.chat("Some words?")
    for path in (f"/v1/messages/{answer['message_id']}/stream", f"/v1/runs/{learned['run']['id']}/events"):
        whole = await tenant.call("GET", path)
        last = re.findall(r"^id: (.+)$", whole.text, re.MULTILINE)[-1]
        again = await tenant.call("GET", path, headers={"Last-Event-ID": last})
        assert (again.status_code, again.content) == (204, b""), path
