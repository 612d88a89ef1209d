"""A house in which the scripted models have a price, on both kinds of storage."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support import services
from tests.support.house import House, migrated_postgres, open_house, settings_in
from tests.usage.support import PRICES


@pytest.fixture(params=["embedded", "services"])
async def priced_house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[House]:
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps(PRICES))
    given: dict[str, object] = {"prices_file": prices}
    if request.param == "services":
        try:
            given |= {"database_url": services.postgres_url(migrated_postgres()), "redis_url": services.redis_url()}
        except services.Unavailable as reason:
            pytest.skip(str(reason))
    async with open_house(settings_in(tmp_path, **given), work=True) as opened:
        yield opened
