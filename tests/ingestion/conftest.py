"""Houses in which nobody works unless the test does."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.support import services
from tests.support.house import House, migrated_postgres, open_house, settings_in


@pytest.fixture(params=["embedded", "services"])
async def idle_house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[House]:
    """Both kinds of house, without a worker."""
    given: dict[str, Any] = {"run_lease_s": 1}
    if request.param == "services":
        try:
            given |= {"database_url": services.postgres_url(migrated_postgres()), "redis_url": services.redis_url()}
        except services.Unavailable as reason:
            pytest.skip(str(reason))
    async with open_house(settings_in(tmp_path, **given), work=False) as opened:
        yield opened
