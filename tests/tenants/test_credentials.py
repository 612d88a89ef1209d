"""Providers' secrets: sealed, bound to their row, changed by halves, and never seen again."""

from typing import Any
from uuid import UUID

import pytest

from app.kit.errors import NotFound
from app.kit.models import ModelEndpoint
from app.kit.sealing import SealBroken
from app.tenants.credentials import endpoint_for
from app.tenants.models import Credential
from tests.support.house import House, Office
from tests.tenants.doors import call, make, stored_bytes, tenant_id

KEY = "sk-very-secret-value-9876"
REGION = "eu-hidden-region-1"


async def a_credential(office: Office, name: str = "main", **fields: Any) -> dict[str, Any]:
    return await make(office, "/v1/credentials", **{"name": name, "provider": "openai", "api_key": KEY, **fields})


async def endpoint(office: Office, credential_id: str | None, api_base: str | None = None) -> ModelEndpoint:
    runtime, found_id = office.house.runtime, None if credential_id is None else UUID(credential_id)
    async with runtime.database.reading(tenant_id(office)) as session:
        return await endpoint_for(session, tenant_id(office), runtime.sealer, "openai/x", found_id, api_base)


async def test_a_credential_is_read_without_its_secret(house: House) -> None:
    office = await house.tenant()
    made = await a_credential(office, api_base="https://llm.example.com/v1", extra={"aws_region_name": REGION})
    assert made["last4"] == "9876"
    assert made["key_fingerprint"] == house.runtime.sealer.fingerprint
    assert made["api_base"] == "https://llm.example.com/v1"
    one = await call(office, "GET", f"/v1/credentials/{made['id']}")
    listed = await call(office, "GET", "/v1/credentials")
    assert one.json() == made
    assert listed.json()["items"] == [made]
    assert not {"api_key", "extra", "sealed"} & set(made)


async def test_the_secrets_bytes_are_in_no_file_log_or_answer(
    house: House, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    office = await house.tenant()
    made = await a_credential(office, extra={"region": REGION})
    taken = await call(office, "POST", "/v1/credentials", {"name": "main", "provider": "x", "api_key": KEY})
    wrong = await call(office, "POST", "/v1/credentials", {"name": "", "provider": "!", "api_key": KEY, "oops": KEY})
    await call(office, "PATCH", f"/v1/credentials/{made['id']}", {"api_key": KEY + "2"})
    assert (taken.status_code, wrong.status_code) == (409, 422)
    stored, logged = stored_bytes(house), "".join(capfd.readouterr()) + caplog.text
    for secret in (KEY, REGION):
        assert secret.encode() not in stored
        for text in (logged, taken.text, wrong.text):
            assert secret not in text


async def test_a_credential_makes_an_endpoint_of_its_own_tenant_alone(house: House) -> None:
    office, other = await house.tenant(), await house.tenant("Other")
    made = await a_credential(office, api_base="https://a.example", extra={"api_version": "2"})
    reached = await endpoint(office, made["id"])
    assert reached == ModelEndpoint("openai/x", KEY, "https://a.example", {"api_version": "2"})
    assert KEY not in repr(reached)
    assert (await endpoint(office, made["id"], "https://b.example")).api_base == "https://b.example"
    assert await endpoint(office, None, "https://c.example") == ModelEndpoint("openai/x", api_base="https://c.example")
    with pytest.raises(NotFound):
        await endpoint(other, made["id"])


async def test_a_ciphertext_moved_to_another_row_or_tenant_does_not_open(house: House) -> None:
    office, other = await house.tenant(), await house.tenant("Other")
    first, second = await a_credential(office), await a_credential(office, "second")
    foreign = await a_credential(other)
    async with house.runtime.database.transaction(tenant_id(office)) as session:
        stolen = await session.get_one(Credential, UUID(first["id"]))
        for victim in (second, foreign):
            (await session.get_one(Credential, UUID(victim["id"]))).sealed = stolen.sealed
    assert (await endpoint(office, first["id"])).api_key == KEY
    for owner, moved in ((office, second), (other, foreign)):
        with pytest.raises(SealBroken, match=moved["id"]):
            await endpoint(owner, moved["id"])


async def test_half_of_a_secret_can_be_replaced(house: House) -> None:
    office = await house.tenant()
    made = await a_credential(office, api_base="https://a.example", extra={"api_version": "2"})
    path = f"/v1/credentials/{made['id']}"
    assert (await call(office, "PATCH", path, {})).json() | {"updated_at": ""} == made | {"updated_at": ""}
    changed = (await call(office, "PATCH", path, {"api_key": "sk-another-secret-4321"})).json()
    assert changed["last4"] == "4321"
    assert (await endpoint(office, made["id"])).extra == {"api_version": "2"}
    await call(office, "PATCH", path, {"extra": {"api_version": "3", "api_key": "not the key"}, "name": "renamed"})
    reached = await endpoint(office, made["id"])
    assert reached.api_key == "sk-another-secret-4321"
    assert reached.extra == {"api_version": "3", "api_key": "not the key"}
    await call(office, "PATCH", path, {"api_base": None, "extra": None, "provider": "anthropic"})
    reached = await endpoint(office, made["id"])
    assert (reached.api_base, reached.extra) == (None, {})
    final = (await call(office, "GET", path)).json()
    assert (final["name"], final["provider"]) == ("renamed", "anthropic")


async def test_a_short_key_shows_nothing_of_itself(house: House) -> None:
    assert (await a_credential(await house.tenant(), api_key="abc1234"))["last4"] == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("provider", "open ai"),
        ("provider", "../x"),
        ("api_key", ""),
        ("api_key", None),
        ("api_base", "ftp://example.com"),
        ("api_base", "https://"),
        ("api_base", "https://user:pw@example.com"),
        ("api_base", "https://example.com/?key=1"),
        ("api_base", "https://exa mple.com"),
        ("api_base", "https://[::1"),
        ("api_base", "http://10.0.0.8/v1"),
        ("api_base", "http://169.254.169.254/latest"),
        ("extra", {"a b": "x"}),
        ("extra", {"a": 1}),
    ],
)
async def test_a_field_that_is_wrong_is_named(house: House, field: str, value: Any) -> None:
    office = await house.tenant()
    body = {"name": "x", "provider": "openai", "api_key": KEY} | {field: value}
    answer = await call(office, "POST", "/v1/credentials", body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["path"].split(".")[0] == field
    made = await a_credential(office)
    if value is not None:
        changed = await call(office, "PATCH", f"/v1/credentials/{made['id']}", {field: value})
        assert changed.status_code == 422, changed.text


async def test_a_name_is_unique_in_its_tenant(any_house: House) -> None:
    office, other = await any_house.tenant(), await any_house.tenant("Other")
    await a_credential(office)
    second = await a_credential(office, "second")
    await a_credential(other)
    again = await call(office, "POST", "/v1/credentials", {"name": "main", "provider": "x", "api_key": KEY})
    renamed = await call(office, "PATCH", f"/v1/credentials/{second['id']}", {"name": "main"})
    for answer in (again, renamed):
        assert answer.status_code == 409
        assert answer.json()["code"] == "name_taken"


async def test_a_deleted_credential_is_gone_and_another_tenants_was_never_there(house: House) -> None:
    office, other = await house.tenant(), await house.tenant("Other")
    made = await a_credential(office)
    path = f"/v1/credentials/{made['id']}"
    for method in ("GET", "PATCH", "DELETE"):
        assert (await call(other, method, path, {})).status_code == 404
        assert (await call(office, method, "/v1/credentials/nonsense", {})).status_code == 404
    assert (await call(office, "DELETE", path)).status_code == 204
    assert (await call(office, "DELETE", path)).status_code == 404
    assert (await call(office, "GET", path)).status_code == 404


async def test_credentials_need_the_scope_admin(house: House) -> None:
    office = await house.tenant()
    token = (await make(office, "/v1/tokens", name="x", scopes=["ingest", "search", "chat", "usage"]))["token"]
    for method in ("GET", "POST"):
        assert (await call(office, method, "/v1/credentials", {}, token=token)).status_code == 403
