"""What tests of limits share: priced models, bots over them, quotas, and the events they lead to."""

from typing import Any

import httpx

from tests.support.house import House, Office
from tests.support.provider import ScriptedProvider

PRICES = {
    "scripted": {"input_cost_per_token": "0.000001", "output_cost_per_token": "0.000003"},
    "scripted-tokens-40-50": {"input_cost_per_token": 1e-6, "output_cost_per_token": 3e-6},
}
HANDBOOK = "The car park behind the mill has 42 places. Visitors park in row B. Salaries are paid on the 25th."
QUESTION = "How many places has the car park behind the mill?"


async def a_bot(office: Office, provider: ScriptedProvider, model: str = "scripted", **fields: Any) -> str:
    credential = await office.post(
        "/v1/credentials",
        {"name": model, "provider": "openai", "api_key": "sk-test-1234567890", "api_base": provider.openai_base},
    )
    bot = await office.post(
        "/v1/bots", {"name": model, "model": f"openai/{model}", "credential_id": credential["id"], **fields}
    )
    return bot["id"]


async def a_mill(house: House, provider: ScriptedProvider, model: str = "scripted") -> tuple[Office, str]:
    """A tenant that knows the handbook, and a bot over a scripted model."""
    office = await house.tenant()
    await office.learn("Handbook", HANDBOOK)
    return office, await a_bot(office, provider, model)


async def limit(office: Office, **limits: Any) -> dict[str, Any]:
    """Replace a tenant's quota, as the operator."""
    response = await put_quota(office.house, office.id, limits)
    assert response.status_code == 200, response.text
    return response.json()


async def put_quota(house: House, tenant_id: str, body: Any) -> httpx.Response:
    return await house.client.put(f"/v1/tenants/{tenant_id}/quota", json=body, headers=house.admin)


async def ask(office: Office, bot: str | None = None, **fields: Any) -> httpx.Response:
    body = {"message": QUESTION, "stream": False, "use_cache": False, "bot_id": bot, **fields}
    return await office.call("POST", "/v1/chat", json=body)


async def quota_events(office: Office) -> list[tuple[str, str]]:
    """The quota events so far, oldest first, as type and limit."""
    events = (await office.get("/v1/events", limit=200))["items"]
    found = [event for event in events if event["type"].startswith("quota.")]
    return [(event["type"], event["data"]["limit"]) for event in reversed(found)]


def refused(response: httpx.Response, code: str) -> float:
    """Make sure that a response is a proper refusal; its Retry-After in seconds."""
    assert response.status_code == 429, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    wait = float(response.headers["retry-after"])
    assert wait >= 1
    return wait
