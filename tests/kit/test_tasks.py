import asyncio

from app.kit.tasks import end_tasks


async def deaf(times: int) -> None:
    """Swallow some cancellations, as a driver that is closing a connection does."""
    for _ in range(times):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue
    await asyncio.sleep(60)


async def test_a_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    task = asyncio.create_task(deaf(times=2))
    await asyncio.sleep(0)
    await end_tasks([task])
    assert task.cancelled()


async def test_tasks_that_have_ended_are_left_as_they_are() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    failed, done = asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(0, "done"))
    await asyncio.wait([failed, done])
    await end_tasks([failed, done])
    assert done.result() == "done"
