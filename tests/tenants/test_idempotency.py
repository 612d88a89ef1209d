"""Repeated requests: done once, replayed for a day, never mixed up."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlmodel import col

from app.kit.clock import now
from app.kit.errors import Invalid
from app.kit.ownership import owned_by, owned_update
from app.tenants import idempotency
from app.tenants.idempotency import Claim, IdempotencyKeyReused, Outcome
from app.tenants.models import IdempotencyKey
from tests.support.house import House, Office
from tests.tenants.doors import tenant_id

BODY, OTHER = idempotency.digest_of(b"{}"), idempotency.digest_of(b"{ }")


async def claim(office: Office, key: str = "k", digest: str = BODY, route: str = "chat") -> Claim:
    async with office.house.runtime.database.transaction(tenant_id(office)) as session:
        return await idempotency.claim(session, tenant_id(office), route, key, digest)


async def settle(office: Office, claimed: Claim, response: dict[str, str]) -> None:
    async with office.house.runtime.database.transaction(tenant_id(office)) as session:
        await idempotency.settle(session, tenant_id(office), claimed.id, 201, response)


async def backdate(office: Office, moment: datetime) -> None:
    async with office.house.runtime.database.transaction(tenant_id(office)) as session:
        update = owned_update(tenant_id(office), IdempotencyKey).where(col(IdempotencyKey.key) == "k")
        await session.exec(update.values(created_at=moment))


async def test_the_first_does_the_work_and_later_ones_get_its_answer(any_house: House) -> None:
    office = await any_house.tenant()
    first = await claim(office)
    assert first.outcome is Outcome.FIRST
    assert (await claim(office)).outcome is Outcome.IN_PROGRESS
    await settle(office, first, {"id": "1"})
    again = await claim(office)
    assert (again.outcome, again.status, again.response) == (Outcome.REPLAY, 201, {"id": "1"})


async def test_a_key_belongs_to_its_tenant_and_route(house: House) -> None:
    office, other = await house.tenant(), await house.tenant("Other")
    claims = [await claim(office), await claim(office, route="sources"), await claim(office, "k2"), await claim(other)]
    assert {found.outcome for found in claims} == {Outcome.FIRST}


async def test_the_same_key_with_another_body_is_refused(house: House) -> None:
    office = await house.tenant()
    await claim(office)
    with pytest.raises(IdempotencyKeyReused) as caught:
        await claim(office, digest=OTHER)
    assert (caught.value.status, caught.value.code) == (409, "idempotency_key_reused")


async def test_a_released_claim_can_be_made_again(house: House) -> None:
    office = await house.tenant()
    first = await claim(office)
    async with house.runtime.database.transaction(tenant_id(office)) as session:
        await idempotency.release(session, tenant_id(office), first.id)
    assert (await claim(office, digest=OTHER)).outcome is Outcome.FIRST


async def test_a_claim_of_a_process_that_died_is_taken_over_once(any_house: House) -> None:
    office = await any_house.tenant()
    await claim(office)
    await backdate(office, now() - idempotency.SILENT - timedelta(seconds=1))
    found = await asyncio.gather(*(claim(office) for _ in range(4)))
    assert sorted(one.outcome for one in found) == [Outcome.FIRST] + [Outcome.IN_PROGRESS] * 3


async def test_many_at_once_have_one_first(any_house: House) -> None:
    office = await any_house.tenant()

    async def work(number: int) -> Claim:
        async with any_house.runtime.database.transaction(tenant_id(office)) as session:
            claimed = await idempotency.claim(session, tenant_id(office), "chat", "k", BODY)
            if claimed.outcome is Outcome.FIRST:
                await idempotency.settle(session, tenant_id(office), claimed.id, 200, {"by": str(number)})
        return claimed

    found = await asyncio.gather(*(work(number) for number in range(6)))
    assert [one.outcome for one in found].count(Outcome.FIRST) == 1
    replays = [one.response for one in found if one.outcome is Outcome.REPLAY]
    assert len(replays) == 5
    assert all(response == replays[0] for response in replays)


async def test_after_a_day_a_key_is_forgotten(house: House) -> None:
    office = await house.tenant()
    await settle(office, await claim(office), {"id": "1"})
    await claim(office, "fresh")
    await backdate(office, now() - idempotency.KEPT - timedelta(seconds=1))
    assert (await claim(office, digest=OTHER)).outcome is Outcome.FIRST
    await backdate(office, now() - idempotency.KEPT - timedelta(seconds=1))
    assert await idempotency.purge(house.runtime.database) == 1
    async with house.runtime.database.reading(tenant_id(office)) as session:
        kept = (await session.exec(owned_by(tenant_id(office), IdempotencyKey))).all()
    assert [row.key for row in kept] == ["fresh"]


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "schlüssel", "a\x00b"])
async def test_a_key_that_is_none_is_refused(house: House, key: str) -> None:
    with pytest.raises(Invalid):
        await claim(await house.tenant(), key)


def test_digests_tell_parts_apart() -> None:
    assert idempotency.digest_of(b"ab", b"c") != idempotency.digest_of(b"a", b"bc")
