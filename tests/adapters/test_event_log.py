"""The event log, on the Redis imitated in the process and on a real one. Two logs on one Redis are two processes."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from app.adapters.event_log import (
    MISSED,
    EventLog,
    LoggedEvent,
    StreamFull,
    StreamUnknown,
    WriterLost,
)
from app.adapters.redis import RedisSource, open_redis
from app.kit.errors import Invalid
from tests.support.services import Unavailable, redis_server, redis_url

PULSE_S = 0.2

MakeLog = Callable[..., EventLog]


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
async def make_log(redis: RedisSource) -> AsyncIterator[MakeLog]:
    """Makes a log as another process would have it."""
    logs: list[EventLog] = []

    def make(**options: float) -> EventLog:
        logs.append(EventLog(redis.client(), pulse_s=PULSE_S, **options))  # type: ignore[arg-type]  # Numbers all.
        return logs[-1]

    yield make
    for log in logs:
        await log.aclose()


async def all_of(log: EventLog, stream: str, after: str | None = None) -> list[LoggedEvent]:
    """What a follower gets, to the end."""
    async with asyncio.timeout(10), aclosing(log.follow(stream, after)) as events:
        return [event async for event in events]


async def a_finished_stream(log: EventLog, name: str = "s", count: int = 5) -> list[LoggedEvent]:
    """A stream with an end."""
    writer = await log.open(name)
    written = [writer.append("delta", f'{{"text": "{n}\\nü"}}') for n in range(count)]
    written.append(writer.append("done", "{}", terminal=True))
    await writer.aclose()
    return written


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_follower_gets_every_event_in_order_and_ends_with_the_terminal_one(
    make_log: MakeLog, elsewhere: bool
) -> None:
    log = make_log()
    reader = make_log() if elsewhere else log
    writer = await log.open("s")
    follower = asyncio.create_task(all_of(reader, "s"))
    written: list[LoggedEvent] = []
    for n in range(300):
        written.append(writer.append("delta", str(n)))
        if n % 100 == 0:
            await asyncio.sleep(0.03)
    written.append(writer.append("done", "{}", terminal=True))
    assert await follower == written
    assert [event.id for event in written] == [f"{n}-0" for n in range(1, 302)]


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("after", [0, 2, 5, 6])
async def test_a_replay_from_any_point_has_the_same_events_with_the_same_ids(
    make_log: MakeLog, elsewhere: bool, after: int
) -> None:
    log = make_log()
    written = await a_finished_stream(log)
    reader = make_log() if elsewhere else log
    assert await all_of(reader, "s", f"{after}-0" if after else None) == written[after:]


async def test_many_followers_each_get_everything(make_log: MakeLog) -> None:
    log, other = make_log(), make_log()
    writer = await log.open("s")
    followers = [asyncio.create_task(all_of(reader, "s")) for reader in (log, other) for _ in range(5)]
    await asyncio.sleep(0)
    writer.append("delta", "1")
    await asyncio.sleep(0.05)
    writer.append("done", "2", terminal=True)
    assert {len(events) for events in await asyncio.gather(*followers)} == {2}


@pytest.mark.parametrize("bad", ["", "0", "-1-0", "1-1", "١-0", "1-0 ", "9999999999999999999-0", "x"])
async def test_a_position_that_is_no_id_is_invalid(make_log: MakeLog, bad: str) -> None:
    log = make_log()
    await a_finished_stream(log)
    with pytest.raises(Invalid):
        await all_of(log, "s", bad)


async def test_a_stream_that_never_was_is_unknown(make_log: MakeLog) -> None:
    log = make_log()
    assert not await log.exists("nothing")
    with pytest.raises(StreamUnknown):
        await all_of(log, "nothing")


async def test_a_stream_exists_for_everybody_once_it_is_open(make_log: MakeLog) -> None:
    log = make_log()
    await log.open("s")
    assert await log.exists("s")
    assert await make_log().exists("s")


async def test_a_stream_is_forgotten_when_its_time_is_over(make_log: MakeLog) -> None:
    log = make_log(ttl_s=0.3)
    await a_finished_stream(log)
    other = make_log()
    assert await other.exists("s")
    await asyncio.sleep(0.4)
    assert not await other.exists("s")
    assert not await log.exists("s")


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_writer_that_leaves_without_an_end_is_lost_and_another_may_continue(
    make_log: MakeLog, elsewhere: bool
) -> None:
    log, reader = make_log(), make_log()
    first = await log.open("s")
    event = first.append("progress", "1")
    await first.aclose()
    with pytest.raises(WriterLost):
        await all_of(reader, "s")
    second = await (make_log() if elsewhere else log).open("s")
    last = second.append("finished", "2", terminal=True)
    await second.aclose()
    assert last.id == "2-0"
    assert await all_of(reader, "s") == [event, last]
    assert await all_of(log, "s") == [event, last]


async def test_a_stream_taken_over_goes_on_and_its_old_writer_can_do_no_harm(make_log: MakeLog) -> None:
    old_log, new_log, reader = make_log(), make_log(), make_log()
    old = await old_log.open("s")
    first = old.append("progress", "old 1")
    await asyncio.sleep(0.1)
    follower_of_old = asyncio.create_task(all_of(old_log, "s"))
    new = await new_log.open("s")
    second = new.append("progress", "new 1")
    await asyncio.sleep(0.1)
    old.append("progress", "too late")
    await asyncio.sleep(0.5)
    old.append("finished", "far too late", terminal=True)
    await old.aclose()
    third = new.append("finished", "new 2", terminal=True)
    await new.aclose()
    assert await all_of(reader, "s") == [first, second, third]
    assert await all_of(new_log, "s") == [first, second, third]
    assert (await follower_of_old)[0] == first


async def test_a_stream_that_has_ended_begins_anew_with_higher_ids(make_log: MakeLog) -> None:
    log = make_log()
    written = await a_finished_stream(log)
    writer = await log.open("s")
    fresh = writer.append("finished", "again", terminal=True)
    await writer.aclose()
    assert int(fresh.id[:-2]) > int(written[-1].id[:-2])
    assert await all_of(make_log(), "s") == [fresh]
    assert await all_of(log, "s", written[-1].id) == [fresh]


async def test_a_full_stream_refuses_everything_but_its_end(make_log: MakeLog) -> None:
    log = make_log(max_events=10, max_bytes=100)
    writer = await log.open("events")
    for _ in range(10):
        writer.append("delta", "x")
    with pytest.raises(StreamFull):
        writer.append("delta", "x")
    writer.append("done", "{}", terminal=True)
    other = await log.open("bytes")
    with pytest.raises(StreamFull):
        other.append("delta", "x" * 101)
    other.append("done", "{}", terminal=True)
    assert len(await all_of(log, "events")) == 11
    assert len(await all_of(log, "bytes")) == 1


async def test_a_long_stream_reaches_redis_whole(make_log: MakeLog) -> None:
    log = make_log()
    written = await a_finished_stream(log, count=5_000)
    assert await all_of(make_log(), "s", "17-0") == written[17:]


async def test_closing_the_log_stores_what_is_in_hand(make_log: MakeLog) -> None:
    log = make_log()
    writer = await log.open("s")
    event = writer.append("delta", "1")
    await log.aclose()
    async with aclosing(make_log().follow("s")) as events:
        assert await anext(events) == event
        with pytest.raises(WriterLost):
            await anext(events)


async def test_announcements_reach_every_process_that_listens(make_log: MakeLog) -> None:
    log, other = make_log(), make_log()
    async with asyncio.timeout(5), aclosing(log.listen("c")) as here, aclosing(other.listen("c")) as there:
        assert [await anext(here), await anext(there)] == [MISSED, MISSED]
        await log.announce("c", "stop")
        await log.announce("unrelated", "go")
        await log.announce("c", "now")
        assert [await anext(here), await anext(here), await anext(there)] == ["stop", "now", "stop"]


async def test_a_writer_and_its_local_followers_survive_an_outage_that_loses_everything() -> None:
    try:
        with redis_server() as server:
            source = open_redis(server.url)
            log, elsewhere = EventLog(source.client(), pulse_s=PULSE_S), EventLog(source.client(), pulse_s=PULSE_S)
            writer = await log.open("s")
            here = asyncio.create_task(all_of(log, "s"))
            there = asyncio.create_task(all_of(elsewhere, "s"))
            written = [writer.append("delta", "before")]
            await asyncio.sleep(0.1)
            server.stop()
            written.append(writer.append("delta", "during"))
            opened_blind = await log.open("blind")
            opened_blind.append("done", "{}", terminal=True)
            await asyncio.sleep(0.3)
            server.start()
            await asyncio.sleep(0.5)
            written.append(writer.append("delta", "after"))
            written.append(writer.append("done", "{}", terminal=True))
            await writer.aclose()
            await opened_blind.aclose()
            assert await here == written
            assert await there == written
            assert await all_of(elsewhere, "s") == written
            assert len(await all_of(elsewhere, "blind")) == 1
            await log.aclose()
            await source.aclose()
    except Unavailable as reason:
        pytest.skip(str(reason))


async def test_a_quiet_stream_is_told_again_to_a_redis_that_forgot_it() -> None:
    try:
        with redis_server() as server:
            source = open_redis(server.url)
            log = EventLog(source.client(), pulse_s=PULSE_S)
            writer = await log.open("s")
            event = writer.append("delta", "before")
            await asyncio.sleep(0.1)
            server.stop()
            server.start()
            await asyncio.sleep(PULSE_S * 4)
            other = EventLog(source.client(), pulse_s=PULSE_S)
            async with asyncio.timeout(5), aclosing(other.follow("s")) as events:
                assert await anext(events) == event
            await log.aclose()
            await source.aclose()
    except Unavailable as reason:
        pytest.skip(str(reason))


async def test_a_killed_writer_is_noticed_by_its_pulse_and_its_events_remain() -> None:
    try:
        url = redis_url()
    except Unavailable as reason:
        pytest.skip(str(reason))
    script = f"""
        import asyncio
        from app.adapters.event_log import EventLog
        from app.adapters.redis import open_redis

        async def main():
            log = EventLog(open_redis({url!r}).client(), pulse_s={PULSE_S})
            writer = await log.open("s")
            writer.append("delta", "1")
            await asyncio.sleep(0.2)
            print("written", flush=True)
            await asyncio.sleep(60)

        asyncio.run(main())
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert child.stdout is not None
    with child.stdout:
        await asyncio.to_thread(child.stdout.readline)
        os.kill(child.pid, signal.SIGKILL)
        await asyncio.to_thread(child.wait)
    source = open_redis(url)
    log = EventLog(source.client(), pulse_s=PULSE_S)
    async with aclosing(log.follow("s")) as events:
        assert (await anext(events)).data == "1"
        with pytest.raises(WriterLost):
            await anext(events)
    assert (await log.open("s")).append("finished", "{}", terminal=True).id > "1-0"
    await log.aclose()
    await source.aclose()
