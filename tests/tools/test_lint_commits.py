"""The lint for transactions, on small trees that keep the one unit of work or do not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.lint_commits import check

ROOT = Path(__file__).resolve().parents[2]


def objections(tmp_path: Path, source: str, name: str = "slice/service.py") -> list[str]:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(source)
    return [str(finding) for finding in check(tmp_path)]


def inside(*lines: str) -> str:
    body = "\n".join(f"        {line}" for line in lines)
    return f"async def step(database):\n    async with database.transaction(tenant) as session:\n{body}\n"


@pytest.mark.parametrize(
    "line",
    [
        "await session.commit()",
        "await self._session.rollback()",
        "async with session.begin():\n    pass",
        "engine.begin()",
        "await database.engine.begin()",
        "Session(engine).begin_nested()",
    ],
)
def test_a_transaction_ended_or_begun_by_hand_is_found(tmp_path: Path, line: str) -> None:
    assert len(objections(tmp_path, line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "vector = await embedder.embed(texts)",
        "await self._vectors.upsert(tenant, points)",
        "await asyncio.wait_for(rows, 1); answer = await deps.llm.complete(prompt)",
        "async for token in llm.stream(prompt):\n            pass",
        "async with httpx.AsyncClient() as client:\n            pass",
        "found = [hit async for hit in vectors.search(query)]",
        "if wanted:\n            await reranker.rank(rows)",
    ],
)
def test_waiting_for_the_outside_with_a_transaction_open_is_found(tmp_path: Path, line: str) -> None:
    assert len(objections(tmp_path, inside(line))) == 1


@pytest.mark.parametrize(
    "source",
    [
        inside("await session.exec(query)", "await documents.create(session, tenant)"),
        inside("session.after_commit(lambda: vectors.delete(tenant))"),
        inside("async def later():\n            await vectors.delete(tenant)"),
        inside("await vectors.warm()  # in-transaction: it only reads memory."),
        inside("size = embedder.dimension"),
        "async def step():\n    await embedder.embed(texts)\n    async with database.transaction(t):\n        pass\n",
        "await conversation.begin(question)",
        "match.begin(0)",
    ],
)
def test_one_unit_of_work_passes(tmp_path: Path, source: str) -> None:
    assert objections(tmp_path, source) == []


def test_the_module_that_owns_transactions_is_left_alone(tmp_path: Path) -> None:
    assert objections(tmp_path, "session.begin()", "kit/database.py") == []


def test_nested_units_report_a_wait_once(tmp_path: Path) -> None:
    source = inside("async with other.reading(tenant):", "    await llm.complete(prompt)")
    assert len(objections(tmp_path, source)) == 1


def test_the_command_fails_when_it_objects(tmp_path: Path) -> None:
    objections(tmp_path, "session.commit()")
    command = [sys.executable, "-m", "tools.lint_commits", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "service.py:1: session.commit()" in done.stdout
