"""An answer that is still being written when something happens to its process."""

import json
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.processes import ROOT, Door, Installation, Process
from tests.support.server_process import answers, free_port


@dataclass(frozen=True)
class SlowAnswer:
    """An answer of which the first words have come; ``lines`` gives the rest of its stream."""

    door: Door
    message_id: str
    lines: Iterator[str]


@contextmanager
def begin_slow_answer(installation: Installation, tokens: int = 400) -> Generator[SlowAnswer]:
    """A provider in a process of its own that says ten words a second, and an answer it has begun."""
    port = free_port()
    provider = Process(
        [sys.executable, "-m", "tests.support.provider", "--port", str(port)],
        {},
        installation.data.parent / "provider.log",
        cwd=ROOT,
    )
    provider.start()
    try:
        while not answers(port):
            time.sleep(0.02)
        door = installation.admin().found("Slow")[0]
        source = {"type": "text", "title": "Mill", "content": "The mill grinds rye and wheat by the river Lohr."}
        door.ended(door.post("/v1/sources", source)["run"]["id"])
        credential = door.post(
            "/v1/credentials",
            {
                "name": "slow",
                "provider": "openai",
                "api_key": "sk-slow-12345678",
                "api_base": f"http://127.0.0.1:{port}/v1",
            },
        )
        bot = door.post(
            "/v1/bots",
            {"name": "slow", "model": f"openai/scripted-tokens-{tokens}-100", "credential_id": credential["id"]},
        )
        ask = {"message": "What does the mill grind by the river?", "bot_id": bot["id"]}
        with door.client.stream("POST", "/v1/chat", json=ask) as response:
            message_id, lines = "", response.iter_lines()
            for line in lines:
                if line.startswith("data: ") and "message_id" in line:
                    message_id = str(json.loads(line[6:])["message_id"])
                if line.startswith("event: delta"):
                    break
            yield SlowAnswer(door, message_id, lines)
    finally:
        provider.kill()
