"""What was lost is found again, and a run always ends."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import col, select, update

from app.ingestion.models import Run
from app.ingestion.sweeper import INTERRUPTIONS_PER_TRY, sweep
from app.ingestion.worker import Ingester
from app.kit.database import EVERY_TENANT
from app.knowledge.models import Source, SourceStatus
from tests.ingestion.test_leases import lapse, queued, take_over, taken
from tests.support.house import House, open_house, read_events, settings_in
from tests.support.services import Unavailable, redis_server


async def test_a_forgotten_queue_is_filled_again_once(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    runtime = idle_house.runtime
    for n in range(3):
        await queued(tenant, f"File {n}")
    await runtime.redis.client().call("FLUSHDB")
    assert await runtime.queue.depth() == 0

    assert (await sweep(runtime.ingestion)).queued == 3
    assert (await sweep(runtime.ingestion)).queued == 0
    assert await runtime.queue.depth() == 3


async def test_what_runs_at_the_start_of_the_only_worker_was_lost(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    run_id = await queued(tenant)
    await taken(idle_house, tenant, run_id)

    assert (await sweep(idle_house.runtime.ingestion)).interrupted == 0
    assert (await sweep(idle_house.runtime.ingestion, orphans=True)).interrupted == 1

    assert (await tenant.get(f"/v1/runs/{run_id}"))["status"] == "queued"


async def test_a_run_that_loses_worker_after_worker_fails_in_the_end(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    run_id = await queued(tenant)
    await taken(idle_house, tenant, run_id)
    tries = idle_house.runtime.settings.run_attempts * INTERRUPTIONS_PER_TRY
    for _ in range(tries - 1):
        await take_over(idle_house, tenant, run_id)
    await lapse(idle_house, run_id)

    assert (await sweep(idle_house.runtime.ingestion)).ended == 1

    run = await tenant.get(f"/v1/runs/{run_id}")
    assert (run["status"], run["error"]["code"]) == ("failed", "interrupted")
    assert (await tenant.get(f"/v1/sources/{run['source_id']}"))["status"] == "failed"


async def test_a_cancelled_run_whose_worker_is_lost_ends_cancelled(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    run_id = await queued(tenant)
    await taken(idle_house, tenant, run_id)
    assert (await tenant.post(f"/v1/runs/{run_id}/cancel"))["status"] == "running"
    await lapse(idle_house, run_id)

    await sweep(idle_house.runtime.ingestion)

    assert (await tenant.get(f"/v1/runs/{run_id}"))["status"] == "cancelled"


async def test_a_source_left_in_the_middle_is_put_right(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    run_id = await queued(tenant)
    await Ingester(idle_house.runtime.ingestion).work()
    run = await tenant.get(f"/v1/runs/{run_id}")
    async with idle_house.runtime.database.transaction(EVERY_TENANT) as session:
        stuck = update(Source).where(col(Source.id) == UUID(run["source_id"]))
        await session.exec(stuck.values(status=SourceStatus.INGESTING))

    assert (await sweep(idle_house.runtime.ingestion)).repaired == 1

    assert (await tenant.get(f"/v1/sources/{run['source_id']}"))["status"] == "ready"


@pytest.mark.parametrize("orphans", [False, True])
async def test_sweeping_leaves_ended_runs_alone(idle_house: House, orphans: bool) -> None:
    tenant = await idle_house.tenant()
    run_id = await queued(tenant)
    await Ingester(idle_house.runtime.ingestion).work()
    before = await tenant.get(f"/v1/runs/{run_id}")

    swept = await sweep(idle_house.runtime.ingestion, orphans=orphans)

    assert (swept.interrupted, swept.ended, swept.queued, swept.repaired) == (0, 0, 0, 0)
    assert await tenant.get(f"/v1/runs/{run_id}") == before
    async with idle_house.runtime.database.reading(EVERY_TENANT) as session:
        assert len((await session.exec(select(Run))).all()) == 1


async def test_feeding_and_working_go_on_without_redis(tmp_path: Path) -> None:
    try:
        with redis_server() as redis:
            async with open_house(settings_in(tmp_path, redis_url=redis.url), work=False) as house:
                tenant = await house.tenant()
                redis.stop()
                run_id = await queued(tenant)
                assert (await sweep(house.runtime.ingestion)).queued == 0

                assert await Ingester(house.runtime.ingestion).work()

                assert (await tenant.get(f"/v1/runs/{run_id}"))["status"] == "succeeded"
                (finished,) = read_events((await tenant.call("GET", f"/v1/runs/{run_id}/events")).text)[-1:]
                assert finished.type == "finished"
    except Unavailable as reason:
        pytest.skip(str(reason))


async def test_the_run_that_waited_for_its_source_is_told_to_the_workers(idle_house: House) -> None:
    tenant = await idle_house.tenant()
    await queued(tenant, "Leave", external_id="leave")
    body = {"type": "text", "title": "Leave", "content": "Forty days.", "external_id": "leave"}
    second = await tenant.post("/v1/sources", body)
    await idle_house.runtime.redis.client().call("FLUSHDB")

    await Ingester(idle_house.runtime.ingestion).work()

    assert await idle_house.runtime.queue.depth() == 1
    await Ingester(idle_house.runtime.ingestion).work()
    assert (await tenant.get(f"/v1/runs/{second['run']['id']}"))["status"] == "succeeded"
