"""Tenants, and who a token is, through the door."""

from pathlib import Path

from tests.support.house import House, open_house, settings_in
from tests.tenants.doors import bearer, call


async def test_the_admin_key_makes_a_tenant_whose_token_works_at_once(house: House) -> None:
    answer = await house.client.post("/v1/tenants", json={"name": " Acme "}, headers=house.admin)
    made = answer.json()
    assert answer.status_code == 201
    assert made["tenant"]["name"] == "Acme"
    assert made["tenant"]["created_at"].endswith("Z")
    assert made["api_token"]["scopes"] == ["admin"]
    assert made["knowledge_base_id"]
    assert made["bot_id"]
    me = await house.client.get("/v1/me", headers=bearer(made["api_token"]["token"]))
    assert me.json()["tenant"] == made["tenant"]
    assert me.json()["kind"] == "secret"


async def test_making_a_tenant_is_refused_without_the_admin_key_before_the_body_is_read(house: House) -> None:
    office = await house.tenant()
    nobody = await house.client.post("/v1/tenants", content=b"not json")
    tenant = await house.client.post("/v1/tenants", json={"nonsense": 1}, headers=bearer(office.token))
    stranger = await house.client.post("/v1/tenants", json={"name": "x"}, headers=bearer("mr_wrong"))
    assert (nobody.status_code, tenant.status_code, stranger.status_code) == (401, 403, 401)
    assert nobody.headers["www-authenticate"] == "Bearer"


async def test_open_signup_lets_anybody_make_a_tenant(tmp_path: Path) -> None:
    async with open_house(settings_in(tmp_path, open_signup=True), work=False) as house:
        answer = await house.client.post("/v1/tenants", json={"name": "Walk-in"})
        assert answer.status_code == 201
        assert (await house.client.get("/v1/tenants")).status_code == 401


async def test_the_owner_of_a_new_tenant_can_sign_in(house: House) -> None:
    owner = {"email": "Ada@Example.com", "password": "correct horse"}
    office = await house.tenant(owner=owner)
    again = await house.client.post("/v1/tenants", json={"name": "B", "owner": owner}, headers=house.admin)
    assert again.status_code == 409
    assert again.json()["code"] == "email_taken"
    login = await house.client.post("/v1/auth/login", json={"email": "ada@example.com", "password": "correct horse"})
    me = (await house.client.get("/v1/me", headers=bearer(login.json()["access_token"]))).json()
    assert me["kind"] == "user"
    assert me["user"]["role"] == "owner"
    assert me["tenant"]["id"] == office.id


async def test_only_the_admin_key_lists_changes_and_erases_tenants(house: House) -> None:
    first, second = await house.tenant("One"), await house.tenant("Two")
    path = f"/v1/tenants/{first.id}"
    for method, target in (("GET", "/v1/tenants"), ("GET", path), ("PATCH", path), ("DELETE", path)):
        assert (await call(first, method, target, {})).status_code == 403
    listed = (await house.client.get("/v1/tenants?limit=1", headers=house.admin)).json()
    assert [item["id"] for item in listed["items"]] == [second.id]
    rest = await house.client.get(f"/v1/tenants?cursor={listed['next_cursor']}", headers=house.admin)
    assert [item["id"] for item in rest.json()["items"]] == [first.id]
    assert rest.json()["next_cursor"] is None
    unchanged = await house.client.patch(path, json={}, headers=house.admin)
    renamed = await house.client.patch(path, json={"name": "Uno"}, headers=house.admin)
    null = await house.client.patch(path, json={"name": None}, headers=house.admin)
    assert (unchanged.json()["name"], renamed.json()["name"], null.status_code) == ("One", "Uno", 422)
    assert null.json()["errors"][0]["path"] == "name"


async def test_an_erased_tenants_token_stops_at_once_and_the_second_erasure_finds_nothing(house: House) -> None:
    office = await house.tenant()
    assert (await call(office, "GET", "/v1/me")).status_code == 200
    erased = await house.client.delete(f"/v1/tenants/{office.id}", headers=house.admin)
    assert erased.status_code == 200
    assert erased.json()["api_tokens"] == 1
    assert (await call(office, "GET", "/v1/me")).status_code == 401
    assert (await house.client.delete(f"/v1/tenants/{office.id}", headers=house.admin)).status_code == 404
    assert (await house.client.get("/v1/tenants/nonsense", headers=house.admin)).status_code == 404


async def test_the_admin_key_has_no_tenant(house: House) -> None:
    me = (await house.client.get("/v1/me", headers=house.admin)).json()
    assert me == {
        "tenant": None, "kind": "platform", "scopes": [], "token_id": None, "user": None, "bot_ids": None
    }  # fmt: skip
    for path in ("/v1/tokens", "/v1/users", "/v1/credentials", "/v1/events"):
        assert (await house.client.get(path, headers=house.admin)).status_code == 403


async def test_bodies_that_are_wrong_say_where(house: House) -> None:
    for body in ({}, {"name": ""}, {"name": "a\x00b"}, {"name": "x", "nome": "y"}, {"name": "x" * 201}):
        answer = await house.client.post("/v1/tenants", json=body, headers=house.admin)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["path"] in {"name", "nome"}
    short = {"name": "x", "owner": {"email": "nobody", "password": "short77"}}
    answer = await house.client.post("/v1/tenants", json=short, headers=house.admin)
    assert {error["path"] for error in answer.json()["errors"]} == {"owner.email", "owner.password"}
    assert "short77" not in answer.text
