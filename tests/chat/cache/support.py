"""What tests of the cache share: documents, bots with a scripted model, and the parts of a stream."""

from typing import Any

from tests.support.house import Event, Office
from tests.support.provider import ScriptedProvider

HANDBOOK = """# Leave

Staff take 30 days of leave a year. Leave must be asked for two weeks ahead.

# Pay

Salaries are paid on the 25th of each month. A bonus of 500 EUR is paid in December.

# Parking

The car park behind the mill has 42 places. Visitors park in row B.
"""
QUESTION = "How many places has the car park behind the mill?"


async def a_credential(office: Office, provider: ScriptedProvider, name: str) -> str:
    body = {"name": name, "provider": "openai", "api_key": "sk-test-1234567890", "api_base": provider.openai_base}
    return (await office.post("/v1/credentials", body))["id"]


async def a_bot(office: Office, provider: ScriptedProvider, model: str = "scripted", **fields: Any) -> str:
    """A bot that asks the scripted model; ``fields`` are the bot's own."""
    credential = await a_credential(office, provider, f"key {model} {len(str(fields))}")
    body = {"name": model, "model": f"openai/{model}", "credential_id": credential, **fields}
    return (await office.post("/v1/bots", body))["id"]


def hit_of(answer: dict[str, Any]) -> str | None:
    """By which likeness an answer came from the cache; None for a fresh one."""
    cache = answer["usage"]["cache"]
    assert cache["hit"] == (cache["type"] is not None)
    return cache["type"]


def text_of(events: list[Event]) -> str:
    return "".join(event.data["text"] for event in events if event.type == "delta")


def data_of(events: list[Event], kind: str) -> list[Any]:
    return [event.data for event in events if event.type == kind]
