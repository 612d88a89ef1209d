"""Inserting many rows at once, on both databases alike, where some of them may be there already."""

from collections.abc import Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from app.kit.database import Session

_BATCH = 500
"""Rows for each statement: some milliseconds of work, between which the event loop breathes."""


async def insert_rows(
    session: Session, model: type[SQLModel], rows: Sequence[dict[str, Any]], *, update: Sequence[str] = ()
) -> None:
    """Insert rows given as columns and values; one whose primary key exists is left alone, or gets ``update`` columns.

    Columns must be named as in the table, and none is filled in: the models' own defaults do not apply here.
    """
    table = cast(sa.Table, sa.inspect(model).local_table)
    statement = _insert(session, table, update)
    for start in range(0, len(rows), _BATCH):
        await session.exec(statement, params=rows[start : start + _BATCH])


def _insert(session: Session, table: sa.Table, update: Sequence[str]) -> sa.Insert:
    keys = list(table.primary_key)
    if session.get_bind().dialect.name == "sqlite":
        lite = sqlite.insert(table)
        if not update:
            return lite.on_conflict_do_nothing(index_elements=keys)
        return lite.on_conflict_do_update(index_elements=keys, set_={name: lite.excluded[name] for name in update})
    post = postgresql.insert(table)
    if not update:
        return post.on_conflict_do_nothing(index_elements=keys)
    return post.on_conflict_do_update(index_elements=keys, set_={name: post.excluded[name] for name in update})
