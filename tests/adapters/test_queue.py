"""The queue and its worker, on the Redis imitated in the process and on a real one."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import pytest

from app.adapters.queue import Periodic, Queue, RetryLater, Worker, build_worker
from app.adapters.redis import RedisSource, open_redis
from app.kit.errors import DependencyDown
from tests.support.services import Unavailable, redis_server, redis_url


@pytest.fixture(params=["imitated", "real"])
async def redis(request: pytest.FixtureRequest) -> AsyncIterator[RedisSource]:
    """One Redis, fresh."""
    try:
        source = open_redis(None if request.param == "imitated" else redis_url())
    except Unavailable as reason:
        pytest.skip(str(reason))
    yield source
    await source.aclose()


@pytest.fixture
async def queue(redis: RedisSource) -> AsyncIterator[Queue]:
    """The producers' end."""
    queue = Queue(redis)
    yield queue
    await queue.aclose()


class Jobs:
    """Jobs that say what happened to them."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, ...]] = []
        self.again = 2
        self.going_on = asyncio.Event()
        self.cancelled = 0

    async def note(self, *ids: str) -> None:
        self.seen.append(ids)

    async def fail(self) -> None:
        self.seen.append(("fail",))
        raise ValueError("broken")

    async def retry(self) -> None:
        self.seen.append(("retry",))
        if len(self.seen) <= self.again:
            raise RetryLater(0.05)

    async def wait(self, seconds: str) -> None:
        self.seen.append(("begun",))
        try:
            self.going_on.set()
            await asyncio.sleep(float(seconds))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.seen.append(("done",))

    def by_name(self) -> dict[str, Callable[..., Coroutine[None, None, None]]]:
        return {"note": self.note, "fail": self.fail, "retry": self.retry, "wait": self.wait}


async def until(condition: Callable[[], bool], within_s: float = 20) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


async def a_worker(redis: RedisSource, jobs: Jobs, drain_s: float = 1) -> Worker:
    worker = build_worker(redis, jobs.by_name(), drain_s=drain_s)
    await worker.start()
    return worker


async def test_a_job_is_run_with_its_ids_and_leaves_the_queue(redis: RedisSource, queue: Queue) -> None:
    jobs = Jobs()
    assert await queue.enqueue("note", "run-1", "tenant-1", job_id="a")
    assert await queue.depth() == 1
    worker = await a_worker(redis, jobs)
    await until(lambda: jobs.seen == [("run-1", "tenant-1")])
    assert worker.readiness()
    while await queue.depth():
        await asyncio.sleep(0.01)
    await worker.aclose()
    assert not worker.readiness()


async def test_an_id_waits_or_runs_once_and_is_free_again_afterwards(redis: RedisSource, queue: Queue) -> None:
    jobs = Jobs()
    assert await queue.enqueue("wait", "0.3", job_id="a")
    assert not await queue.enqueue("wait", "0.3", job_id="a")
    worker = await a_worker(redis, jobs)
    await jobs.going_on.wait()
    assert not await queue.enqueue("wait", "0.3", job_id="a")
    await until(lambda: ("done",) in jobs.seen)
    while not await queue.enqueue("note", job_id="a"):
        await asyncio.sleep(0.01)
    await until(lambda: () in jobs.seen)
    await worker.aclose()


async def test_a_job_that_asks_to_be_run_again_is_and_one_that_fails_is_not(redis: RedisSource, queue: Queue) -> None:
    jobs = Jobs()
    worker = await a_worker(redis, jobs)
    await queue.enqueue("retry", job_id="a")
    await until(lambda: len(jobs.seen) == 3)
    await queue.enqueue("fail", job_id="b")
    await until(lambda: len(jobs.seen) == 4)
    await asyncio.sleep(0.2)
    assert jobs.seen == [("retry",)] * 3 + [("fail",)]
    assert worker.readiness()
    await worker.aclose()


async def test_a_deferred_job_waits(redis: RedisSource, queue: Queue) -> None:
    jobs = Jobs()
    worker = await a_worker(redis, jobs)
    await queue.enqueue("note", "late", job_id="a", defer_s=0.4)
    await queue.enqueue("note", "early", job_id="b")
    await until(lambda: len(jobs.seen) == 2)
    assert jobs.seen == [("early",), ("late",)]
    await worker.aclose()


async def test_closing_lets_a_running_job_finish(redis: RedisSource, queue: Queue) -> None:
    jobs = Jobs()
    worker = await a_worker(redis, jobs, drain_s=5)
    await queue.enqueue("wait", "0.3", job_id="a")
    await jobs.going_on.wait()
    await worker.aclose()
    assert jobs.seen == [("begun",), ("done",)]
    assert await queue.depth() == 0


async def test_a_job_that_outlasts_the_drain_is_cancelled_and_run_by_the_next_worker(
    redis: RedisSource, queue: Queue
) -> None:
    jobs, next_jobs = Jobs(), Jobs()
    worker = await a_worker(redis, jobs, drain_s=0.05)
    await queue.enqueue("wait", "30", job_id="a")
    await jobs.going_on.wait()
    await worker.aclose()
    assert (jobs.cancelled, await queue.depth()) == (1, 1)
    worker = await a_worker(redis, next_jobs, drain_s=0)
    await next_jobs.going_on.wait()
    await worker.aclose()


async def test_what_is_due_by_the_clock_is_run_by_one_of_the_workers(redis: RedisSource) -> None:
    jobs = Jobs()
    workers = [build_worker(redis, {"note": jobs.note}, [Periodic("tick", jobs.note, 1)]) for _ in range(2)]
    for worker in workers:
        await worker.start()
    await asyncio.sleep(3.2)
    for worker in workers:
        await worker.aclose()
    assert 1 <= len(jobs.seen) <= 4


@pytest.mark.parametrize(
    ("every_s", "times"),
    [
        (20, {"second": {0, 20, 40}}),
        (60, {"second": {0}}),
        (1800, {"minute": {0, 30}, "second": 0}),
        (3600, {"minute": {0}, "second": 0}),
        (43200, {"hour": {0, 12}, "minute": 0, "second": 0}),
    ],
)
def test_an_interval_that_divides_the_day_becomes_times(every_s: int, times: dict[str, object]) -> None:
    assert Periodic("x", Jobs().note, every_s).times() == times


@pytest.mark.parametrize("every_s", [7, 90, 7 * 60, 5 * 3600, 3601])
def test_an_interval_that_does_not_is_refused(every_s: int) -> None:
    with pytest.raises(ValueError, match="do not divide"):
        Periodic("x", Jobs().note, every_s).times()


async def test_jobs_lie_in_redis_as_json() -> None:
    try:
        url = redis_url()
    except Unavailable as reason:
        pytest.skip(str(reason))
    source = open_redis(url)
    queue = Queue(source)
    await queue.enqueue("note", "run-1", job_id="a")
    client = source.client()
    stored = await client.get("arq:job:a")
    assert stored is not None
    assert json.loads(stored)["a"] == ["run-1"]
    await client.set("arq:job:b", '"not a job"', 60)
    await client.call("ZADD", "minirag:jobs", 1, "b")
    jobs = Jobs()
    worker = await a_worker(source, jobs)
    await until(lambda: jobs.seen == [("run-1",)])
    while await queue.depth():  # The one that is no job is thrown away.
        await asyncio.sleep(0.01)
    assert worker.readiness()
    await worker.aclose()
    await queue.aclose()
    await source.aclose()


async def test_a_worker_survives_a_redis_that_is_killed_and_comes_back() -> None:
    try:
        with redis_server() as server:
            source, jobs = open_redis(server.url), Jobs()
            queue = Queue(source)
            worker = await a_worker(source, jobs)
            await queue.enqueue("wait", "60", job_id="long")
            await jobs.going_on.wait()
            server.stop()
            await until(lambda: jobs.cancelled == 1)
            with pytest.raises(DependencyDown):
                await queue.enqueue("note", job_id="a")
            with pytest.raises(DependencyDown):
                await queue.ping()
            server.start()
            await queue.enqueue("note", "after", job_id="a")
            await until(lambda: ("after",) in jobs.seen)
            await until(worker.readiness)
            await worker.aclose()
            await queue.aclose()
            await source.aclose()
    except Unavailable as reason:
        pytest.skip(str(reason))


async def test_a_worker_started_without_redis_begins_when_it_is_there() -> None:
    try:
        with redis_server() as server:
            server.stop()
            source, jobs = open_redis(server.url), Jobs()
            worker = await a_worker(source, jobs)
            await asyncio.sleep(0.3)
            assert not worker.readiness()
            server.start()
            queue = Queue(source)
            await queue.enqueue("note", job_id="a")
            await until(lambda: jobs.seen == [()])
            await worker.aclose()
            await queue.aclose()
    except Unavailable as reason:
        pytest.skip(str(reason))


async def test_the_job_of_a_killed_worker_is_run_by_another() -> None:
    try:
        url = redis_url()
    except Unavailable as reason:
        pytest.skip(str(reason))
    script = f"""
        import asyncio
        from app.adapters.queue import build_worker
        from app.adapters.redis import open_redis

        async def wait(seconds):
            print("begun", flush=True)
            await asyncio.sleep(60)

        async def main():
            worker = build_worker(open_redis({url!r}), {{"wait": wait}})
            await worker.start()
            await worker.wait()

        asyncio.run(main())
    """
    source, jobs = open_redis(url), Jobs()
    queue = Queue(source)
    await queue.enqueue("wait", "0.01", job_id="a")
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert child.stdout is not None
    with child.stdout:
        assert await asyncio.to_thread(child.stdout.readline) == b"begun\n"
        worker = await a_worker(source, jobs)
        await asyncio.sleep(0.3)
        assert jobs.seen == []
        os.kill(child.pid, signal.SIGKILL)
        await asyncio.to_thread(child.wait)
    await until(lambda: ("done",) in jobs.seen)
    await worker.aclose()
    await queue.aclose()
