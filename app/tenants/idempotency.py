"""``Idempotency-Key``: a request that is repeated within a day gets the first one's answer, and does nothing.

    claim ── first ──→ the work ── settle(status, body) ──→ later claims replay it
      │                    └────── release (it failed) ───→ the next claim is the first again
      ├── replay      the first has been settled
      └── in progress the first is still at it (one that has been silent for a minute is taken to be dead)

Where claim, work and settle share one transaction, nobody ever sees "in progress": the second request waits for the
row on PostgreSQL and for the writer on SQLite.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, delete

from app.kit.clock import now
from app.kit.database import EVERY_TENANT, Database, Session
from app.kit.errors import Conflict, Invalid
from app.kit.ownership import owned_by, owned_delete, owned_update
from app.tenants.models import IdempotencyKey

KEPT: Final = timedelta(hours=24)
SILENT: Final = timedelta(seconds=60)
_SANE: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


class IdempotencyKeyReused(Conflict):
    """The key came with another body before."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request"


class Outcome(StrEnum):
    """What a claim found."""

    FIRST = "first"
    REPLAY = "replay"
    IN_PROGRESS = "in_progress"


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a claim; ``status`` and ``response`` are the first request's where it is to be replayed."""

    outcome: Outcome
    id: UUID
    status: int | None = None
    response: Mapping[str, Any] | None = None


def digest_of(*parts: bytes) -> str:
    """A digest of a request's body, in hex; parts are kept apart."""
    summed = hashlib.sha256()
    for part in parts:
        summed.update(len(part).to_bytes(8, "big") + part)
    return summed.hexdigest()


async def claim(session: Session, tenant_id: UUID, route: str, key: str, body_digest: str) -> Claim:
    """Be the first with this key on this route, or learn what became of the first.

    Raises Invalid for a key that is not 1 to 255 visible ASCII characters, and IdempotencyKeyReused.
    """
    if not _SANE.fullmatch(key):
        raise Invalid.field("Idempotency-Key", "must be 1 to 255 visible ASCII characters")
    await session.exec(owned_delete(tenant_id, IdempotencyKey).where(_named(route, key), _is_over()))
    row = IdempotencyKey(tenant_id=tenant_id, route=route, key=key, body_digest=body_digest)
    if await _insert(session, row):
        return Claim(Outcome.FIRST, row.id)
    found = (await session.exec(owned_by(tenant_id, IdempotencyKey).where(_named(route, key)))).first()
    if found is None:  # The first gave its claim up between our two statements; whoever comes next may have it.
        return Claim(Outcome.IN_PROGRESS, row.id)
    if found.body_digest != body_digest:
        raise IdempotencyKeyReused("This Idempotency-Key came with another body before. Use a new key for it.")
    if found.status is not None:
        return Claim(Outcome.REPLAY, found.id, found.status, found.response)
    return await _take_over(session, found)


async def settle(session: Session, tenant_id: UUID, claim_id: UUID, status: int, response: Mapping[str, Any]) -> None:
    """Keep the first request's answer for those that repeat it."""
    update = owned_update(tenant_id, IdempotencyKey).where(col(IdempotencyKey.id) == claim_id)
    await session.exec(update.values(status=status, response=dict(response)))


async def release(session: Session, tenant_id: UUID, claim_id: UUID) -> None:
    """Give a claim up because the work failed: whoever repeats the request may try again."""
    await session.exec(owned_delete(tenant_id, IdempotencyKey).where(col(IdempotencyKey.id) == claim_id))


async def purge(database: Database) -> int:
    """Forget keys older than a day; how many there were. For the sweeper."""
    async with database.transaction(EVERY_TENANT) as session:
        result = await session.exec(delete(IdempotencyKey).where(_is_over()))  # unowned: age alone decides.
    return result.rowcount


async def _insert(session: Session, row: IdempotencyKey) -> bool:
    """Whether the row could be written, nobody having been quicker."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = row.model_dump(exclude={"status", "response"})
    return (await session.exec(insert(IdempotencyKey).values(**values).on_conflict_do_nothing())).rowcount == 1


async def _take_over(session: Session, found: IdempotencyKey) -> Claim:
    """Be the first in the place of one that has been silent too long; only one of many can be."""
    if now() - found.created_at < SILENT:
        return Claim(Outcome.IN_PROGRESS, found.id)
    same = (col(IdempotencyKey.id) == found.id, col(IdempotencyKey.created_at) == found.created_at)
    update = owned_update(found.tenant_id, IdempotencyKey).where(*same, col(IdempotencyKey.status).is_(None))
    taken = (await session.exec(update.values(created_at=now()))).rowcount == 1
    return Claim(Outcome.FIRST if taken else Outcome.IN_PROGRESS, found.id)


def _named(route: str, key: str) -> ColumnElement[bool]:
    return (col(IdempotencyKey.route) == route) & (col(IdempotencyKey.key) == key)


def _is_over() -> ColumnElement[bool]:
    return col(IdempotencyKey.created_at) < now() - KEPT
