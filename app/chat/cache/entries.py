"""Kept answers in SQL. An entry refers to the message it was given in: what is deleted there is gone here too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, delete

from app.chat.cache.values import Afterwards, Keeping, Stored
from app.chat.events import Cited, SourceView
from app.chat.models import CachedAnswer, CacheTrial, Citation, Message
from app.kit.clock import now
from app.kit.database import EVERY_TENANT, Database, Session
from app.kit.ids import new_id
from app.kit.ownership import is_owned, owned_columns

NEIGHBOURS = 500
"""How many stored questions of a partition are compared, the newest first; each is a vector of 1.5 kB to read."""
TRIALS_KEPT = timedelta(days=90)

_BEFORE_CITED = 4
_CITED = tuple(Cited.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A stored question and its vector, which has length 1."""

    key: str
    question: str
    vector: bytes


async def find(session: Session, tenant_id: UUID, partition: str, key: str, ttl_s: int) -> Stored | None:
    """The answer kept under a key and not older than ``ttl_s`` seconds: in one query, since a reader waits for it."""
    query = (
        owned_columns(
            tenant_id,
            CachedAnswer,
            col(CachedAnswer.question),
            col(CachedAnswer.cost_usd),
            col(Message.content),
            col(Message.sources),
            *(getattr(Citation, name) for name in _CITED),
        )
        .join(Message, col(Message.id) == col(CachedAnswer.message_id))
        .outerjoin(Citation, (col(Citation.message_id) == col(Message.id)) & is_owned(tenant_id, Citation))
        .where(is_owned(tenant_id, Message), *_fresh(partition, ttl_s), col(CachedAnswer.key) == key)
        .order_by(col(Citation.ordinal))
    )
    rows: list[Any] = cast(Any, await session.exec(query)).all()
    if not rows:
        return None
    question, cost_usd, text, sources = rows[0][:_BEFORE_CITED]
    views = msgspec.convert(sources["sources"] if sources else (), tuple[SourceView, ...])
    cited = [dict(zip(_CITED, row[_BEFORE_CITED:], strict=True)) for row in rows if row.n is not None]
    return Stored(question, text, views, msgspec.convert(cited, tuple[Cited, ...]), cost_usd)


async def neighbours(session: Session, tenant_id: UUID, partition: str, ttl_s: int) -> Sequence[Neighbour]:
    """The questions of a partition that can be compared by their vectors."""
    query = (
        owned_columns(
            tenant_id, CachedAnswer, col(CachedAnswer.key), col(CachedAnswer.question), col(CachedAnswer.vector)
        )
        .where(*_fresh(partition, ttl_s), col(CachedAnswer.vector).is_not(None))
        .order_by(col(CachedAnswer.created_at).desc())
        .limit(NEIGHBOURS)
    )
    return [Neighbour(*row) for row in cast(Any, await session.exec(query)).all()]


async def write(
    session: Session, tenant_id: UUID, bot_id: UUID | None, message_id: UUID, afterwards: Afterwards
) -> None:
    """Keep an answer, in the place of an older one to the same question, and note what shadow mode saw."""
    if afterwards.keeping is not None:
        await _keep(session, tenant_id, message_id, afterwards.keeping)
    if (trial := afterwards.trial) is not None:
        session.add(
            CacheTrial(tenant_id=tenant_id, bot_id=bot_id, similarity=trial.similarity, would_err=trial.would_err)
        )


async def purge(database: Database) -> int:
    """Forget answers whose time is over, and old trials; how many there were. For the background."""
    moment = now()
    async with database.transaction(EVERY_TENANT) as session:
        over = delete(CachedAnswer).where(col(CachedAnswer.expires_at) <= moment)  # unowned: age alone decides.
        old = delete(CacheTrial).where(col(CacheTrial.created_at) < moment - TRIALS_KEPT)  # unowned: age alone decides.
        return sum([(await session.exec(statement)).rowcount for statement in (over, old)])


async def _keep(session: Session, tenant_id: UUID, message_id: UUID, keeping: Keeping) -> None:
    moment = now()
    told = {
        "message_id": message_id,
        "question": keeping.question,
        "vector": keeping.vector,
        "cost_usd": keeping.cost_usd,
        "created_at": moment,
        "expires_at": moment + timedelta(seconds=keeping.ttl_s),
    }
    place = {"tenant_id": tenant_id, "partition": keeping.partition, "key": keeping.key}
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(CachedAnswer).values(id=new_id(), **place, **told)
    await session.exec(statement.on_conflict_do_update(index_elements=list(place), set_=told))


def _fresh(partition: str, ttl_s: int) -> tuple[ColumnElement[bool], ...]:
    """Both the policy the answer was kept under and the one that holds now must allow it."""
    moment = now()
    return (
        col(CachedAnswer.partition) == partition,
        col(CachedAnswer.expires_at) > moment,
        col(CachedAnswer.created_at) > moment - timedelta(seconds=ttl_s),
    )
