"""Web, worker, PostgreSQL, Redis and Qdrant as ``docker-compose.yml`` puts them together, as processes of this machine.

The environment is compose's own, filled in from what ``minirag init`` writes; only where the services are differs.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from click.testing import CliRunner

from app.cli.main import cli
from tests.support import services

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0


@pytest.fixture
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture
def dotenv(tmp_path: Path) -> dict[str, str]:
    CliRunner().invoke(cli, ["init", "--path", str(tmp_path / ".env")], catch_exceptions=False)
    lines = (tmp_path / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def environment(service: dict[str, Any], dotenv: dict[str, str], **here: str) -> dict[str, str]:
    """What a container of ``service`` would have, and the addresses that are ``here``."""
    filled = {
        name: re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: dotenv[found[1]], value)
        for name, value in service["environment"].items()
    }
    assert here.keys() <= filled.keys()
    return {**dotenv, **filled, **here, "PATH": os.environ["PATH"]}


@contextmanager
def running(
    command: list[str], environment: dict[str, str], folder: Path, log: str
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / log).open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if "app.cli.main" in command:  # Ours ends cleanly; the stand-in dies of its signal.
        assert process.returncode == 0, (folder / log).read_text()[-3000:]


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, trust_env=False, timeout=5).status_code < 500:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("It did not come up: " + "\n".join(file.read_text()[-2000:] for file in folder.glob("*.log")))


@pytest.mark.slow
def test_the_composed_environment_carries_the_main_job(
    compose: dict[str, Any], dotenv: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        database, redis = services.postgres_url(), services.redis_url()
    except services.Unavailable as reason:
        pytest.skip(str(reason))
    web_port, qdrant_port = str(services.free_port()), str(services.free_port())
    here = {
        "MINIRAG_DATABASE_URL": database,
        "MINIRAG_REDIS_URL": redis,
        "MINIRAG_QDRANT_URL": f"http://127.0.0.1:{qdrant_port}",
        "MINIRAG_HOST": "127.0.0.1",
        "MINIRAG_PORT": web_port,
        "MINIRAG_DATA_DIR": str(tmp_path / "data"),
    }
    variables = {name: environment(compose["services"][name], dotenv, **here) for name in ("migrate", "web", "worker")}
    minirag = [sys.executable, "-m", "app.cli.main"]
    for _ in range(2):  # A container that is started again migrates again.
        subprocess.run([*minirag, "migrate"], env=variables["migrate"], cwd=tmp_path, check=True, timeout=100)
    key = compose["services"]["qdrant"]["environment"]["QDRANT__SERVICE__API_KEY"]
    assert "MINIRAG_QDRANT_API_KEY" in key
    stand_in = [sys.executable, "-m", "tests.support.qdrant_server", "--port", qdrant_port]
    url = f"http://127.0.0.1:{web_port}"
    with ExitStack() as stack:
        command = [*stand_in, "--api-key", dotenv["MINIRAG_QDRANT_API_KEY"]]
        qdrant = stack.enter_context(running(command, {**os.environ, "PYTHONPATH": str(ROOT)}, tmp_path, "qdrant.log"))
        wait_until_ready(f"http://127.0.0.1:{qdrant_port}/readyz", qdrant, tmp_path)
        processes = [
            stack.enter_context(running([*minirag, name], variables[name], tmp_path, f"{name}.log"))
            for name in ("web", "worker")
        ]
        wait_until_ready(f"{url}/health/ready", processes[0], tmp_path)

        def run(*arguments: str) -> str:
            result = CliRunner().invoke(cli, [*arguments], catch_exceptions=False)
            assert result.exit_code == 0, result.output
            return result.output

        monkeypatch.setenv("MINIRAG_PROFILE_FILE", str(tmp_path / "profiles.toml"))
        monkeypatch.setenv("MINIRAG_ADMIN_KEY", dotenv["MINIRAG_ADMIN_KEY"])
        run("tenants", "create", "Acme", "--url", url)
        (tmp_path / "leave.md").write_text("# Leave\n\nEverybody has twenty-nine days of paid leave.\n")
        run("sources", "add", str(tmp_path / "leave.md"))
        assert "twenty-nine days" in run("chat", "How many days of paid leave does everybody have?")
        refused = httpx.get(f"{url}/metrics", trust_env=False)
        assert refused.status_code == 401
        token = {"Authorization": f"Bearer {dotenv['MINIRAG_METRICS_TOKEN']}"}
        assert httpx.get(f"{url}/metrics", headers=token, trust_env=False).status_code == 200
    assert not (tmp_path / "data" / "secrets").exists()
