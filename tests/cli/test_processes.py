"""The commands that run and look after the service."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from app.cli.complaints import Complaint
from app.cli.demo import server as demo
from app.cli.main import PARTS, cli
from app.migrate import newest_revision
from tests.cli.conftest import Minirag
from tests.cli.scripted import Says, ScriptedServer, problem

HEAVY = (
    "httpx",
    "rich",
    "pydantic",
    "sqlalchemy",
    "litestar",
    "litellm",
    "numpy",
    "onnxruntime",
    "structlog",
    "asyncio",
)


def command(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MINIRAG_")}
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli.main", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**clean, **environment},
    )  # fmt: skip


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom app.cli.main import cli\n"
        "try: cli(['--help'])\nexcept SystemExit: pass\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "LOADED []" in done.stdout


def test_every_command_is_listed_and_explained(minirag: Minirag) -> None:
    told = minirag("--help").output
    assert {part.name for group in PARTS.values() for part in group} == set(cli.commands)
    for name, part in cli.commands.items():
        assert f"  {name} " in told
        assert part.help
        for sub in getattr(part, "commands", {}).values():
            assert sub.help, f"{name} {sub.name}"
            assert minirag(name, sub.name, "--help").exit_code == 0


def test_the_version_is_the_packages(minirag: Minirag) -> None:
    from app import __version__

    assert minirag("--version").output == f"minirag {__version__}\n"


def test_a_wrong_setting_is_named_as_people_set_it(minirag: Minirag, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIRAG_WORKER_JOBS", "many-secret")
    result = minirag("worker")
    assert result.exit_code == 2
    assert "MINIRAG_WORKER_JOBS: " in result.output
    assert "many-secret" not in result.output


@pytest.mark.parametrize("name", ["web", "worker"])
def test_separate_processes_refuse_the_embedded_index(name: str, at_home: Path) -> None:
    process = command(name)
    told = process.communicate(timeout=60)[0]
    assert process.returncode == 2
    assert "MINIRAG_QDRANT_URL" in told
    assert len(told.strip().splitlines()) == 1


def test_a_server_in_an_empty_folder_is_ready_and_stops_cleanly(at_home: Path) -> None:
    process = command("serve", "--port", "0", MINIRAG_LOG_LEVEL="WARNING")
    assert process.stdout is not None
    for line in process.stdout:
        if "ready at" in line:
            url = line.split()[-1]
            break
    else:
        pytest.fail("It never said that it is ready.")
    assert httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200
    process.send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=40)[0]
    assert process.returncode == 0, rest
    assert "Traceback" not in rest
    assert stat.S_IMODE((at_home / "data" / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((at_home / "data" / "secrets" / "admin_key").stat().st_mode) == 0o600


def test_migrating_says_from_where_to_where(minirag: Minirag, at_home: Path) -> None:
    head = newest_revision()
    assert minirag("migrate").output == f"The schema went from nothing to {head}.\n"
    assert minirag("migrate", "--data-dir", "data").output == f"The schema is at {head}; there is nothing to do.\n"
    assert (at_home / "data" / "minirag.db").exists()


def test_a_database_that_does_not_answer_is_told_without_its_password(
    minirag: Minirag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIRAG_DATABASE_URL", "postgresql+asyncpg://minirag:sesame@127.0.0.1:1/minirag")
    for arguments in (("migrate",), ("keys", "rotate"), ("reindex",)):
        result = minirag(*arguments)
        assert result.exit_code == 1
        assert "database" in result.output
        assert "sesame" not in result.output
        assert "Traceback" not in result.output


def test_keys_are_rotated_only_when_told_to(minirag: Minirag, at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.cli.init import fernet_key
    from app.kit.sealing import fingerprint_of

    old, new = fernet_key(), fernet_key()
    minirag("migrate")
    seed = f"""
import asyncio
from app.kit.database import EVERY_TENANT, Database
from app.kit.ids import new_id
from app.kit.sealing import Sealer
from app.tenants.credentials import context_of
from app.tenants.models import Credential, Tenant

async def main():
    database = Database("sqlite+aiosqlite:///data/minirag.db")
    async with database.transaction(EVERY_TENANT) as session:
        tenant = Tenant(name="Acme")
        session.add(tenant)
        await session.flush()
        row = new_id()
        sealed = Sealer(["{old}"]).seal(context_of(tenant.id, row), {{"api_key": "sk-1"}})
        session.add(Credential(id=row, tenant_id=tenant.id, name="c", provider="openai", sealed=sealed.token,
                               key_fingerprint=sealed.fingerprint, last4="sk-1"))
    await database.aclose()

asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", seed], check=True)
    monkeypatch.setenv("MINIRAG_ENCRYPTION_KEYS", f"{new},{old}")
    planned = minirag("keys", "rotate")
    assert "1 credentials would be sealed anew" in planned.output
    assert f"key {fingerprint_of(old)}: 1" in planned.output
    applied = minirag("keys", "rotate", "--apply")
    assert "1 credentials were sealed anew" in applied.output
    assert f"key {fingerprint_of(new)}: 1" in applied.output
    assert "0 credentials" in minirag("keys", "rotate", "--apply").output
    monkeypatch.setenv("MINIRAG_ENCRYPTION_KEYS", fernet_key())
    lost = minirag("keys", "rotate")
    assert lost.exit_code == 1
    assert "not configured" in lost.output
    monkeypatch.setenv("MINIRAG_ENCRYPTION_KEYS", "short")
    assert "not a Fernet key" in minirag("keys", "rotate").output


@pytest.mark.slow
def test_an_index_that_was_lost_comes_back_from_sql(minirag: Minirag, at_home: Path) -> None:
    import shutil

    with demo.demo_server() as running:
        kept = at_home / "data"
        minirag("tenants", "create", "Acme", "--url", running.url, "--data-dir", running.data_dir)
        (at_home / "a.md").write_text("# Leave\n\nEverybody has twenty-nine days of leave.")
        assert minirag("sources", "add", "a.md").exit_code == 0
        while_running = minirag("reindex", "--data-dir", running.data_dir)
        assert while_running.exit_code == 1
        assert "Traceback" not in while_running.output
        shutil.copytree(running.data_dir, kept)
    shutil.rmtree(kept / "qdrant")
    told = minirag("reindex", "--data-dir", kept)
    assert told.exit_code == 0, told.output
    assert "Indexed 1 documents, 1 vectors." in told.output
    assert minirag("reindex", "--data-dir", kept, "--knowledge-base", "nonsense").exit_code == 1
    with sqlite3.connect(kept / "minirag.db") as database:
        (base,) = database.execute("SELECT id FROM knowledge_bases").fetchone()
    database.close()
    from uuid import UUID

    assert "Indexed 1 documents" in minirag("reindex", "--data-dir", kept, "--knowledge-base", str(UUID(base))).output


def test_a_demonstration_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "free_port", lambda: 70000)
    with pytest.raises(Complaint, match="did not start"), demo.demo_server():
        pass


def test_a_demonstrations_server_is_deaf_to_the_settings_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIRAG_DATABASE_URL", "postgresql+asyncpg://real@db/real")
    with demo.demo_server() as running:
        assert (running.data_dir / "minirag.db").exists()
        folder = running.data_dir.parent
    deadline = time.monotonic() + 5
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()


def test_the_doctor_says_what_is_wrong_and_how_to_mend_it(
    minirag: Minirag, scripted: ScriptedServer, at_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Says({"status": "alive", "version": "9.9"}, headers={"Date": "Mon, 01 Jan 2024 00:00:00 GMT"})
    down = {"database": {"ok": True, "latency_ms": 1.0}, "redis": {"ok": False, "detail": "Refused."}}
    scripted.on("GET /health/live", live)
    scripted.on("GET /health/ready", Says({"status": "not ready", "dependencies": down}, 503))
    scripted.on("GET /v1/me", problem(401, "This token has expired."))
    minirag("profile", "add", "x", "--url", scripted.url, "--token", "t")
    Path(os.environ["MINIRAG_PROFILE_FILE"]).chmod(0o644)
    (at_home / "data" / "secrets").mkdir(parents=True)
    (at_home / "data" / "secrets" / "admin_key").write_text("x")
    (at_home / "data" / "secrets" / "admin_key").chmod(0o644)
    (at_home / "data" / "minirag.db").touch()
    result = minirag("doctor")
    assert result.exit_code == 1
    for words in (
        "chmod 600", "Run `minirag migrate`", "version 9.9", "Refused.", "s apart", "This token has expired.",
    ):  # fmt: skip
        assert words in result.output


def test_the_doctor_without_a_server_says_how_to_start_one(minirag: Minirag, monkeypatch: pytest.MonkeyPatch) -> None:
    result = minirag("doctor", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "minirag serve" in result.output
    monkeypatch.setenv("MINIRAG_PORT", "no")
    assert "MINIRAG_PORT" in minirag("doctor", "--url", "http://127.0.0.1:1").output
    assert "not an address" in minirag("doctor", "--url", "nonsense").output


def test_the_doctor_knows_what_is_not_minirag(minirag: Minirag, scripted: ScriptedServer) -> None:
    scripted.on("GET /health/live", Says(b"hello", headers={"Date": "never"}))
    scripted.on("GET /health/ready", Says(b"", 500))
    result = minirag("doctor", "--url", scripted.url)
    assert "not as MiniRAG" in result.output
    assert "HTTP 500" in result.output


def test_a_data_folder_that_cannot_be_used_is_told(minirag: Minirag, at_home: Path) -> None:
    (at_home / "data").write_text("a file where a folder should be")
    for arguments in (("migrate",), ("init", "--path", "data/.env")):
        result = minirag(*arguments)
        assert result.exit_code == 1
        assert "data" in result.output
        assert "Traceback" not in result.output


def test_the_admin_key_may_come_from_the_environment(
    minirag: Minirag, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.on("GET /v1/tenants", Says({"items": [], "next_cursor": None}))
    monkeypatch.setenv("MINIRAG_ADMIN_KEY", "mra_given")
    assert "No tenant yet" in minirag("tenants", "list", "--url", scripted.url).output
    assert scripted.asked[0].headers["authorization"] == "Bearer mra_given"
