"""Following the log live. Every event comes out of SQL; announcements and a short clock only say when to look."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, Protocol
from uuid import UUID

from app.adapters.event_log import LoggedEvent
from app.events.service import channel_of, list_events, wire
from app.kit.database import Database
from app.kit.paging import MAX_LIMIT, PageRequest
from app.kit.tasks import end_tasks

LOOK_S: Final = 2.0
"""How often SQL is asked when nothing is announced: an announcement can be lost."""
LONGEST_S: Final = 600.0
"""A stream ends after this long and its client comes back with the last id: then its token is looked at again."""
START: Final = UUID(int=0)
"""Before the first event."""


class News(Protocol):
    """What following needs of the event log adapter."""

    def listen(self, channel: str) -> AsyncGenerator[str]:
        """Everything announced on ``channel`` from now on."""
        ...


async def follow(
    database: Database,
    news: News,
    tenant_id: UUID,
    after: UUID,
    *,
    look_s: float = LOOK_S,
    longest_s: float = LONGEST_S,
) -> AsyncGenerator[LoggedEvent]:
    """The tenant's events after ``after``, oldest first, then each new one, for ``longest_s`` seconds.

    Close it (``aclosing``) in the task that iterates it: it owns a task that listens.
    """
    woken = asyncio.Event()
    listener = asyncio.create_task(_listen(news, channel_of(tenant_id), woken), name="events.listen")
    ends = time.monotonic() + longest_s
    try:
        while time.monotonic() < ends:
            woken.clear()
            batch = await _after(database, tenant_id, after)
            for event in batch:
                after = UUID(event.id)
                yield event
            if not batch:
                await _wait(woken, look_s)
    finally:
        await end_tasks([listener])


async def _after(database: Database, tenant_id: UUID, after: UUID) -> list[LoggedEvent]:
    async with database.reading(tenant_id) as session:
        page = await list_events(session, tenant_id, PageRequest(MAX_LIMIT, after), newest_first=False)
    return [LoggedEvent(str(row.id), row.type, json.dumps(wire(row), ensure_ascii=False)) for row in page.rows]


async def _wait(woken: asyncio.Event, longest_s: float) -> None:
    try:
        async with asyncio.timeout(longest_s):
            await woken.wait()
    except TimeoutError:
        return


async def _listen(news: News, channel: str, woken: asyncio.Event) -> None:
    async with aclosing(news.listen(channel)) as announcements:
        async for _ in announcements:
            woken.set()
