"""Counting in Redis, imitated and real: exact under a crowd, self-healing after a death, forgiving without Redis."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from prometheus_client import REGISTRY

from app.adapters.redis import RedisSource, open_redis
from app.kit.ids import new_id
from app.usage.errors import RateLimited, TooManyStreams
from app.usage.limits import UNLIMITED, Limits
from app.usage.traffic import Subject, Traffic
from tests.support import services


@pytest.fixture(params=["imitated", "real"])
async def redis(request: pytest.FixtureRequest) -> AsyncGenerator[RedisSource]:
    try:
        source = open_redis(None if request.param == "imitated" else services.redis_url())
    except services.Unavailable as reason:
        pytest.skip(str(reason))
    yield source
    await source.aclose()


async def test_exactly_as_many_enter_as_may(redis: RedisSource) -> None:
    processes = [Traffic(redis.client()) for _ in range(3)]
    subject, limits = Subject(new_id()), Limits(requests_per_minute=20)
    tries = [processes[n % 3].enter(subject, limits, answers=False) for n in range(60)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, RateLimited) for result in results) == 40
    assert not any(isinstance(result, BaseException) and not isinstance(result, RateLimited) for result in results)


async def test_a_request_that_was_refused_does_not_count(redis: RedisSource) -> None:
    traffic, subject = Traffic(redis.client()), Subject(new_id())
    limits = Limits(requests_per_minute=5, concurrent_streams=1)
    place = await traffic.enter(subject, limits, answers=True)
    for _ in range(10):
        with pytest.raises(TooManyStreams):
            await traffic.enter(subject, limits, answers=True)
    place.release()
    for _ in range(4):
        (await traffic.enter(subject, limits, answers=True)).release()
    with pytest.raises(RateLimited) as refusal:
        await traffic.enter(subject, limits, answers=True)
    assert 50 < (refusal.value.retry_after_s or 0) <= 60
    assert await traffic.in_progress(subject) == 0


async def test_a_place_given_back_is_free_at_once_for_this_process(redis: RedisSource) -> None:
    traffic, subject = Traffic(redis.client()), Subject(new_id())
    for _ in range(20):
        place = await traffic.enter(subject, Limits(concurrent_streams=1), answers=True)
        place.release()
        place.release()
    assert await traffic.in_progress(subject) == 0


async def test_what_a_dead_process_held_lapses_and_what_a_living_one_holds_does_not(redis: RedisSource) -> None:
    dead, living = Traffic(redis.client(), place_s=0.6), Traffic(redis.client(), place_s=0.6)
    subject = Subject(new_id())
    await dead.enter(subject, UNLIMITED, answers=True)
    held = await living.enter(subject, UNLIMITED, answers=True)
    assert await living.in_progress(subject) == 2
    running = asyncio.create_task(living.run())
    await asyncio.sleep(1.5)
    assert await living.in_progress(subject) == 1
    held.release()
    async with asyncio.timeout(5):
        while await dead.in_progress(subject):
            await asyncio.sleep(0.02)
    running.cancel()


async def test_what_redis_forgot_is_there_again_after_the_next_refresh(redis: RedisSource) -> None:
    traffic, subject = Traffic(redis.client()), Subject(new_id())
    await traffic.enter(subject, UNLIMITED, answers=True)
    await redis.client().delete(subject.places_key)
    assert await traffic.in_progress(subject) == 0
    await traffic.refresh()
    assert await traffic.in_progress(subject) == 1


async def test_without_redis_everybody_may_enter_and_it_is_counted() -> None:
    nowhere = open_redis(f"redis://127.0.0.1:{services.free_port()}/0")
    traffic, subject = Traffic(nowhere.client()), Subject(new_id())
    before = REGISTRY.get_sample_value("minirag_failed_open_total", {"step": "limits"}) or 0
    limits = Limits(requests_per_minute=1, concurrent_streams=1)
    places = [await traffic.enter(subject, limits, answers=True) for _ in range(3)]
    assert await traffic.in_progress(subject) == 3
    for place in places:
        place.release()
    assert (REGISTRY.get_sample_value("minirag_failed_open_total", {"step": "limits"}) or 0) >= before + 3
    await nowhere.aclose()
