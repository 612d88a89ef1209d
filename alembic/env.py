"""Runs the one chain of revisions on SQLite and PostgreSQL.

On SQLite a batch operation copies a table and drops the old one; with foreign keys on, that drop would silently
delete every child row. So the pragma is off while migrating, the whole upgrade is one transaction that we begin
ourselves (the driver would leave a failed one half applied), and the foreign keys are checked before it commits.
On PostgreSQL an advisory lock lets several processes migrate at once and a lock time-out keeps a migration from
standing in front of a live table for ever.
"""

import asyncio
from typing import Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import event, pool
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from app.kit.columns import JSON_DOCUMENT, Usd
from app.settings import Settings
from app.tables import METADATA

MIGRATION_LOCK = 5_182_733


def render_item(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Spell our own types with plain SQLAlchemy ones, so that a revision never imports the application."""
    if kind != "type":
        return False
    if isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    if isinstance(item, Usd):
        return "sa.BigInteger()"
    if item is JSON_DOCUMENT:
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")'
    return False


def migrate(connection: sa.Connection) -> None:
    """Run the revisions on an open connection, in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        compare_type=True,
        compare_server_default=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL lock_timeout = '30s'"))
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if broken:
                raise RuntimeError(f"The migration left {len(broken)} rows without the row they refer to: {broken[:3]}")


async def connect_and_migrate(url: str) -> None:
    """Open a connection of our own with the manners the docstring above describes."""
    engine = create_async_engine(url, poolclass=pool.NullPool)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine.sync_engine, "connect")
        def prepare(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
            connection.isolation_level = None
            for pragma in ("journal_mode=WAL", "foreign_keys=OFF", "busy_timeout=30000"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(connect_and_migrate(context.config.attributes.get("url") or Settings().effective_database_url))
