"""Short ways through the door that the tests of this slice share."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import event

from app.adapters.redis import RedisSource
from app.kit.database import Database
from app.tenants.freshness import Freshness
from app.tenants.last_used import LastUsed
from app.tenants.verifier import TokenVerifier
from tests.support.house import House, Office

PASSWORD = "correct horse battery"

_watched: ContextVar[list[str] | None] = ContextVar("watched", default=None)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def call(office: Office, method: str, path: str, body: Any = None, *, token: str | None = None) -> httpx.Response:
    """One request with a JSON body, with another token where one is given."""
    headers = {} if token is None else bearer(token)
    return await office.call(method, path, json=body, headers=headers)


async def make(office: Office, path: str, **body: Any) -> dict[str, Any]:
    answer = await call(office, "POST", path, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def a_bot(office: Office, name: str = "Helper") -> str:
    return (await make(office, "/v1/bots", name=name, model="extractive"))["id"]


async def a_person(office: Office, email: str = "ada@example.com", role: str = "member") -> dict[str, Any]:
    return await make(office, "/v1/users", email=email, password=PASSWORD, role=role)


async def a_session(house: House, email: str = "ada@example.com", password: str = PASSWORD) -> str:
    answer = await house.client.post("/v1/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def another_process(house: House, redis: RedisSource | None = None) -> TokenVerifier:
    """A verifier with a memory of its own over the same database and (unless another is given) the same Redis."""
    runtime = house.runtime
    freshness = Freshness((redis or runtime.redis).client())
    return TokenVerifier(runtime.database, runtime.secrets, freshness, LastUsed(runtime.database))


def stored_bytes(house: House) -> bytes:
    """All that the SQLite database has on disk, its journal included."""
    return b"".join(path.read_bytes() for path in house.runtime.settings.data_dir.rglob("minirag.db*"))


def tenant_id(office: Office) -> UUID:
    return UUID(office.id)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What this task asks the database inside the block; what runs beside it is not counted."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if _watched.get() is asked:
            asked.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    token = _watched.set(asked)
    try:
        yield asked
    finally:
        _watched.reset(token)
        event.remove(engine, "before_cursor_execute", note)
