"""Giving events ids that grow in the order of their commits.

A reader goes on after the last id it saw. Ids drawn when something happens would betray it: a slow transaction would
commit a smaller id behind its back, and clocks of two machines differ. So ids are drawn at the very end, while the
tenant's lock is held up to the commit, and each is greater than the last one there is:

    work … flush ─→ lock(tenant) ─→ id > last id ─→ insert ─→ commit (releases the lock)

Nothing but the commit follows the lock, so holders never wait for each other's rows. On SQLite the writer's lock,
which every transaction holds from its beginning, already does this.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.orm import Session as SyncSession
from sqlmodel import col

from app.events.models import Event
from app.kit.database import Session
from app.kit.ids import new_id
from app.kit.ownership import owned_columns

_PENDING = "pending_events"
_LOCK_SPACE = 5_182_734
"""The first half of the advisory lock's name; the second is drawn from the tenant's id."""


def put_off(session: Session, row: Event) -> bool:
    """Add ``row`` when the transaction commits. Says whether it is the tenant's first one in this transaction."""
    if _PENDING not in session.info:
        session.info[_PENDING] = defaultdict[UUID, list[Event]](list)
        event.listen(session.sync_session, "before_commit", _write)
    rows: list[Event] = session.info[_PENDING][row.tenant_id]
    rows.append(row)
    return len(rows) == 1


def _write(session: SyncSession) -> None:
    """Called by SQLAlchemy before a commit, and before the end of a savepoint, where it waits for the real commit."""
    pending: Mapping[UUID, Sequence[Event]] = session.info[_PENDING]
    if session.in_nested_transaction() or not pending:
        return
    session.info[_PENDING] = defaultdict[UUID, list[Event]](list)
    session.flush()
    for tenant_id in sorted(pending):  # One order for all, so that two transactions cannot each hold what one wants.
        _lock(session, tenant_id)
        number(pending[tenant_id], _newest(session, tenant_id))
        session.add_all(pending[tenant_id])


def _lock(session: SyncSession, tenant_id: UUID) -> None:
    if session.get_bind().dialect.name == "postgresql":
        half = int.from_bytes(tenant_id.bytes[-4:], "big", signed=True)
        session.execute(text("SELECT pg_advisory_xact_lock(:space, :half)"), {"space": _LOCK_SPACE, "half": half})


def _newest(session: SyncSession, tenant_id: UUID) -> UUID | None:
    query: Any = owned_columns(tenant_id, Event, Event.id).order_by(col(Event.id).desc()).limit(1)
    return session.execute(query).scalars().first()


def number(rows: Sequence[Event], newest: UUID | None) -> None:
    """Draw the ids. Where a clock stands behind the last event's, the next number is as good: still a sane UUIDv7."""
    for row in rows:
        drawn = new_id()
        row.id = newest = drawn if newest is None or drawn > newest else UUID(int=newest.int + 1)
