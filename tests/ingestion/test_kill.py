"""Kill -9 at random instants of an ingestion: afterwards all is found, nothing is double, little was paid twice."""

import asyncio
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.ingestion.stages.batches import BATCH
from app.kit.database import Database
from tests.support import services
from tests.support.processes import Installation, Process, embedded, separate
from tests.support.server_process import free_port

DOCUMENTS = 40
KILLS = 8
JOBS = 4


def document(number: int) -> bytes:
    sections = [
        f"# Machine {number}.{part}\n\n" + f"Machine {number} has part {part} of weight {number * part} kg. " * 25
        for part in range(1, 9)
    ]
    return "\n\n".join(sections).encode()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["embedded", "separate"])
def test_killing_workers_loses_and_doubles_nothing(tmp_path: Path, kind: str) -> None:
    port = free_port()
    arguments = [sys.executable, "-m", "tests.support.provider", "--port", str(port)]
    provider = Process(arguments, {}, tmp_path / "provider.log")
    provider.start()
    settings = {
        "MINIRAG_ALLOWED_FETCH_HOSTS": "127.0.0.1",
        "MINIRAG_RUN_LEASE_S": "2",
        "MINIRAG_SWEEP_INTERVAL_S": "0.5",
        "MINIRAG_WORKER_JOBS": str(JOBS),
    }
    try:
        with (embedded if kind == "embedded" else separate)(tmp_path, **settings) as installation:
            _kill_and_look(installation, f"http://127.0.0.1:{port}")
    except services.Unavailable as reason:
        pytest.skip(str(reason))
    finally:
        provider.kill()


def _kill_and_look(installation: Installation, provider: str) -> None:
    door, _ = installation.admin().found("Acme")
    credential = {"name": "scripted", "provider": "openai", "api_key": "scripted-good", "api_base": f"{provider}/v1"}
    made = door.post("/v1/credentials", credential)
    models = [{"model": "openai/embed-64", "credential_id": made["id"]}]
    base = door.post("/v1/knowledge-bases", {"name": "Machines", "embedding_models": models})["id"]
    httpx.delete(f"{provider}/_log")
    fed = [door.upload(f"m{n}.md", document(n), knowledge_base_id=base) for n in range(DOCUMENTS)]

    chance = random.Random(7)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.05, 1.0))
        installation.worker.kill()
        installation.restart(installation.worker)
    runs = [door.ended(one["run"]["id"]) for one in fed]

    assert Counter(run["status"] for run in runs) == {"succeeded": DOCUMENTS}, runs
    for number in range(1, DOCUMENTS):
        query = {"query": f"weight of part 3 of machine {number}", "knowledge_base_ids": [base], "limit": 100}
        results = door.post("/v1/search", query)["results"]
        assert f"m{number}.md" in {result["document"]["title"] for result in results}
        assert len({result["chunk_id"] for result in results}) == len(results)
    _look_into_rows(installation, runs)
    paid = Counter(_texts(httpx.get(f"{provider}/_log").json()))
    again = sum(times - 1 for times in paid.values())
    assert again <= KILLS * JOBS * BATCH
    assert max(paid.values()) <= KILLS + 1


def _look_into_rows(installation: Installation, runs: list[dict[str, Any]]) -> None:
    async def count(sql: str) -> int:
        database = Database(installation.database_url)
        try:
            async with database.engine.connect() as connection:
                return int((await connection.execute(text(sql))).scalar_one())
        finally:
            await database.aclose()

    active = "SELECT count(*) FROM document_versions WHERE status = 'active' AND complete AND indexed"
    assert asyncio.run(count(active)) == DOCUMENTS
    assert asyncio.run(count("SELECT count(*) FROM document_versions")) == DOCUMENTS
    chunks = sum(run["counts"]["chunks"] for run in runs)
    assert asyncio.run(count("SELECT count(*) FROM chunks")) == chunks
    assert asyncio.run(count("SELECT count(*) FROM chunk_embeddings WHERE status = 'done'")) == chunks
    metered = asyncio.run(count("SELECT sum(embedding_tokens) FROM usage_events WHERE run_id IS NOT NULL"))
    assert metered == sum(run["counts"]["tokens"] for run in runs)


def _texts(log: dict[str, Any]) -> list[str]:
    return [text for seen in log["requests"] if "embed" in seen["path"] for text in seen["body"]["input"]]
