"""A served house, and a tenant in it that knows a handbook."""

from collections.abc import AsyncGenerator

import pytest

from tests.protocols.served import HANDBOOK, Served, serve
from tests.support.house import House, Office


@pytest.fixture
async def served(house: House) -> AsyncGenerator[Served]:
    """The embedded house behind a real server."""
    async with serve(house) as running:
        yield running


@pytest.fixture
async def office(house: House) -> Office:
    """A tenant that has read the handbook."""
    made = await house.tenant()
    await made.learn("Handbook", HANDBOOK)
    return made
