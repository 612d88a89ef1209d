"""Who works on a run: one at a time, tenants in turn, and nobody who was given up for dead."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, update

from app.ingestion.faults import LeaseLost
from app.ingestion.leases import Claimed, Lease, claim, next_due, release
from app.ingestion.models import Run, RunStatus
from app.ingestion.sweeper import sweep
from app.ingestion.worker import Ingester
from app.kit.clock import now
from app.kit.database import EVERY_TENANT
from tests.support.house import House, Office


async def queued(tenant: Office, title: str = "Leave", **fields: Any) -> UUID:
    """A run that waits."""
    fed = await tenant.learn(title, f"{title}: thirty days.", wait=False, **fields)
    return UUID(fed["run"]["id"])


async def take(house: House, tenant: Office, run_id: UUID, owner: str = "me") -> Claimed | None:
    async with house.runtime.database.transaction(EVERY_TENANT) as session:
        return await claim(session, UUID(tenant.id), run_id, owner, 1)


async def taken(house: House, tenant: Office, run_id: UUID, owner: str = "me") -> Lease:
    claimed = await take(house, tenant, run_id, owner)
    assert claimed is not None
    return Lease(claimed, 1)


async def lapse(house: House, run_id: UUID) -> None:
    """As if the worker had been silent for a minute."""
    async with house.runtime.database.transaction(EVERY_TENANT) as session:
        past = now() - timedelta(minutes=1)
        await session.exec(update(Run).where(col(Run.id) == run_id).values(lease_until=past))


async def test_only_one_of_many_gets_a_run(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    run_id = await queued(tenant)

    claims = await asyncio.gather(*(take(idle_house, tenant, run_id, f"worker {n}") for n in range(8)))

    assert sum(claimed is not None for claimed in claims) == 1


async def test_tenants_take_turns_whatever_the_length_of_their_queues(idle_house: House) -> None:
    greedy, modest = await idle_house.tenant("Greedy"), await idle_house.tenant("Modest")
    many = [await queued(greedy, f"File {n}") for n in range(5)]
    single = await queued(modest)

    order: list[UUID] = []
    last: UUID | None = None
    async with idle_house.runtime.database.transaction(EVERY_TENANT) as session:
        while turn := await next_due(session, last):
            last, run_id = turn
            order.append(run_id)
            assert await claim(session, last, run_id, f"worker {run_id}", 60) is not None

    assert order.index(single) <= 1
    assert [run_id for run_id in order if run_id != single] == many


async def test_a_run_waits_for_another_of_its_source(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    first = await queued(tenant, "Leave", external_id="leave")
    again = await tenant.post("/v1/sources", {"type": "text", "title": "L", "content": "x", "external_id": "leave"})
    await taken(idle_house, tenant, first)

    async with idle_house.runtime.database.reading(EVERY_TENANT) as session:
        assert await next_due(session, None) is None
    lease = Lease((await take_over(idle_house, tenant, first)), 1)
    async with idle_house.runtime.database.transaction(UUID(tenant.id)) as session:
        await lease.give_up(session, status=RunStatus.SUCCEEDED, finished_at=now())
    async with idle_house.runtime.database.reading(EVERY_TENANT) as session:
        assert await next_due(session, None) == (UUID(tenant.id), UUID(again["run"]["id"]))


async def take_over(house: House, tenant: Office, run_id: UUID) -> Claimed:
    """The run after its worker was lost and the sweeper has seen it."""
    await lapse(house, run_id)
    swept = await sweep(house.runtime.ingestion)
    assert swept.interrupted == 1
    claimed = await take(house, tenant, run_id, "the next one")
    assert claimed is not None
    return claimed


async def test_a_worker_that_lost_its_lease_can_write_no_more(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    run_id = await queued(tenant)
    lost = await taken(idle_house, tenant, run_id)

    second = await take_over(idle_house, tenant, run_id)

    assert (second.attempt, second.carried.interruptions) == (2, 1)
    for write in (lost.hold, lost.give_up):
        with pytest.raises(LeaseLost):
            async with idle_house.runtime.database.transaction(UUID(tenant.id)) as session:
                await write(session, status=RunStatus.FAILED)
    assert (await tenant.get(f"/v1/runs/{run_id}"))["status"] == "running"


async def test_a_run_that_is_given_back_has_spent_no_attempt(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    run_id = await queued(tenant)
    lease = await taken(idle_house, tenant, run_id)

    async with idle_house.runtime.database.transaction(UUID(tenant.id)) as session:
        await release(session, lease, {})

    again = await take(idle_house, tenant, run_id)
    assert again is not None
    assert again.attempt == 1


async def test_stopping_a_worker_gives_its_run_back_and_the_next_one_ends_it(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    run_id = await queued(tenant)
    working = asyncio.create_task(Ingester(idle_house.runtime.ingestion).work())
    while (await tenant.get(f"/v1/runs/{run_id}"))["status"] == "queued":
        await asyncio.sleep(0)

    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    run = await tenant.get(f"/v1/runs/{run_id}")
    if run["status"] != "succeeded":  # It may have been done before it heard.
        assert (run["status"], run["attempt"]) == ("queued", 1)
        assert await Ingester(idle_house.runtime.ingestion).work()
    assert (await tenant.get(f"/v1/runs/{run_id}"))["status"] == "succeeded"


async def test_a_worker_finds_nothing_where_nothing_is_due(idle_house: House) -> None:
    assert await Ingester(idle_house.runtime.ingestion).work() is False
