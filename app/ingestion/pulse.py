"""The heartbeat beside a run's work: renews the lease, saves progress, and notices that the run should stop.

every TICK_S   news → save and tell it (renews the lease)
               a third of the lease gone → renew it
               otherwise → only look whether somebody asked to cancel
cancel         the work ends itself between two batches, or is cut off one patience later
lease lost     the work is cut off at once; also when the database stays away for a whole lease
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.ingestion.faults import LeaseLost, RunCancelled
from app.ingestion.leases import Lease
from app.ingestion.progress import Reporter
from app.kit.database import Database

TICK_S = 0.5
CANCEL_PATIENCE_S = 1.0
"""A batch that ends within this long is let finish, as it has been paid for."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Pulse:
    """Beats for one run for as long as its work takes."""

    def __init__(self, database: Database, lease: Lease, reporter: Reporter) -> None:
        self._database = database
        self._lease = lease
        self._reporter = reporter
        self._renewed_at = asyncio.get_running_loop().time()
        self._over = False

    async def around(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do ``work`` while beating. Raises what the work raises, or LeaseLost or RunCancelled, which end it."""
        try:
            async with asyncio.TaskGroup() as group:
                beat = group.create_task(self._beat())
                try:
                    return await work()
                finally:
                    self._over = True  # A cancellation can be lost on its way: then the next beat is the last.
                    beat.cancel()
        except BaseExceptionGroup as faults:
            # The beat's word counts for more than what its interruption made of the work.
            decided = next((one for one in faults.exceptions if _decides(one)), faults.exceptions[0])
            raise decided from decided.__cause__

    async def _beat(self) -> None:
        tick_s = min(TICK_S, self._lease.lease_s / 4)
        while not self._over:
            await asyncio.sleep(tick_s)
            try:
                cancel = await self._tick()
            except (SQLAlchemyError, OSError) as error:
                log.warning("run.heartbeat_failed", kind=type(error).__name__)
                if self._silent_s() > self._lease.lease_s:
                    raise LeaseLost from error
                continue
            if cancel and self._reporter.cancelled:
                raise RunCancelled
            if cancel:
                self._reporter.cancelled = True
                await asyncio.sleep(CANCEL_PATIENCE_S)

    async def _tick(self) -> bool:
        """Whether somebody asked for the run to stop."""
        tenant_id = self._lease.claimed.tenant_id
        if not self._reporter.unsaved and self._silent_s() < self._lease.lease_s / 3:
            async with self._database.reading(tenant_id) as session:
                return await self._lease.cancel_requested(session)
        news = self._reporter.unsaved
        async with self._database.transaction(tenant_id) as session:
            await self._reporter.save(session)
            cancel = await self._lease.cancel_requested(session)
        self._renewed_at = asyncio.get_running_loop().time()
        self._over = False
        if news:
            self._reporter.tell()
        return cancel

    def _silent_s(self) -> float:
        return asyncio.get_running_loop().time() - self._renewed_at


def _decides(error: BaseException) -> bool:
    return isinstance(error, LeaseLost | RunCancelled)
