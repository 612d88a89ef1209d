"""How far a run is: kept in memory while it works, told to its followers, and saved with whatever is committed next.

The log of a run is the stream ``run:{id}``: ``progress`` events, each the run exactly as ``GET /v1/runs/{id}`` shows
it, then one ``finished``. Losing an event costs nothing, because the row is the truth.
"""

import time
from typing import Any
from uuid import UUID

from app.adapters.event_log import EventLog, EventWriter, StreamFull
from app.ingestion.carried import Carried
from app.ingestion.faults import RunCancelled
from app.ingestion.leases import Claimed, Lease
from app.ingestion.models import RunStatus, Stage
from app.ingestion.schemas import RunCounts, RunProgress, RunView, Unit
from app.kit.database import Session
from app.kit.metrics import FAILED_OPEN, STAGE_SECONDS

PROGRESS = "progress"
FINISHED = "finished"


def stream_of(run_id: UUID) -> str:
    """The name of a run's log."""
    return f"run:{run_id}"


class Reporter:
    """What the stages tell about the run in hand. Everything here is immediate; only ``save`` touches the database."""

    def __init__(self, claimed: Claimed, lease: Lease, writer: EventWriter) -> None:
        self._lease = lease
        self._writer = writer
        self._unsaved = True
        self._entered_s: float | None = None
        self.cancelled = False
        self.carried = claimed.carried
        self.view = RunView(
            id=claimed.run_id,
            source_id=claimed.source_id,
            status=RunStatus.RUNNING,
            stage=Stage.FETCHING,
            attempt=claimed.attempt,
            progress=RunProgress(),
            counts=RunCounts.model_validate(claimed.counts),
            error=None,
            created_at=claimed.created_at,
            started_at=claimed.started_at,
            finished_at=None,
        )

    @property
    def unsaved(self) -> bool:
        """Whether there is news since the last ``save``."""
        return self._unsaved

    @property
    def stage(self) -> Stage:
        """The stage the run is in."""
        return self.view.stage or Stage.FETCHING

    def enter(self, stage: Stage, unit: Unit = "steps", total: int | None = None, done: int = 0) -> None:
        """Begin a stage and tell it at once. Raises RunCancelled, as ``check`` does."""
        self.check()
        self._leave_stage()
        self._change(stage=stage, progress=RunProgress(done=done, total=total, unit=unit))
        self.tell()

    def _leave_stage(self) -> None:
        entered, self._entered_s = self._entered_s, time.monotonic()
        if entered is not None:
            STAGE_SECONDS.labels(self.stage.value).observe(self._entered_s - entered)

    def advance(self, done: int, total: int | None) -> None:
        """Note how far the stage is; the next save or the pulse tells it."""
        self._change(progress=RunProgress(done=done, total=total, unit=self.view.progress.unit))

    def count(self, **added: int) -> None:
        """Add to the run's counts. Call it inside the transaction that saves what was counted, before ``save``."""
        counts = self.view.counts
        self._change(counts=counts.model_copy(update={name: getattr(counts, name) + n for name, n in added.items()}))

    def set_counts(self, **values: int) -> None:
        """Put counts that are known as a whole, so that a repeated stage does not count twice."""
        self._change(counts=self.view.counts.model_copy(update=values))

    def carry(self, carried: Carried) -> None:
        """Keep what the next attempt, or the end, must know."""
        self.carried = carried
        self._unsaved = True

    def check(self) -> None:
        """A place where the work may stop. Raises RunCancelled once somebody has asked for it."""
        if self.cancelled:
            raise RunCancelled

    async def save(self, session: Session) -> None:
        """Write the run's row within a transaction that commits something of it. Raises LeaseLost."""
        await self._lease.hold(session, **self.columns())
        self._unsaved = False

    def columns(self) -> dict[str, Any]:
        """What of the run's row is known here."""
        return {
            "stage": self.view.stage,
            "progress": self.view.progress.model_dump(mode="json"),
            "counts": self.view.counts.model_dump(mode="json"),
            "carried": self.carried.stored(),
        }

    def tell(self, view: RunView | None = None) -> None:
        """Append the run as it is, or as ``view`` says it has become, to its log."""
        if view is not None:
            self._leave_stage()
            self.view = view
        write_event(self._writer, self.view)

    def _change(self, **values: Any) -> None:
        self.view = self.view.model_copy(update=values)
        self._unsaved = True


def write_event(writer: EventWriter, view: RunView) -> None:
    """Append ``progress``, or ``finished`` for a run that has ended; a full stream keeps room for that one only."""
    ended = view.finished_at is not None
    try:
        writer.append(FINISHED if ended else PROGRESS, view.model_dump_json(), terminal=ended)
    except StreamFull:
        FAILED_OPEN.labels("run_progress").inc()


async def announce(event_log: EventLog, view: RunView) -> None:
    """Tell the followers of a run nobody works on what has become of it."""
    writer = await event_log.open(stream_of(view.id))
    write_event(writer, view)
    await writer.aclose()
