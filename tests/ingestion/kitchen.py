"""What the tests of this slice share: knowledge bases over scripted providers, and documents of several chunks."""

from dataclasses import dataclass
from typing import Any

from tests.support.house import Office
from tests.support.provider import ScriptedProvider

SENTENCE = "Section {n}: the valve of pump {n} opens at {n} bar and closes again at half of that pressure."


def long_text(sections: int) -> str:
    """A text of many sections, each a chunk or two of its own."""
    return "\n\n".join(f"# Pump {n}\n\n" + " ".join([SENTENCE.format(n=n)] * 20) for n in range(1, sections + 1))


@dataclass(frozen=True, slots=True)
class ScriptedBase:
    """A knowledge base whose models a scripted provider serves; ``credentials`` are by model."""

    tenant: Office
    id: str
    credentials: dict[str, str]

    async def behave(self, model: str, word: str) -> None:
        """From now on the provider treats the model as ``word`` says (``scripted-401`` and the like)."""
        await self.tenant.patch(f"/v1/credentials/{self.credentials[model]}", {"api_key": word})

    async def upload(self, name: str, content: bytes, **fields: Any) -> dict[str, Any]:
        return await self.tenant.upload(name, content, knowledge_base_id=self.id, **fields)

    async def learn(self, title: str, content: str, **fields: Any) -> dict[str, Any]:
        return await self.tenant.learn(title, content, knowledge_base_id=self.id, **fields)


async def scripted_base(tenant: Office, provider: ScriptedProvider, *models: str) -> ScriptedBase:
    """A knowledge base with these models, all well-behaved at first."""
    credentials: dict[str, str] = {}
    for model in models:
        made = await tenant.post(
            "/v1/credentials",
            {
                "name": f"for {model}",
                "provider": "openai",
                "api_key": "scripted-good",
                "api_base": provider.openai_base,
            },
        )
        credentials[model] = made["id"]
    listed = [{"model": model, "credential_id": credentials[model]} for model in models]
    base = await tenant.post("/v1/knowledge-bases", {"name": "Scripted", "embedding_models": listed})
    provider.log.requests.clear()
    return ScriptedBase(tenant, base["id"], credentials)


def embedded_texts(provider: ScriptedProvider, model: str | None = None) -> list[str]:
    """Every text the provider was asked to embed."""
    return [
        text
        for seen in provider.log.requests
        if "embed" in seen.path and (model is None or seen.model == model)
        for text in seen.body["input"]
    ]
