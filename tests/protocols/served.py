"""A house behind a real HTTP server, and official clients at its doors."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from openai import AsyncOpenAI

from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider

HANDBOOK = """# Leave

Staff take 30 days of leave a year. Leave must be asked for two weeks ahead.

# Pay

Salaries are paid on the 25th of each month. A bonus of 500 EUR is paid in December.
"""
PAID = "When are salaries paid?"


class Served:
    """A running server. ``url`` is its address."""

    def __init__(self, house: House, url: str) -> None:
        self.house = house
        self.url = url

    def openai(self, token: str, **options: Any) -> AsyncOpenAI:
        """OpenAI's own client, as its users make it, without its retries."""
        return AsyncOpenAI(**{"api_key": token, "base_url": f"{self.url}/openai/v1", "max_retries": 0, **options})

    @asynccontextmanager
    async def mcp(self, token: str) -> AsyncGenerator[ClientSession]:
        """The official client of the Model Context Protocol, introduced."""
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            create_mcp_http_client(headers=headers) as http,
            streamable_http_client(f"{self.url}/mcp", http_client=http) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            yield session


@asynccontextmanager
async def serve(house: House) -> AsyncGenerator[Served]:
    """Serve the house's application over real HTTP until the block ends."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(house.app, log_config=None, lifespan="off", timeout_graceful_shutdown=2))
    task = asyncio.create_task(server._serve([listener]))  # Without its signal handlers, which are the test runner's.
    try:
        while not server.started:
            await asyncio.sleep(0.005)
        yield Served(house, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        await task
        listener.close()


async def a_bot(office: Office, provider: ScriptedProvider, model: str = "scripted", **fields: Any) -> str:
    """A bot whose model is a scripted provider's; its id. Its name is the model's unless another is given."""
    key = {"name": f"key {model}", "provider": "openai", "api_key": "sk-test-1234567890"}
    credential = await office.post("/v1/credentials", {**key, "api_base": provider.openai_base})
    body = {"name": model, "model": f"openai/{model}", "credential_id": credential["id"], **fields}
    return (await office.post("/v1/bots", body))["id"]


async def a_token(office: Office, *scopes: str, **fields: Any) -> str:
    """Another token of the tenant's."""
    return (await office.post("/v1/tokens", {"name": "Made", "scopes": list(scopes), **fields}))["token"]


async def limit(office: Office, **limits: Any) -> None:
    """Give the tenant limits; what is not named is unlimited."""
    unlimited = dict.fromkeys(
        ("requests_per_minute", "concurrent_streams", "monthly_tokens", "monthly_cost_usd", "storage_bytes")
    )
    path = f"/v1/tenants/{office.id}/quota"
    answer = await office.house.client.put(path, json={**unlimited, **limits}, headers=office.house.admin)
    assert answer.status_code == 200, answer.text
