"""The whole house for a test: an open runtime, the application over it, a working worker, and a client at the door.

Nothing is replaced: real SQL (SQLite or PostgreSQL), Redis imitated or real, the embedded index, the real embedder.
Chat models are scripted providers over real HTTP.
"""

import asyncio
import atexit
import json
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from app.adapters.embedder.granite import Granite, load_granite
from app.asgi import create_app
from app.background import recovering, working
from app.health import Health
from app.migrate import upgrade
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from tests.support import services

ENDED = {"succeeded", "skipped", "partial", "failed", "cancelled"}


def settings_in(folder: Path, **given: Any) -> Settings:
    """Settings of a test's own house, deaf to the machine's environment and ``.env``."""
    quick = {
        "data_dir": folder / "data",
        "log_format": "console",
        "shutdown_grace_s": 1,
        "sweep_interval_s": 0.5,
        "allowed_fetch_hosts": "127.0.0.1,localhost",
    }
    return Settings(_env_file=None, **{**quick, **given})  # type: ignore[call-arg]  # The settings library adds it.


@cache
def migrated_postgres() -> str:
    """A PostgreSQL database with the newest schema, to copy from; made once in this process."""
    url = services.postgres_url()
    with ThreadPoolExecutor(1) as aside:  # The test that asks first has a running loop of its own.
        aside.submit(lambda: asyncio.run(upgrade(url))).result()
    return url


@cache
def one_embedder() -> Granite:
    """The bundled model, loaded once for all houses of this process: its weights never change."""
    return load_granite()


@cache
def migrated_sqlite() -> Path:
    """A SQLite file with the newest schema, to copy from; made once in this process."""
    file = Path(tempfile.mkdtemp(prefix="minirag-test-")) / "minirag.db"
    atexit.register(shutil.rmtree, file.parent, ignore_errors=True)
    with ThreadPoolExecutor(1) as aside:
        aside.submit(lambda: asyncio.run(upgrade(f"sqlite+aiosqlite:///{file}"))).result()
    return file


async def prepare(settings: Settings) -> None:
    """Give the house its storage: what is there already stays."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    own = settings.data_dir / "minirag.db"
    if settings.database_url is None and not own.exists():
        shutil.copyfile(migrated_sqlite(), own)
    await upgrade(settings.effective_database_url)


@dataclass(frozen=True, slots=True)
class Event:
    """One Server-Sent Event as a client reads it."""

    id: str
    type: str
    data: Any


def read_events(text: str) -> list[Event]:
    """The events of a whole SSE body."""
    events: list[Event] = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = [line.partition(": ") for line in block.split("\n") if line and not line.startswith(":")]
        named = {name: value for name, _, value in fields}
        if "data" in named:
            data = "\n".join(value for name, _, value in fields if name == "data")
            events.append(Event(named.get("id", ""), named.get("event", ""), json.loads(data)))
    return events


@dataclass(frozen=True)
class Office:
    """A tenant, seen through the door with one of its tokens."""

    house: "House"
    id: str
    token: str
    knowledge_base_id: str
    bot_id: str

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self.house.client.request(method, path, headers=headers, **options)

    async def get(self, path: str, **query: Any) -> Any:
        return _body(await self.call("GET", path, params=query))

    async def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return _body(await self.call("POST", path, json={} if body is None else body, **options))

    async def patch(self, path: str, body: Any) -> Any:
        return _body(await self.call("PATCH", path, json=body))

    async def delete(self, path: str) -> int:
        response = await self.call("DELETE", path)
        assert response.is_success, response.text
        return response.status_code

    async def upload(self, name: str, content: bytes, wait: bool = True, **fields: Any) -> dict[str, Any]:
        """Upload a file and, unless told otherwise, wait for its run to end; the body of the 202 (or 200)."""
        response = await self.call("POST", "/v1/sources", files={"file": (name, content)}, data=fields)
        body = _body(response)
        return {**body, "run": await self.ended(body["run"]["id"])} if wait else body

    async def learn(self, title: str, content: str, wait: bool = True, **fields: Any) -> dict[str, Any]:
        """Add a text source, and wait for its run to end."""
        body = await self.post("/v1/sources", {"type": "text", "title": title, "content": content, **fields})
        return {**body, "run": await self.ended(body["run"]["id"])} if wait else body

    async def ended(self, run_id: str, within_s: float = 60) -> dict[str, Any]:
        """The run once it has ended."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            run = await self.get(f"/v1/runs/{run_id}")
            if run["status"] in ENDED:
                return run
            await asyncio.sleep(0.03)
        raise AssertionError(f"The run did not end within {within_s} s: {run}")

    async def search(self, query: str, **fields: Any) -> dict[str, Any]:
        return await self.post("/v1/search", {"query": query, **fields})

    async def chat(self, message: str, **fields: Any) -> dict[str, Any]:
        """Ask without streaming."""
        return await self.post("/v1/chat", {"message": message, "stream": False, **fields})

    async def stream(self, message: str, **fields: Any) -> list[Event]:
        """Ask and read the whole stream."""
        response = await self.call("POST", "/v1/chat", json={"message": message, **fields})
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/event-stream")
        return read_events(response.text)


@dataclass(frozen=True)
class House:
    """One process: its runtime and a client at its door."""

    runtime: Runtime
    app: Any
    client: httpx.AsyncClient
    offices: list[Office] = field(default_factory=list)

    @property
    def admin(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.runtime.secrets.admin_key}"}

    async def tenant(self, name: str = "Acme", **fields: Any) -> Office:
        """Found a tenant."""
        response = await self.client.post("/v1/tenants", json={"name": name, **fields}, headers=self.admin)
        made = _body(response)
        office = Office(
            self, made["tenant"]["id"], made["api_token"]["token"], made["knowledge_base_id"], made["bot_id"]
        )
        self.offices.append(office)
        return office


@asynccontextmanager
async def open_house(settings: Settings, *, work: bool = True) -> AsyncGenerator[House]:
    """A house on freshly migrated storage; ``work`` runs a worker in it."""
    await prepare(settings)
    async with open_runtime(settings, load_embedder=one_embedder) as runtime, recovering(runtime):
        app = create_app(runtime, Health(runtime))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]  # Same protocol.
        async with httpx.AsyncClient(transport=transport, base_url="http://minirag.test", timeout=60) as client:
            house = House(runtime, app, client)
            if work:
                async with working(runtime, only_worker=True):
                    yield house
            else:
                yield house


def _body(response: httpx.Response) -> Any:
    assert response.is_success, (
        f"{response.request.method} {response.request.url}: {response.status_code} {response.text}"
    )
    return response.json() if response.content else None
