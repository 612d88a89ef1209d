"""People: signing in and out, roles, and the last owner."""

import asyncio
from datetime import timedelta

import jwt
import pytest

from app.kit.clock import now
from app.kit.passwords import Passwords
from app.tenants import sessions, users
from app.tenants.models import User
from app.tenants.schemas.people import LoginForm, NewUser, UserPatch
from app.tenants.schemas.tenants import NewOwner
from tests.support.house import House
from tests.tenants.doors import PASSWORD, a_person, a_session, bearer, call, statements, tenant_id


@pytest.mark.parametrize(
    ("role", "scopes"), [("owner", ["admin"]), ("admin", ["admin"]), ("member", ["chat", "search"])]
)
async def test_a_person_signs_in_with_the_scopes_of_their_role(house: House, role: str, scopes: list[str]) -> None:
    office = await house.tenant()
    person = await a_person(office, " Ada@Example.com ", role)
    assert person["email"] == "ada@example.com"
    assert "password" not in str(person)
    answer = await house.client.post("/v1/auth/login", json={"email": "ADA@example.com", "password": PASSWORD})
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in_s"] == house.runtime.settings.session_ttl_s
    me = (await house.client.get("/v1/me", headers=bearer(answer.json()["access_token"]))).json()
    assert me["kind"] == "user"
    assert me["scopes"] == scopes
    assert me["user"]["id"] == person["id"]


async def test_a_failed_sign_in_does_not_tell_whether_the_person_exists(house: House) -> None:
    await a_person(await house.tenant())
    answers = [
        (await house.client.post("/v1/auth/login", json={"email": email, "password": "wrong"})).json()
        for email in ("ada@example.com", "nobody@example.com", "not an e-mail")
    ]
    for answer in answers:
        answer.pop("request_id")
    assert answers[0]["status"] == 401
    assert answers[0]["code"] == "invalid_login"
    assert answers[0] == answers[1] == answers[2]


async def test_signing_out_ends_every_session_of_that_person_at_once(house: House) -> None:
    office = await house.tenant()
    await a_person(office)
    await a_person(office, "bob@example.com")
    first, second, bob = await a_session(house), await a_session(house), await a_session(house, "bob@example.com")
    assert (await call(office, "GET", "/v1/me", token=second)).status_code == 200
    assert (await call(office, "POST", "/v1/auth/logout", token=first)).status_code == 204
    for session in (first, second):
        assert (await call(office, "GET", "/v1/me", token=session)).status_code == 401
    assert (await call(office, "GET", "/v1/me", token=bob)).status_code == 200
    assert (await call(office, "GET", "/v1/me", token=await a_session(house))).status_code == 200
    assert (await call(office, "POST", "/v1/auth/logout")).status_code == 403


async def test_a_remembered_session_asks_the_database_nothing(house: House) -> None:
    await a_person(await house.tenant())
    session = await a_session(house)
    await house.runtime.verifier.authenticate(session, None)
    with statements(house.runtime.database) as asked:
        await house.runtime.verifier.authenticate(session, None)
    assert asked == []


async def test_a_changed_password_or_role_holds_at_once(house: House) -> None:
    office = await house.tenant()
    person = await a_person(office)
    session = await a_session(house)
    path = f"/v1/users/{person['id']}"
    assert (await call(office, "PATCH", path, {"role": "admin"})).json()["role"] == "admin"
    assert (await call(office, "GET", "/v1/me", token=session)).json()["scopes"] == ["admin"]
    assert (await call(office, "PATCH", path, {"password": "another good one"})).status_code == 200
    assert (await call(office, "GET", "/v1/me", token=session)).status_code == 401
    assert (await house.client.post("/v1/auth/login", json={"email": "ada@example.com", "password": PASSWORD})).is_error
    await a_session(house, password="another good one")


async def test_a_removed_persons_session_ends_at_once(house: House) -> None:
    office = await house.tenant()
    person = await a_person(office)
    session = await a_session(house)
    assert (await call(office, "GET", "/v1/me", token=session)).status_code == 200
    assert (await call(office, "DELETE", f"/v1/users/{person['id']}")).status_code == 204
    assert (await call(office, "GET", "/v1/me", token=session)).status_code == 401
    assert (await call(office, "DELETE", f"/v1/users/{person['id']}")).status_code == 404


async def test_sessions_that_are_forged_old_or_foreign_are_refused(house: House) -> None:
    office = await house.tenant()
    person = await a_person(office)
    claims = sessions.read(house.runtime.secrets.jwt_key, await a_session(house))
    key = house.runtime.secrets.jwt_key
    good = jwt.decode(sessions.issue(key, claims, 60), options={"verify_signature": False})
    unsigned = jwt.encode(good, "", algorithm="none")
    forged = sessions.issue("x" * 32, claims, 60)
    old = sessions.issue(key, claims, 60, now() - timedelta(minutes=2))
    stranger = sessions.Claims(claims.user_id, tenant_id(await house.tenant("Other")), claims.epoch)
    for bad in (unsigned, forged, old, sessions.issue(key, stranger, 60), "a.b.c"):
        assert (await call(office, "GET", "/v1/me", token=bad)).status_code == 401
    assert str(claims.user_id) == person["id"]


async def test_an_email_is_unique_in_the_installation(any_house: House) -> None:
    office, other = await any_house.tenant(), await any_house.tenant("Other")
    await a_person(office)
    person = await a_person(other, "bob@example.com")
    taken = await call(other, "POST", "/v1/users", {"email": "ADA@example.com", "password": PASSWORD})
    moved = await call(other, "PATCH", f"/v1/users/{person['id']}", {"email": "ada@example.com"})
    for answer in (taken, moved):
        assert answer.status_code == 409
        assert answer.json()["code"] == "email_taken"
    kept = await call(other, "GET", "/v1/users")
    assert [item["email"] for item in kept.json()["items"]] == ["bob@example.com"]


async def test_the_last_owner_stays(house: House) -> None:
    office = await house.tenant()
    owner = await a_person(office, role="owner")
    path = f"/v1/users/{owner['id']}"
    for answer in (await call(office, "DELETE", path), await call(office, "PATCH", path, {"role": "admin"})):
        assert answer.status_code == 409
        assert answer.json()["code"] == "last_owner"
    assert (await call(office, "PATCH", path, {"role": "owner"})).status_code == 200
    await a_person(office, "bob@example.com", "owner")
    assert (await call(office, "DELETE", path)).status_code == 204


async def test_two_owners_cannot_remove_each_other_at_the_same_moment(any_house: House) -> None:
    house = any_house
    office = await house.tenant()
    owners = [await a_person(office, f"{name}@example.com", "owner") for name in ("ada", "bob")]
    answers = await asyncio.gather(*(call(office, "DELETE", f"/v1/users/{owner['id']}") for owner in owners))
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_only_an_owner_governs_owners(house: House) -> None:
    office = await house.tenant()
    owner = await a_person(office, "own@example.com", "owner")
    await a_person(office, "adm@example.com", "admin")
    member = await a_person(office, "mem@example.com", "member")
    admin, boss = await a_session(house, "adm@example.com"), await a_session(house, "own@example.com")
    new = {"email": "new@example.com", "password": PASSWORD, "role": "owner"}
    assert (await call(office, "POST", "/v1/users", new, token=admin)).status_code == 403
    assert (await call(office, "PATCH", f"/v1/users/{member['id']}", {"role": "owner"}, token=admin)).status_code == 403
    assert (
        await call(office, "PATCH", f"/v1/users/{owner['id']}", {"password": PASSWORD}, token=admin)
    ).status_code == 403
    assert (await call(office, "DELETE", f"/v1/users/{owner['id']}", token=admin)).status_code == 403
    assert (await call(office, "PATCH", f"/v1/users/{member['id']}", {"role": "admin"}, token=admin)).status_code == 200
    assert (await call(office, "POST", "/v1/users", new, token=boss)).status_code == 201


async def test_members_and_strangers_do_not_see_people(house: House) -> None:
    office, other = await house.tenant(), await house.tenant("Other")
    person = await a_person(office)
    member = await a_session(house)
    assert (await call(office, "GET", "/v1/users", token=member)).status_code == 403
    assert (
        await call(office, "POST", "/v1/users", {"email": "x@y", "password": PASSWORD}, token=member)
    ).status_code == 403
    assert (await call(other, "GET", "/v1/users")).json()["items"] == []
    for method in ("PATCH", "DELETE"):
        assert (await call(other, method, f"/v1/users/{person['id']}", {})).status_code == 404
        assert (await call(office, method, "/v1/users/nonsense", {})).status_code == 404


async def test_an_empty_change_is_fine_and_null_is_not(house: House) -> None:
    office = await house.tenant()
    person = await a_person(office)
    path = f"/v1/users/{person['id']}"
    assert (await call(office, "PATCH", path, {})).json() == person
    for field in ("email", "password", "role"):
        answer = await call(office, "PATCH", path, {field: None})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["path"] == field


async def test_a_hash_with_old_parameters_is_renewed_at_sign_in(house: House) -> None:
    office = await house.tenant()
    old = await Passwords(memory_kib=64, passes=2).hash(PASSWORD)
    async with house.runtime.database.transaction(tenant_id(office)) as session:
        person = await users.add_user(session, tenant_id(office), "ada@example.com", old, users.Role.MEMBER)
    await a_session(house)
    async with house.runtime.database.reading(tenant_id(office)) as session:
        row = await session.get(User, person.id)
    assert row is not None
    assert row.password_hash != old
    assert row.session_epoch == 0
    await a_session(house)


async def test_a_taken_email_leaves_nothing_behind(house: House) -> None:
    office = await house.tenant()
    await a_person(office)

    async def add_both() -> None:
        async with house.runtime.database.transaction(tenant_id(office)) as session:
            await users.add_user(session, tenant_id(office), "other@example.com", "x", users.Role.MEMBER)
            await users.add_user(session, tenant_id(office), "ada@example.com", "x", users.Role.MEMBER)

    with pytest.raises(users.EmailTaken):
        await add_both()
    assert len((await call(office, "GET", "/v1/users")).json()["items"]) == 1


def test_passwords_show_in_no_repr() -> None:
    forms = (
        LoginForm(email="a@b", password=PASSWORD),
        NewUser(email="a@b", password=PASSWORD),
        UserPatch(password=PASSWORD),
        NewOwner(email="a@b", password=PASSWORD),
        users.UserChange(password_hash=PASSWORD),
    )
    assert PASSWORD not in repr(forms)
