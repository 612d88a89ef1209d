"""Every route, with another tenant's ids: what is theirs looks exactly like what does not exist."""

import re
from uuid import uuid4

import httpx
import pytest

from tests.isolation.operations import (
    ANYBODY,
    MALFORMED,
    OPEN,
    PLATFORM,
    SCOPES,
    bearer,
    every_operation,
    kind_of,
    mixed,
)
from tests.isolation.world import EVERYTHING, World, a_world
from tests.support.house import House

GOOD = {200, 201, 202, 204, 409}
JSON, PROBLEM = "application/json", "application/problem+json"


async def two_worlds(house: House) -> tuple[World, World]:
    return await a_world(house, "quokka"), await a_world(house, "narwhal")


ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def seen(answer: httpx.Response) -> tuple[int, str, str]:
    """All that an answer tells, its request id and the ids it was asked for aside."""
    return answer.status_code, answer.headers.get("content-type", ""), ID.sub("<id>", answer.text)


def unknown(ids: dict[str, str]) -> dict[str, str]:
    return {name: str(uuid4()) for name in ids}


def malformed(ids: dict[str, str]) -> dict[str, str]:
    return dict.fromkeys(ids, MALFORMED)


async def test_another_tenants_ids_answer_like_unknown_ones(any_house: House) -> None:
    mine, theirs = await two_worlds(any_house)
    headers = bearer(mine.office.token)
    tried = 0
    for operation in await every_operation(any_house):
        if operation.id in PLATFORM | OPEN:
            continue
        for strangers in (theirs.ids, unknown(theirs.ids), malformed(theirs.ids)):
            for ids in mixed(operation, mine, strangers):
                answer = await operation.call(any_house, headers, ids)
                assert answer.status_code == 404, (operation.id, answer.text)
                expected = JSON if operation.path.startswith("/openai") else PROBLEM
                assert answer.headers["content-type"] == expected, operation.id
                tried += 1
        for ids, absent in zip(
            mixed(operation, mine, theirs.ids), mixed(operation, mine, unknown(theirs.ids)), strict=True
        ):
            foreign = await operation.call(any_house, headers, ids)
            nothing = await operation.call(any_house, headers, absent)
            assert seen(foreign) == seen(nothing), operation.id
    assert tried > 100
    await assert_untouched(any_house, theirs)


async def test_another_tenants_ids_in_bodies_answer_like_unknown_ones(any_house: House) -> None:
    mine, theirs = await two_worlds(any_house)
    headers = bearer(mine.office.token)
    tried: list[str] = []
    for operation in await every_operation(any_house):
        for place in operation.id_fields:
            kind = kind_of(place)
            answers = [
                await operation.call(any_house, headers, mine.ids, json=operation.body(mine.ids, place, value))
                for value in (theirs.ids[kind], str(uuid4()), MALFORMED)
            ]
            assert answers[0].status_code == 404, (operation.id, place, answers[0].text)
            assert seen(answers[0]) == seen(answers[1]), (operation.id, place)
            assert seen(answers[2])[:2] == seen(answers[1])[:2], (operation.id, place)
            own = await operation.call(
                any_house, headers, mine.ids, json=operation.body(mine.ids, place, mine.ids[kind])
            )
            assert own.status_code != 404, (operation.id, place, own.text)
            tried.append(f"{operation.id} {place}")
    assert len(tried) >= 10, tried
    await assert_untouched(any_house, theirs)


async def test_another_tenants_ids_as_filters_find_what_unknown_ones_find(any_house: House) -> None:
    mine, theirs = await two_worlds(any_house)
    tried = 0
    for operation in await every_operation(any_house):
        for name in operation.query_ids:
            answers = [
                await operation.call(any_house, bearer(mine.office.token), mine.ids, params={name: value})
                for value in (theirs.ids[name], str(uuid4()))
            ]
            assert seen(answers[0]) == seen(answers[1]), (operation.id, name)
            assert answers[0].status_code == 404 or answers[0].json()["items"] == [], (operation.id, name)
            tried += 1
    assert tried >= 7


async def test_a_missing_scope_is_told_before_a_missing_thing(any_house: House) -> None:
    mine, theirs = await two_worlds(any_house)
    for operation in await every_operation(any_house):
        if operation.id in PLATFORM | OPEN | ANYBODY:
            continue
        narrow = await mine.token([scope for scope in EVERYTHING if scope not in operation.scopes])
        for ids in (mine.ids, theirs.ids, unknown(theirs.ids), malformed(theirs.ids)):
            answer = await operation.call(any_house, bearer(narrow), ids)
            assert answer.status_code == 403, (operation.id, answer.text)
        if operation.has_body:
            broken = await operation.call(any_house, bearer(narrow), theirs.ids, content=b"{")
            assert broken.status_code == 403, operation.id
        enough = await mine.token(sorted(operation.scopes - {"admin"})) if operation.scopes != {"admin"} else None
        if enough is not None and operation.path_ids:
            answer = await operation.call(any_house, bearer(enough), unknown(theirs.ids))
            assert answer.status_code == 404, (operation.id, answer.text)


async def test_the_platforms_routes_refuse_every_tenant_and_tenants_routes_the_platform(any_house: House) -> None:
    mine, theirs = await two_worlds(any_house)
    for operation in await every_operation(any_house):
        if operation.id in PLATFORM:
            for ids in (mine.ids, theirs.ids, unknown(theirs.ids), malformed(theirs.ids)):
                answer = await operation.call(any_house, bearer(mine.office.token), ids)
                assert answer.status_code == 403, operation.id
            absent = await operation.call(any_house, any_house.admin, unknown(mine.ids))
            assert absent.status_code == (404 if operation.path_ids else 200), operation.id
        elif operation.id not in OPEN | {"get_me"}:
            answer = await operation.call(any_house, any_house.admin, mine.ids)
            assert answer.status_code == 403, (operation.id, answer.text)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer nonsense",
        "Bearer mr_" + "0" * 38,
        "Bearer mrpk_" + "0" * 38,
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
        "Bearer \xff\xfe",
    ],
)
async def test_a_bad_token_is_told_before_anything_else(house: House, header: str | None) -> None:
    office = await house.tenant()
    ids = dict.fromkeys(("tenant_id", "user_id", "token_id", "credential_id", "knowledge_base_id"), office.id)
    ids |= dict.fromkeys(("source_id", "document_id", "version_id", "run_id", "bot_id", "chat_id"), office.id)
    ids |= {"message_id": office.id}
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    for operation in await every_operation(house):
        if operation.id in OPEN:
            continue
        for options in ({}, {"content": b"\xff{"}):
            answer = await operation.call(house, headers, ids, **options)  # type: ignore[arg-type]  # Bytes will do.
            assert answer.status_code == 401, (operation.id, answer.text)
            assert answer.headers["www-authenticate"] == "Bearer"
            told = answer.json()
            assert told.get("code") == "unauthenticated" or told["error"]["code"] == "invalid_api_key"


async def test_own_ids_are_found(house: House) -> None:
    """The walk is worth something only because the same calls work with one's own ids."""
    mine, theirs = await two_worlds(house)
    for operation in await every_operation(house):
        if operation.id in PLATFORM | OPEN | {"logout"}:
            continue
        answer = await operation.call(house, bearer(mine.office.token), mine.ids)
        assert answer.status_code in GOOD, (operation.id, answer.text)
    await assert_untouched(house, theirs)


async def test_the_walk_knows_every_route(house: House) -> None:
    known = PLATFORM | OPEN | ANYBODY | {name for names in SCOPES.values() for name in names}
    present = {operation.id for operation in await every_operation(house)}
    assert present == known, "say in tests/isolation/operations.py how new routes are called"


async def assert_untouched(house: House, theirs: World) -> None:
    """Everything of theirs is still there and still theirs."""
    readable = {"get_user"}  # People and tokens are only listed.
    for operation in await every_operation(house):
        if operation.method == "GET" and operation.path_ids and operation.id not in PLATFORM | readable:
            answer = await operation.call(house, bearer(theirs.office.token), theirs.ids)
            assert answer.status_code == 200, (operation.id, answer.text)
    for path, name in (("/v1/users", "user_id"), ("/v1/tokens", "token_id")):
        assert theirs.ids[name] in {item["id"] for item in (await theirs.office.get(path))["items"]}
