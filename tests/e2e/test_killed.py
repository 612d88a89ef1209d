"""Processes are killed without warning, in every stage: nothing is lost, nothing is doubled, every run ends."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.slow_answer import begin_slow_answer
from tests.support import services
from tests.support.documents import a_pdf
from tests.support.processes import Door, Installation, embedded, separate, wait_until_ready
from tests.support.rows import look_at

STAGES = ["fetching", "parsing", "chunking", "embedding", "indexing", "activating"]
ENDED = {"succeeded", "partial", "failed", "cancelled", "skipped"}


def a_long_pdf() -> bytes:
    """Enough pages that each stage takes long enough to be caught in."""
    words = "The mill stands by the river and grinds rye, wheat and barley for the bakers of the valley. "
    return a_pdf([f"Page {n}. Chapter about the year {1800 + n}. {words * 14}" for n in range(60)])


@contextmanager
def running(kind: str, folder: Path) -> Generator[Installation]:
    if kind == "embedded":
        with embedded(folder, MINIRAG_SWEEP_INTERVAL_S="0.5", MINIRAG_RUN_LEASE_S="3") as installation:
            yield installation
        return
    try:
        with separate(folder) as installation:
            yield installation
    except services.Unavailable as reason:
        pytest.skip(str(reason))


def wait_for_stage(installation: Installation, wanted: str) -> str:
    """Look at the run until it is in the wanted stage, or past it; the stage it is in."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ((status, stage),) = look_at(installation.database_url, "SELECT status, stage FROM runs")
        if status in ENDED or (stage is not None and STAGES.index(stage) >= STAGES.index(wanted)):
            return str(stage)
        time.sleep(0.001)
    raise AssertionError(f"The run never reached {wanted}")


def assert_learned_once(installation: Installation, door: Door, run: dict[str, Any]) -> None:
    rows = lambda statement: look_at(installation.database_url, statement)  # noqa: E731  # Said often, in one place.
    assert run["status"] == "succeeded", run
    assert rows("SELECT count(*) FROM documents") == [(1,)]
    assert rows("SELECT number, status FROM document_versions") == [(1, "active")]
    ((chunks, distinct),) = rows("SELECT count(*), count(DISTINCT ordinal) FROM chunks")
    assert chunks == distinct > 30
    assert rows("SELECT count(*) FROM chunk_embeddings WHERE status <> 'done'") == [(0,)]
    ((uses, names),) = rows("SELECT count(*), count(DISTINCT once) FROM usage_events")
    assert uses == names
    found = [
        hit["chunk_id"] for hit in door.post("/v1/search", {"query": "mill river barley", "limit": 100})["results"]
    ]
    assert len(found) == len(set(found)) > 0
    ((paid,),) = rows("SELECT sum(embedding_tokens) FROM usage_events WHERE run_id IS NOT NULL")
    ((needed,),) = rows("SELECT sum(tokens) FROM embedding_cache")
    assert paid == needed, "a text was paid for twice"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["embedded", "separate"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_killed_in_a_stage_is_made_up_for(tmp_path: Path, kind: str, stage: str) -> None:
    with running(kind, tmp_path) as installation:
        door, _ = installation.admin().found("Mill")
        body = door.upload("years.pdf", a_long_pdf())
        wait_for_stage(installation, stage)
        installation.worker.kill()
        installation.restart(installation.worker)
        assert_learned_once(installation, door, door.ended(body["run"]["id"]))


def test_a_run_whose_message_was_never_sent_is_found_again(tmp_path: Path) -> None:
    """The web process dies between the commit and the message to the queue."""
    try:
        with services.redis_server() as redis, separate(tmp_path, MINIRAG_REDIS_URL=redis.url) as installation:
            door, _ = installation.admin().found("Mill")
            redis.stop()
            body = door.upload("years.pdf", a_long_pdf())
            assert look_at(installation.database_url, "SELECT status FROM runs") == [("queued",)]
            installation.web.kill()
            redis.start()
            installation.web.start()
            wait_until_ready(installation.url, installation.web)
            assert_learned_once(installation, door, door.ended(body["run"]["id"]))
    except services.Unavailable as reason:
        pytest.skip(str(reason))


def test_a_web_process_killed_in_an_answer_leaves_an_ended_answer(tmp_path: Path) -> None:
    """Whoever comes back is told that the answer was interrupted, and it stays told."""

    with (
        embedded(tmp_path, MINIRAG_ALLOWED_FETCH_HOSTS="127.0.0.1") as installation,
        begin_slow_answer(installation) as slow,
    ):
        installation.web.kill()
        installation.restart(installation.web)
        response = slow.door.client.get(f"/v1/messages/{slow.message_id}/stream")
        assert response.status_code == 200
        assert "event: done" in response.text
        assert '"finish_reason":"error"' in response.text
        assert '"code":"interrupted"' in response.text
        ((events,),) = look_at(installation.database_url, "SELECT count(*) FROM usage_events WHERE kind = 'chat'")
        assert events == 1
