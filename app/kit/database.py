"""The one unit of work: ``transaction()`` serves requests, jobs and commands, and nothing else commits.

Two databases, one behaviour. PostgreSQL is used as it is. SQLite gets WAL, foreign keys and a busy timeout on every
connection; writers queue on one lock of this process and begin with ``BEGIN IMMEDIATE``, because a transaction that
reads first and writes later would otherwise fail at once with "database is locked", or lose an update silently.
No transaction may stay open across a call to a model, an index or the web.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel.ext.asyncio.session import AsyncSession


class Reach(Enum):
    """What a transaction may see when it is not one tenant's."""

    EVERY_TENANT = "every tenant"


EVERY_TENANT: Final = Reach.EVERY_TENANT
"""For the few doors that serve the platform itself: sign-in, the sweeper, the operator's commands."""

Scope = UUID | Reach


class Session(AsyncSession):
    """A SQLModel session that also remembers what to do once its transaction has been committed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._after_commit: list[Callable[[], Awaitable[object]]] = []

    def after_commit(self, action: Callable[[], Awaitable[object]]) -> None:
        """Run ``action`` after the commit; never when the transaction is rolled back.

        The row is the truth and this is only a message about it: an action that fails or is lost with the process
        must be repaired by whoever sweeps the rows.
        """
        self._after_commit.append(action)

    async def run_after_commit(self) -> None:
        """Called by ``Database.transaction`` alone."""
        actions, self._after_commit = self._after_commit, []
        for action in actions:
            await action()


class Database:
    """An engine and the only way to open a session on it."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.is_sqlite = url.startswith("sqlite")
        options: dict[str, Any] = {} if self.is_sqlite else {"pool_size": pool_size, "pool_pre_ping": True}
        # Parameters are document text and tokens: they must not stand in a trace.
        self.engine: AsyncEngine = create_async_engine(url, hide_parameters=True, **options)
        self._writer = asyncio.Lock()
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        self._writing = self.engine.execution_options(minirag_writes=True)

    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncGenerator[Session]:
        """A read-write transaction of one tenant (or of the platform): commit at the end, roll back on any error."""
        async with AsyncExitStack() as stack:
            if self.is_sqlite:
                await stack.enter_async_context(self._writer)
            session = await stack.enter_async_context(Session(self._writing, expire_on_commit=False))
            async with session.begin():
                await self._enter(session, scope)
                yield session
        await session.run_after_commit()

    @asynccontextmanager
    async def reading(self, scope: Scope) -> AsyncGenerator[Session]:
        """A read-only unit: sees one snapshot on SQLite, and is always rolled back."""
        async with Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            await self._enter(session, scope)
            yield session

    async def ping(self) -> None:
        """Raise whatever the driver raises when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()

    async def _enter(self, session: Session, scope: Scope) -> None:
        """Tell the session whose transaction this is; row-level policies can rely on it."""
        session.info["scope"] = scope


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # pysqlite's own BEGIN comes too late; we send ours.
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("minirag_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
