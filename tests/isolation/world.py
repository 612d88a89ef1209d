"""A tenant that has one of everything, with words of its own in every place a word can stand."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.house import House, Office

HANDBOOK = """# Leave

Staff take 30 days of leave a year. Leave must be asked for two weeks ahead.

# Pay

Salaries are paid on the 25th of each month.
"""
"""What both tenants know, word for word."""

EVERYTHING = ["ingest", "search", "chat", "usage"]


@dataclass
class World:
    """A tenant, the ids of its things by the name of the parameter that takes them, and its secret words."""

    office: Office
    ids: dict[str, str]
    mark: str
    bots: list[str] = field(default_factory=list)

    @property
    def asked(self) -> str:
        """The secret word of its documents that others ask for."""
        return f"{self.mark}lock"

    @property
    def answer(self) -> str:
        """The secret word beside it, which nobody else may ever read."""
        return f"{self.mark}key"

    async def token(self, scopes: list[str], **fields: Any) -> str:
        """A new token of this tenant."""
        made = await self.office.post("/v1/tokens", {"name": "Narrow", "scopes": scopes, **fields})
        return made["token"]


async def a_world(house: House, mark: str, model: dict[str, Any] | None = None) -> World:
    """Found a tenant and give it one of everything; every text carries ``mark`` and, where it is secret, its key.

    ``model`` are the fields of a bot that asks a model; without it the bot is extractive.
    """
    office = await house.tenant(f"{mark} Ltd", owner={"email": f"{mark}key@example.com", "password": "correct horse"})
    await office.learn("Handbook", HANDBOOK)
    learned = await _documents(office, mark)
    credential = await office.post(
        "/v1/credentials",
        {"name": f"{mark}key credential", "provider": "openai", "api_key": f"sk-{mark}key-0123456789"},
    )
    bot = await office.post(
        "/v1/bots",
        {"name": f"{mark}key bot", "system_prompt": f"{mark}key prompt", **(model or {"model": "extractive"})},
    )
    chat = await office.chat(f"What opens the {mark}lock?", end_user={"id": f"{mark}key person"}, debug=True)
    await office.post(f"/v1/messages/{chat['message_id']}/feedback", {"rating": "up", "comment": f"{mark}key"})
    token = await office.post("/v1/tokens", {"name": f"{mark}key token", "scopes": ["search"]})
    user = (await office.get("/v1/users"))["items"][0]
    ids = {
        **learned,
        "tenant_id": office.id,
        "knowledge_base_id": office.knowledge_base_id,
        "credential_id": credential["id"],
        "bot_id": bot["id"],
        "chat_id": chat["chat_id"],
        "message_id": chat["message_id"],
        "token_id": token["id"],
        "user_id": user["id"],
    }
    return World(office, ids, mark, [office.bot_id, bot["id"]])


async def _documents(office: Office, mark: str) -> dict[str, str]:
    """A document with an active and a staged version, and a second one from a file."""
    text = f"# Vault\n\nThe {mark}lock opens with {mark}key. The vault is in the cellar.\n"
    named: dict[str, Any] = {"external_id": f"{mark}key-1", "metadata": {"team": f"{mark}key"}}
    first = await office.learn(f"Vault {mark}key", text, **named)
    await office.learn(f"Vault {mark}key", text + f"\nIt also opens with {mark}keystaged.\n", activate=False, **named)
    await office.upload(f"{mark}key.txt", f"The file of {mark}key says so too.".encode())
    document = (await office.get("/v1/documents", source_id=first["source"]["id"]))["items"][0]
    versions = (await office.get(f"/v1/documents/{document['id']}/versions"))["items"]
    assert [version["status"] for version in versions] == ["staged", "active"]
    return {
        "source_id": first["source"]["id"],
        "run_id": first["run"]["id"],
        "document_id": document["id"],
        "version_id": versions[0]["id"],
    }
