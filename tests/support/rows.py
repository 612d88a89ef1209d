"""Looking at an installation's rows directly, on either database, from outside its processes."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import asyncpg


def look_at(database_url: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows a SELECT gives. SQLite is opened read-only, so that looking cannot disturb."""
    if database_url.startswith("sqlite"):
        path = database_url.split(":///", 1)[1]
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(statement).fetchall()
    return asyncio.run(_ask(database_url.replace("+asyncpg", ""), statement))


async def _ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()
