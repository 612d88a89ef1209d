"""What chat is measured on: a small knowledge base, and a bot that speaks through the scripted provider."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import corpus
from bench.running import Running, floor, provider, service, with_credential
from bench.wire import OPENAI, OURS, Marks
from tests.support.processes import Installation

DOCUMENTS = 5


@dataclass(frozen=True, slots=True)
class Partner:
    """Somebody to ask: an address and how to put the question."""

    url: str
    path: str
    token: str
    marks: Marks
    body: dict[str, Any]
    field: str
    pid: int

    def asking(self, number: int) -> dict[str, Any]:
        """The body of question ``number``."""
        text = corpus.question(number)
        return {**self.body, self.field: text if self.field == "message" else [{"role": "user", "content": text}]}


@dataclass(frozen=True, slots=True)
class Parlour:
    """The three that are compared, and what stands behind them."""

    direct: Partner
    floor: Partner
    ours: Partner
    upstream: Running
    installation: Installation


@contextmanager
def parlour(folder: Path, model: str) -> Generator[Parlour]:
    """The provider, the floor in front of it, and the service with a bot on the direct road to it."""
    with provider(folder) as upstream, floor(folder, upstream) as bare, service(folder) as installation:
        token, bot_id = _furnish(installation, upstream, model)
        pid = installation.web.pid
        yield Parlour(
            direct=Partner(
                upstream.url, "/v1/chat/completions", "", OPENAI, {"model": model, "stream": True}, "messages", 0
            ),
            floor=Partner(bare.url, "/chat", "", OPENAI, {"model": model}, "message", bare.process.pid),
            ours=Partner(
                installation.url, "/v1/chat", token, OURS, {"bot_id": bot_id, "use_cache": False}, "message", pid
            ),
            upstream=upstream,
            installation=installation,
        )


def _furnish(installation: Installation, upstream: Running, model: str) -> tuple[str, str]:
    tenant, made = installation.admin().found("Bench")
    runs = [
        tenant.upload(f"manual{number}.md", corpus.markdown(f"small {number}", 8000))["run"]["id"]
        for number in range(DOCUMENTS)
    ]
    for run in runs:
        assert tenant.ended(run, 30)["status"] == "succeeded"
    # Abstaining is off, so that each question reaches the model: what it costs is measured, not what it refuses.
    bot = {"model": f"openai/{model}", "credential_id": with_credential(tenant, upstream)}
    bot_id = tenant.post("/v1/bots", {"name": "Bench", "abstain": {"enabled": False}, **bot})["id"]
    return str(made["api_token"]["token"]), str(bot_id)
