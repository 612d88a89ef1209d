"""Who works on a run: taking one, keeping it, giving it back.

    queued ── claim ──> running ── release ──> queued          (shutdown: the attempt is not spent)
                           │── lease lapses ──> queued         (the sweeper: attempt + 1)
                           └── ending ────────> an end         (ingestion/endings.py)

Every step is one conditional UPDATE whose row count decides, which works alike on SQLite and PostgreSQL. A worker
proves in each of its transactions that it still holds the run (``Lease.hold``), so one that was given up for dead and
wakes again cannot write anything. ``unowned`` below: a worker serves every tenant, and each statement names its run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from app.ingestion.carried import Carried
from app.ingestion.faults import LeaseLost
from app.ingestion.models import Run, RunStatus
from app.kit.clock import now
from app.kit.database import Session
from app.kit.ownership import owned_by, owned_columns, owned_update
from app.knowledge.rows import first_of


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run as its worker took it. ``owner`` is unique to this claim. ``first`` says that it never ran before."""

    run_id: UUID
    tenant_id: UUID
    source_id: UUID
    upload_id: UUID | None
    owner: str
    attempt: int
    crashes: int
    activate: bool
    force: bool
    first: bool
    created_at: datetime
    started_at: datetime
    counts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    carried: Carried = field(default_factory=Carried)


async def next_due(session: Session, after_tenant: UUID | None) -> tuple[UUID, UUID] | None:
    """The (tenant, run) whose turn it is: tenants go round in the order of their ids, each with its oldest due run.

    ``after_tenant`` had the last turn. Taking turns is what keeps one tenant's ten thousand files from delaying
    another's single one: it waits for one run of each other waiting tenant at most. A run whose source is being
    worked on waits, so that no text is embedded twice side by side. Both queries end at the first row of an index.
    """
    for floor in (after_tenant, None):
        query = _due_runs().limit(1)
        if floor is not None:
            query = query.where(col(Run.tenant_id) > floor)
        row: tuple[UUID, UUID] | None = await first_of(session, query)
        if row is not None:
            return row
    return None


async def next_of_source(session: Session, tenant_id: UUID, source_id: UUID) -> tuple[UUID, int] | None:
    """The (run, attempt) that waited for another run of its source to end."""
    query = owned_columns(tenant_id, Run, col(Run.id), col(Run.attempt)).where(
        col(Run.source_id) == source_id, col(Run.status) == RunStatus.QUEUED, col(Run.due_at) <= now()
    )
    row: tuple[UUID, int] | None = await first_of(session, query.order_by(col(Run.due_at), col(Run.id)).limit(1))
    return row


def _due_runs() -> Any:
    sibling = aliased(Run)
    busy = sa.exists().where(col(sibling.source_id) == col(Run.source_id), col(sibling.status) == RunStatus.RUNNING)
    return (
        select(Run.tenant_id, Run.id)  # unowned: the queue is the platform's; see the module's docstring.
        .where(col(Run.status) == RunStatus.QUEUED, col(Run.due_at) <= now(), ~busy)
        .order_by(col(Run.tenant_id), col(Run.due_at), col(Run.id))
    )


async def claim(session: Session, tenant_id: UUID, run_id: UUID, owner: str, lease_s: float) -> Claimed | None:
    """Take a run that is queued and due; None when somebody else was quicker or it has ended.

    One whose worker was lost is not taken here: the sweeper puts it back into the queue first, so that a single place
    counts interruptions.
    """
    moment = now()
    waiting = sa.and_(col(Run.id) == run_id, col(Run.status) == RunStatus.QUEUED, col(Run.due_at) <= moment)
    run = (await session.exec(owned_by(tenant_id, Run).where(waiting))).first()
    if run is None:
        return None
    claimed = _claimed(run, owner, moment)  # Before the UPDATE, which changes the loaded row too.
    taken = await session.exec(
        owned_update(tenant_id, Run)
        .where(waiting, col(Run.attempt) == run.attempt)
        .values(
            status=RunStatus.RUNNING,
            lease_owner=owner,
            lease_until=moment + timedelta(seconds=lease_s),
            started_at=run.started_at or moment,
        )
    )
    return claimed if taken.rowcount else None


def _claimed(run: Run, owner: str, moment: datetime) -> Claimed:
    return Claimed(
        run_id=run.id,
        tenant_id=run.tenant_id,
        source_id=run.source_id,
        upload_id=run.upload_id,
        owner=owner,
        attempt=run.attempt,
        crashes=run.crashes,
        activate=run.activate,
        force=run.force,
        first=run.started_at is None,
        created_at=run.created_at,
        started_at=run.started_at or moment,
        counts=dict(run.counts),
        carried=Carried.read(run.carried),
    )


class Lease:
    """A worker's hold on one run, ``lease_s`` seconds long from each ``hold``."""

    def __init__(self, claimed: Claimed, lease_s: float) -> None:
        self.claimed = claimed
        self.lease_s = lease_s

    async def hold(self, session: Session, **columns: Any) -> None:
        """Renew the lease and write ``columns``. Raises LeaseLost, which rolls the transaction around it back."""
        until = now() + timedelta(seconds=self.lease_s)
        await self._write(session, lease_until=until, **columns)

    async def give_up(self, session: Session, **columns: Any) -> None:
        """Let go of the run and write ``columns``, its new status among them. Raises LeaseLost."""
        await self._write(session, lease_owner=None, lease_until=None, **columns)

    async def cancel_requested(self, session: Session) -> bool:
        """Whether somebody wants the run to stop. Raises LeaseLost."""
        query = owned_columns(self.claimed.tenant_id, Run, col(Run.cancel_requested)).where(self._held())
        wanted: bool | None = await first_of(session, query)
        if wanted is None:
            raise LeaseLost
        return wanted

    async def _write(self, session: Session, **columns: Any) -> None:
        statement = owned_update(self.claimed.tenant_id, Run).where(self._held()).values(**columns)
        if not (await session.exec(statement)).rowcount:
            raise LeaseLost

    def _held(self) -> sa.ColumnElement[bool]:
        return sa.and_(
            col(Run.id) == self.claimed.run_id,
            col(Run.lease_owner) == self.claimed.owner,
            col(Run.status) == RunStatus.RUNNING,
        )


async def release(session: Session, lease: Lease, columns: Mapping[str, Any]) -> None:
    """Give a run back unfinished, as a worker does that is told to stop: due at once, no attempt spent."""
    await lease.give_up(session, status=RunStatus.QUEUED, due_at=now(), **columns)
