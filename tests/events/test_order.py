"""Ids that grow in the order of the commits, whatever transactions and clocks do."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from app.events.models import Event
from app.events.order import number
from app.events.service import list_events
from app.events.types import EventType
from app.kit.database import EVERY_TENANT, Database
from app.kit.ids import new_id
from app.kit.paging import PageRequest
from tests.support.house import House, Office


async def record(office: Office, subject: str, hold: asyncio.Event | None = None) -> None:
    """Record an event in a transaction that stays open for as long as it is told."""
    runtime = office.house.runtime
    async with runtime.database.transaction(UUID(office.id)) as session:
        await runtime.recorder.record(session, UUID(office.id), EventType.SOURCE_CREATED, subject, {"n": subject})
        if hold is not None:
            await hold.wait()


async def log_of(database: Database, tenant_id: UUID) -> Sequence[Event]:
    async with database.reading(tenant_id) as session:
        return (await list_events(session, tenant_id, PageRequest(200), newest_first=False)).rows


async def test_an_event_committed_later_has_the_greater_id_though_it_happened_first(any_house: House) -> None:
    office = await any_house.tenant()
    if any_house.runtime.database.is_sqlite:  # There, writers come one after the other: nothing can overtake.
        await record(office, "slow")
        await record(office, "quick")
        expected = ["slow", "quick"]
    else:
        hold = asyncio.Event()
        slow = asyncio.create_task(record(office, "slow", hold))
        await asyncio.sleep(0.05)
        await record(office, "quick")
        hold.set()
        await slow
        expected = ["quick", "slow"]
    rows = await log_of(any_house.runtime.database, UUID(office.id))
    assert [row.subject for row in rows] == expected


async def test_events_written_at_the_same_time_are_each_seen_once_by_a_reader_that_goes_on(any_house: House) -> None:
    office, other = await any_house.tenant(), await any_house.tenant("Other")
    database, seen = any_house.runtime.database, list[str]()
    writers = asyncio.gather(*(record(who, str(count)) for count in range(25) for who in (office, other)))
    last = UUID(int=0)
    async with asyncio.timeout(20):
        while len(seen) < 25:
            async with database.reading(UUID(office.id)) as session:
                page = await list_events(session, UUID(office.id), PageRequest(4, last), newest_first=False)
            seen += [row.subject for row in page.rows]
            last = page.rows[-1].id if page.rows else last
            await asyncio.sleep(0)
    await writers
    assert sorted(seen, key=int) == [str(count) for count in range(25)]


async def test_what_is_rolled_back_leaves_no_event(house: House) -> None:
    office = await house.tenant()
    hold = asyncio.Event()
    task = asyncio.create_task(record(office, "never", hold))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task])
    await record(office, "kept")
    assert [row.subject for row in await log_of(house.runtime.database, UUID(office.id))] == ["kept"]


async def test_one_transaction_may_tell_several_tenants_several_things(any_house: House) -> None:
    offices = [UUID((await any_house.tenant(name)).id) for name in ("One", "Two")]
    runtime = any_house.runtime
    async with runtime.database.transaction(EVERY_TENANT) as session:
        for count in range(3):
            for tenant_id in offices:
                await runtime.recorder.record(session, tenant_id, EventType.RUN_STARTED, str(count), {})
        async with session.begin_nested():  # A savepoint's end is not yet the commit.
            await runtime.recorder.record(session, offices[0], EventType.RUN_FAILED, "3", {}, actor="sweeper")
    for tenant_id, expected in zip(offices, ("0123", "012"), strict=True):
        assert "".join(row.subject for row in await log_of(runtime.database, tenant_id)) == expected


def test_a_clock_that_stands_behind_does_not_bring_ids_behind() -> None:
    ahead = UUID(int=new_id().int + (60_000 << 80))  # A minute later by another machine's clock.
    rows = [Event(tenant_id=new_id(), type="run.failed", subject=str(count)) for count in range(3)]
    number(rows, ahead)
    assert [row.id.int - ahead.int for row in rows] == [1, 2, 3]
    assert all(row.id.version == 7 for row in rows)
