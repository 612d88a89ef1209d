"""An erased tenant leaves nothing: no row, no vector, no file, no word in Redis, and no token that works."""

import asyncio
import json
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from app.kit.database import EVERY_TENANT
from app.tables import METADATA
from tests.isolation.operations import OPEN, bearer, every_operation
from tests.isolation.test_walk import assert_untouched
from tests.isolation.world import World, a_world
from tests.support.house import House


async def rows_that_tell(house: House, world: World) -> dict[str, list[str]]:
    """Rows that still name the tenant, one of its things or one of its words, by table."""
    words = [world.office.id, world.office.id.replace("-", ""), world.answer, *world.ids.values()]
    words += [value.replace("-", "") for value in world.ids.values()]
    found: dict[str, list[str]] = {}
    async with house.runtime.database.reading(EVERY_TENANT) as session:
        connection = await session.connection()
        for table in METADATA.sorted_tables:
            rows = (await connection.execute(text(f'SELECT * FROM "{table.name}"'))).all()
            telling = [line for line in map(str, rows) if any(word in line.lower() for word in words)]
            if telling:
                found[table.name] = telling
    return found


STREAM_LIFE_S = 600
"""How long the log of an answer or a run may outlive its end; nobody can ask for it once its row is gone."""


async def keys_that_tell(house: House, world: World) -> list[str]:
    """Keys of Redis whose name or content still tells something and that do not end by themselves within minutes."""
    client = house.runtime.redis.client()
    words = [world.answer, *world.ids.values()]
    told: list[str] = []
    for key in await client.call("KEYS", "*"):  # type: ignore[union-attr]  # KEYS answers a list.
        name = key.decode() if isinstance(key, bytes) else str(key)
        kind = await client.call("TYPE", name)
        content = await client.call(*_reading(kind.decode() if isinstance(kind, bytes) else str(kind), name))
        left_s = int(await client.call("TTL", name))  # type: ignore[call-overload]  # TTL answers a number.
        passing = 0 <= left_s <= STREAM_LIFE_S or name == f"fresh:{world.office.id}"
        if not passing and any(word in f"{name} {content!r}".lower() for word in words):
            told.append(name)
    return told


def _reading(kind: str, name: str) -> tuple[str, ...]:
    return {
        "string": ("GET", name),
        "stream": ("XRANGE", name, "-", "+"),
        "hash": ("HGETALL", name),
        "set": ("SMEMBERS", name),
        "zset": ("ZRANGE", name, "0", "-1"),
        "list": ("LRANGE", name, "0", "-1"),
    }[kind]


def files_that_tell(house: House, world: World) -> list[Path]:
    """Files of the data folder, the database and the index aside, that name the tenant or hold its words."""
    root = house.runtime.settings.data_dir
    found = []
    for path in sorted(root.rglob("*")):
        if path.suffix in {".db", ".db-wal", ".db-shm"} or "qdrant" in path.parts or not path.is_file():
            continue
        if world.office.id in str(path) or world.answer.encode() in path.read_bytes():
            found.append(path)
    return found


async def points_left(house: House, world: World) -> int:
    """What the index still holds of the tenant, over every space there is."""
    return await house.runtime.vectors.delete_tenant(UUID(world.office.id))


async def assert_nothing_left(house: House, world: World) -> None:
    assert await rows_that_tell(house, world) == {}
    assert files_that_tell(house, world) == []
    assert await points_left(house, world) == 0
    assert await keys_that_tell(house, world) == []


async def erase(house: House, world: World) -> dict[str, int]:
    answer = await house.client.delete(f"/v1/tenants/{world.office.id}", headers=house.admin)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_erased_tenant_leaves_nothing_and_its_neighbour_everything(any_house: House) -> None:
    leaving, staying = await a_world(any_house, "narwhal"), await a_world(any_house, "quokka")
    assert len(await rows_that_tell(any_house, leaving)) > 12, "there was much to erase"
    assert files_that_tell(any_house, leaving)
    receipt = await erase(any_house, leaving)
    assert receipt["vectors"] > 0
    assert receipt["files"] > 0
    assert receipt["chunks"] > 0
    await assert_nothing_left(any_house, leaving)
    await assert_untouched(any_house, staying)
    again = await any_house.client.delete(f"/v1/tenants/{leaving.office.id}", headers=any_house.admin)
    assert again.status_code == 404
    assert staying.answer in json.dumps(await staying.office.search(staying.asked))


async def test_an_erased_tenants_tokens_and_sessions_end_at_once(any_house: House) -> None:
    leaving = await a_world(any_house, "narwhal")
    form = {"email": "narwhalkey@example.com", "password": "correct horse"}
    session = (await any_house.client.post("/v1/auth/login", json=form)).json()["access_token"]
    tokens = [leaving.office.token, await leaving.token(["search", "chat"]), session]
    for token in tokens:
        assert (await any_house.client.get("/v1/me", headers=bearer(token))).status_code == 200
    await erase(any_house, leaving)
    for token in tokens:
        for operation in await every_operation(any_house):
            if operation.id not in OPEN:
                answer = await operation.call(any_house, bearer(token), leaving.ids)
                assert answer.status_code == 401, (operation.id, answer.text)
    assert (await any_house.client.post("/v1/auth/login", json=form)).status_code == 401


async def test_work_that_was_under_way_leaves_nothing_either(any_house: House) -> None:
    leaving = await a_world(any_house, "narwhal")
    for number in range(3):
        content = "\n\n".join(f"# {number}.{part}\n\nThe narwhalkey of part {part}." for part in range(150))
        await leaving.office.learn(f"Long {number}", content, wait=False)
    await asyncio.sleep(0.15)
    asking = asyncio.create_task(leaving.office.call("POST", "/v1/chat", json={"message": "What is the narwhallock?"}))
    await asyncio.sleep(0.01)
    await erase(any_house, leaving)
    await asyncio.wait({asking})
    await settled(any_house)
    await assert_nothing_left(any_house, leaving)


async def settled(house: House, within_s: float = 20) -> None:
    """Until no job waits or runs any more."""
    async with asyncio.timeout(within_s):
        quiet = 0
        while quiet < 20:
            quiet = quiet + 1 if await house.runtime.queue.depth() == 0 else 0
            await asyncio.sleep(0.05)
