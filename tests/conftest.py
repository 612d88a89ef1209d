"""What every test can ask for: a house, a tenant, a scripted provider."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support import services
from tests.support.house import House, Office, migrated_postgres, open_house, settings_in
from tests.support.provider import ScriptedProvider


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House]:
    """The embedded kind: SQLite, the imitated Redis, the index in the process."""
    async with open_house(settings_in(tmp_path)) as opened:
        yield opened


@pytest.fixture(params=["embedded", "services"])
async def any_house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[House]:
    """Both kinds, one after the other: embedded, and PostgreSQL with a real Redis."""
    given = {}
    if request.param == "services":
        try:
            given = {
                "database_url": services.postgres_url(migrated_postgres()),
                "redis_url": services.redis_url(),
            }
        except services.Unavailable as reason:
            pytest.skip(str(reason))
    async with open_house(settings_in(tmp_path, **given)) as opened:
        yield opened


@pytest.fixture
async def tenant(house: House) -> Office:
    """A tenant in the embedded house."""
    return await house.tenant()


@pytest.fixture
async def provider() -> AsyncGenerator[ScriptedProvider]:
    """A provider of models over real HTTP, which does what the model's name says."""
    async with ScriptedProvider() as running:
        yield running
