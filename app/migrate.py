"""Brings a database to the schema this version of the code expects.

Looking is cheap and Alembic is not (a fifth of a second to import), so it is loaded only when the stored revision
differs from the newest one on disk.
"""

import asyncio
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import create_async_engine

ROOT = Path(__file__).resolve().parent.parent
_ASSIGNED = re.compile(r"^(revision|down_revision) = ['\"]([0-9a-z_]+)['\"]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The revision stored in the database (None: empty) and the newest one this code brings."""

    stored: str | None
    newest: str

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return self.stored == self.newest


def newest_revision() -> str:
    """The head of the chain, read from the files' own assignments."""
    revisions: set[str] = set()
    parents: set[str] = set()
    for path in (ROOT / "alembic" / "versions").glob("*.py"):
        assigned = dict(_ASSIGNED.findall(path.read_text(encoding="utf-8")))
        revisions.add(assigned["revision"])
        parents.add(assigned.get("down_revision", ""))
    (head,) = revisions - parents
    return head


async def schema_state(database_url: str) -> SchemaState:
    """Compare what is stored with what this code brings. Raises what the driver raises when it cannot connect."""
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as connection:
            try:
                stored = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
            except DatabaseError:  # The table does not exist: nothing was ever migrated.
                stored = None
    finally:
        await engine.dispose()
    return SchemaState(stored, newest_revision())


async def upgrade(database_url: str) -> SchemaState:
    """Migrate to the newest revision and return the state that was found; safe to run from several processes.

    A SQLite file that holds data is copied beside itself first: its schema changes cannot be undone half-way.
    """
    found = await schema_state(database_url)
    if found.is_current:
        return found
    if found.stored is not None and database_url.startswith("sqlite"):
        file = Path(database_url.split(":///", 1)[1])
        await asyncio.to_thread(shutil.copy2, file, file.with_suffix(f".before-{found.newest}.db"))
    await asyncio.to_thread(_alembic_upgrade, database_url)
    return found


def _alembic_upgrade(database_url: str) -> None:
    from alembic import command  # noqa: PLC0415  # Loaded only here: see the module's docstring.
    from alembic.config import Config  # noqa: PLC0415  # As above.

    config = Config()
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.attributes["url"] = database_url
    command.upgrade(config, "head")
