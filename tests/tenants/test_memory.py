"""What a process remembers of its callers, and what it does while Redis or the database is away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.adapters.redis import RedisSource, open_redis
from app.http.principal import Principal, PrincipalKind
from app.kit.database import Database
from app.kit.ids import new_id
from app.tenants.freshness import Freshness
from app.tenants.identity_cache import Identity, IdentityCache
from app.tenants.last_used import LastUsed
from tests.support.services import Unavailable, redis_server

CALLER = Identity(Principal(PrincipalKind.TOKEN, new_id()))


@pytest.fixture
async def redis() -> AsyncIterator[RedisSource]:
    source = open_redis(None)
    yield source
    await source.aclose()


class Source:
    """Where identities come from; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Identity | None = CALLER

    async def load(self) -> Identity | None:
        self.asked += 1
        return self.answer


async def test_a_caller_is_read_again_only_when_its_tenants_mark_changes(redis: RedisSource) -> None:
    freshness, source = Freshness(redis.client()), Source()
    cache = IdentityCache(freshness)
    for _ in range(3):
        assert await cache.find("x", source.load) is CALLER
    assert source.asked == 2  # The first sight of a caller reads twice: whose mark it is was not known before.
    await freshness.renew(new_id())
    await cache.find("x", source.load)
    assert source.asked == 2
    await freshness.renew(CALLER.principal.tenant)
    await cache.find("x", source.load)
    assert source.asked == 3


async def test_a_caller_revoked_while_being_read_is_not_kept(redis: RedisSource) -> None:
    freshness, source = Freshness(redis.client()), Source()
    cache = IdentityCache(freshness)

    async def revoked_meanwhile() -> Identity | None:
        found = await source.load()
        await freshness.renew(CALLER.principal.tenant)
        return found

    assert await cache.find("x", revoked_meanwhile) is CALLER
    source.answer = None
    assert await cache.find("x", source.load) is None
    assert await cache.find("x", source.load) is None


async def test_the_least_recently_used_caller_is_forgotten_first(redis: RedisSource) -> None:
    source = Source()
    cache = IdentityCache(Freshness(redis.client()), most=2)
    for key in ("a", "b", "a", "c"):
        await cache.find(key, source.load)
    source.asked = 0
    await cache.find("a", source.load)
    assert source.asked == 0
    await cache.find("b", source.load)
    assert source.asked == 2


async def test_a_mark_that_redis_missed_is_set_as_soon_as_it_is_back() -> None:
    try:
        running = redis_server()
        with running as server:
            source = open_redis(server.url)
            client, missed = source.client(), new_id()
            freshness = Freshness(source.client())
            server.stop()
            await freshness.renew(missed)
            assert await freshness.current(missed) is None
            server.start()
            await freshness.renew(new_id())
            assert await client.get(f"fresh:{missed}") is not None
            await source.aclose()
    except Unavailable as reason:
        pytest.skip(str(reason))


async def test_a_database_that_is_away_does_not_end_the_writer_of_last_uses(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'never-migrated.db'}")
    last_used = LastUsed(database)
    writer = asyncio.create_task(last_used.run())
    await asyncio.sleep(0)
    last_used.note(new_id(), new_id())
    writer.cancel()
    await asyncio.wait([writer])
    assert writer.cancelled()
    await database.aclose()
