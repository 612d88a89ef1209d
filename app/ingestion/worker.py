"""One run from claim to end: what the job does, whoever calls it."""

import asyncio
import os
import socket
from uuid import UUID

import structlog

from app.adapters.event_log import EventWriter
from app.events.service import EventType
from app.ingestion.deps import IngestionDeps
from app.ingestion.dispatch import dispatch
from app.ingestion.endings import CANCELLED, Ending, end_held, failure, try_again
from app.ingestion.faults import CRASHES, QUARANTINED, Fault, LeaseLost, RunCancelled, fault_of, pause_s
from app.ingestion.leases import Claimed, Lease, claim, next_due, next_of_source, release
from app.ingestion.pipeline import ingest
from app.ingestion.progress import Reporter, stream_of
from app.ingestion.pulse import Pulse
from app.kit.clock import now
from app.kit.database import EVERY_TENANT
from app.kit.ids import new_id
from app.knowledge.models import SourceStatus
from app.knowledge.sources import set_status

HAND_BACK_S = 5.0
"""How long a worker that is told to stop may take to give its run back."""
RACES = 5
"""How often a worker looks for another run when others were quicker."""

log = structlog.get_logger(__name__)


class Ingester:
    """Takes runs whose turn it is and works on them, one per call."""

    def __init__(self, deps: IngestionDeps) -> None:
        self._deps = deps
        self._name = f"{socket.gethostname()[:40]}:{os.getpid()}"
        self._last_tenant: UUID | None = None

    async def work(self) -> bool:
        """Take the run whose turn it is and see it through; False when none waits."""
        claimed = await self._take()
        if claimed is None:
            return False
        with structlog.contextvars.bound_contextvars(
            run_id=str(claimed.run_id), tenant_id=str(claimed.tenant_id), attempt=claimed.attempt
        ):
            writer = await self._deps.event_log.open(stream_of(claimed.run_id))
            try:
                await _Attempt(self._deps, claimed, writer).run()
            finally:
                await writer.aclose()
        return True

    async def _take(self) -> Claimed | None:
        deps = self._deps
        for _ in range(RACES):
            async with deps.database.transaction(EVERY_TENANT) as session:
                turn = await next_due(session, self._last_tenant)
                if turn is None:
                    return None
                tenant_id, run_id = turn
                self._last_tenant = tenant_id
                owner = f"{self._name}:{new_id()}"
                claimed = await claim(session, tenant_id, run_id, owner, deps.settings.run_lease_s)
                if claimed is None:
                    continue
                await set_status(session, tenant_id, claimed.source_id, SourceStatus.INGESTING)
                if claimed.first:
                    data = {"run_id": str(run_id), "source_id": str(claimed.source_id), "attempt": claimed.attempt}
                    await deps.recorder.record(session, tenant_id, EventType.RUN_STARTED, run_id, data)
                return claimed
        return None


class _Attempt:
    """One attempt at a run, and whichever way it ends."""

    def __init__(self, deps: IngestionDeps, claimed: Claimed, writer: EventWriter) -> None:
        self._deps = deps
        self._claimed = claimed
        self._lease = Lease(claimed, deps.settings.run_lease_s)
        self._reporter = Reporter(claimed, self._lease, writer)

    async def run(self) -> None:
        """Never raises for what went wrong with the run; CancelledError passes once the run has been given back."""
        try:
            await self._end(await self._work())
        except LeaseLost:
            log.info("run.lease_lost")
        except asyncio.CancelledError:
            await asyncio.wait([asyncio.create_task(self._hand_back())], timeout=HAND_BACK_S)
            raise

    async def _work(self) -> Ending | Fault:
        deps, claimed, reporter = self._deps, self._claimed, self._reporter
        pulse = Pulse(deps.database, self._lease, reporter)
        try:
            return await pulse.around(lambda: ingest(deps, claimed, reporter))
        except RunCancelled:
            return CANCELLED
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001  # Whatever it is, the run must end or be tried again.
            return fault_of(error)

    async def _end(self, outcome: Ending | Fault) -> None:
        if isinstance(outcome, Ending):
            await self._finish(outcome)
            return
        reporter, claimed = self._reporter, self._claimed
        if outcome.crash and claimed.crashes + 1 >= CRASHES:
            outcome = QUARANTINED
        reporter.carry(reporter.carried.with_fault(now()))
        pause = pause_s(outcome, claimed.attempt, reporter.carried, self._deps.settings, now())
        if pause is None:
            await self._finish(failure(outcome, reporter.stage))
        else:
            await self._try_again(outcome, pause)

    async def _finish(self, ending: Ending) -> None:
        deps, tenant_id = self._deps, self._claimed.tenant_id
        async with deps.database.transaction(tenant_id) as session:
            view = await end_held(session, deps.recorder, self._lease, self._reporter, ending)
            waiting = await next_of_source(session, tenant_id, view.source_id)
        self._reporter.tell(view)
        log.info("run.finished", status=view.status.value, code=view.error.code if view.error else None)
        if waiting is not None:
            await dispatch(deps.queue, *waiting)

    async def _try_again(self, fault: Fault, pause: float) -> None:
        async with self._deps.database.transaction(self._claimed.tenant_id) as session:
            view = await try_again(session, self._lease, self._reporter, fault, pause)
        self._reporter.tell(view)
        log.warning("run.tried_again", code=fault.code, stage=self._reporter.stage.value, pause_s=round(pause, 1))
        await dispatch(self._deps.queue, view.id, view.attempt, pause)

    async def _hand_back(self) -> None:
        try:
            async with self._deps.database.transaction(self._claimed.tenant_id) as session:
                await release(session, self._lease, self._reporter.columns())
        except LeaseLost:
            return
        log.info("run.handed_back")
