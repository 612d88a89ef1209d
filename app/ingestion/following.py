"""Following a run: its log while somebody writes it, the row wherever the log is silent.

    queued      nobody writes yet: the row is shown once, then the log is awaited
    running     the log, as it is written, here or in another process
    worker lost the log ends without an end: the row is looked at until another worker writes on, or the run has ended
    Redis away  as if the worker were lost
    ended       the log's ``finished``; where the log is gone, one made from the row
    retried     the ``finished`` of the attempt before is passed over: the run has not ended

Ids are the log's own. Two are ours, because they stand for what no log holds: ``0-0`` before its first event, and one
beyond every event for the ``finished`` that was made from the row.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Final
from uuid import UUID

from app.adapters.event_log import EventLog, LoggedEvent, StreamUnknown
from app.ingestion.models import Run
from app.ingestion.progress import FINISHED, PROGRESS, stream_of
from app.ingestion.schemas import RunView, view_of
from app.kit.database import Database
from app.kit.errors import DependencyDown
from app.kit.ownership import get_owned

BEFORE: Final = "0-0"
BEYOND: Final = f"{10**18 - 1}-0"
_FIRST_LOOK_S: Final = 0.05
_LONGEST_LOOK_S: Final = 1.0
_SILENCE_S: Final = 5.0
"""After so long without an event the row is looked at: the last word of a run can be lost with a process."""


async def load(database: Database, tenant_id: UUID, run_id: UUID) -> RunView:
    """The run as it is now. Raises NotFound."""
    async with database.reading(tenant_id) as session:
        return view_of(await get_owned(session, tenant_id, Run, run_id))


async def has_ended_at(event_log: EventLog, run: RunView, after: str | None) -> bool:
    """Whether ``after`` is the id of the last event there will be. Raises Invalid for what is no id of ours."""
    if run.finished_at is None or after is None:
        return False
    if after == BEYOND:
        return True
    try:
        async with aclosing(event_log.follow(stream_of(run.id), after)) as events, asyncio.timeout(_SILENCE_S):
            return await anext(events, None) is None
    except (StreamUnknown, DependencyDown, TimeoutError):
        return False


async def follow(
    database: Database, event_log: EventLog, tenant_id: UUID, run_id: UUID, after: str | None
) -> AsyncGenerator[LoggedEvent]:
    """The run's events after ``after`` up to its ``finished``, which always comes.

    Raises NotFound when the run is deleted meanwhile.
    """
    run = await load(database, tenant_id, run_id)
    seen = None if after in (BEFORE, BEYOND) else after
    if after is None and run.finished_at is None and not await _is_written(event_log, run_id):
        yield _event(BEFORE, run)
    look_s = _FIRST_LOOK_S
    while True:
        async with aclosing(_logged(event_log, run_id, seen)) as events:
            async for event in events:
                seen, look_s = event.id, _FIRST_LOOK_S
                if event.type == FINISHED and (await load(database, tenant_id, run_id)).finished_at is None:
                    break
                yield event
                if event.type == FINISHED:
                    return
        run = await load(database, tenant_id, run_id)
        if run.finished_at is not None:
            yield _event(BEYOND, run)
            return
        await asyncio.sleep(look_s)
        look_s = min(look_s * 2, _LONGEST_LOOK_S)


async def _logged(event_log: EventLog, run_id: UUID, after: str | None) -> AsyncGenerator[LoggedEvent]:
    """What the log has to say, up to its end or to a silence in which the row should be looked at."""
    with suppress(StreamUnknown, DependencyDown, TimeoutError):
        async with aclosing(event_log.follow(stream_of(run_id), after)) as events:
            while True:
                async with asyncio.timeout(_SILENCE_S):
                    event = await anext(events, None)
                if event is None:
                    return
                yield event


async def _is_written(event_log: EventLog, run_id: UUID) -> bool:
    try:
        return await event_log.exists(stream_of(run_id))
    except DependencyDown:
        return False


def _event(event_id: str, run: RunView) -> LoggedEvent:
    return LoggedEvent(event_id, FINISHED if run.finished_at else PROGRESS, run.model_dump_json())
