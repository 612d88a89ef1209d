"""MiniRAG as real processes: started by its own commands, watched through its own door, killed without warning."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support import services
from tests.support.house import ENDED, Event, read_events
from tests.support.server_process import free_port

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "app.cli.main"]


class Process:
    """One process of ours. Its output goes to a file that a failing test can show."""

    def __init__(self, arguments: list[str], env: Mapping[str, str], log: Path, cwd: Path = ROOT) -> None:
        self._arguments = arguments
        self._env = {**clean_environment(), **env}
        self._log = log
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, in a process group of its own."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                self._arguments, env=self._env, stdout=out, stderr=out, cwd=self._cwd, start_new_session=True
            )

    def kill(self) -> None:
        """SIGKILL, to it and to all its children, as a machine that loses power would."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self, within_s: float = 30) -> int:
        """SIGTERM; its exit code."""
        self.ask_to_stop()
        return self.exit_code(within_s)

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting."""
        assert self._process is not None
        self._process.terminate()

    def exit_code(self, within_s: float = 30) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        code = self._process.wait(within_s)
        self._process = None
        return code

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace")


def clean_environment() -> dict[str, str]:
    """The machine's environment without any setting of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MINIRAG_", "MAKE"))}


def minirag(*arguments: str, env: Mapping[str, str], log: Path) -> Process:
    """A ``minirag`` command as a process."""
    return Process([*COMMAND, *arguments], env, log)


class Door:
    """A plain, synchronous client of a running installation."""

    def __init__(self, url: str, token: str, doors: "list[Door]") -> None:
        self.url = url
        self.doors = doors
        doors.append(self)
        self.client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def get(self, path: str, **query: Any) -> Any:
        response = self.client.get(path, params=query)
        assert response.is_success, f"{path}: {response.status_code} {response.text}"
        return response.json()

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        response = self.client.post(path, json={} if body is None else body, **options)
        assert response.is_success, f"{path}: {response.status_code} {response.text}"
        return response.json()

    def found(self, name: str) -> tuple["Door", dict[str, Any]]:
        """Make a tenant (with the admin key) and go on as it."""
        made = self.post("/v1/tenants", {"name": name})
        return self.again(made["api_token"]["token"]), made

    def again(self, token: str) -> "Door":
        """The same door, with another token."""
        return Door(self.url, token, self.doors)

    def upload(self, name: str, content: bytes, **fields: str) -> dict[str, Any]:
        response = self.client.post("/v1/sources", files={"file": (name, content)}, data=fields)
        assert response.status_code in {200, 202}, response.text
        return response.json()

    def ended(self, run_id: str, within_s: float = 90) -> dict[str, Any]:
        """The run once it has ended; the door may be closed for a while."""
        deadline = time.monotonic() + within_s
        run: dict[str, Any] = {}
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                run = self.get(f"/v1/runs/{run_id}")
                if run["status"] in ENDED:
                    return run
            time.sleep(0.05)
        raise AssertionError(f"The run did not end within {within_s} s: {run}")

    def stream(self, message: str, **fields: Any) -> list[Event]:
        with self.client.stream("POST", "/v1/chat", json={"message": message, **fields}) as response:
            assert response.status_code == 200, response.read()
            return read_events("".join(response.iter_text()))


def wait_until_ready(url: str, process: Process, within_s: float = 60) -> None:
    """Wait until an installation says that it is ready."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        assert process.alive, f"The process ended: {process.said()[-3000:]}"
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/health/ready", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"Not ready within {within_s} s: {process.said()[-3000:]}")


@dataclass
class Installation:
    """Running processes with one door. ``web`` and ``worker`` are the same process in the embedded kind."""

    url: str
    web: Process
    worker: Process
    env: dict[str, str]
    data: Path
    doors: list[Door] = field(default_factory=list)

    def admin(self) -> Door:
        """The door, with the admin key."""
        return Door(self.url, (self.data / "secrets" / "admin_key").read_text().strip(), self.doors)

    def close(self) -> None:
        """Close every client."""
        for door in self.doors:
            door.client.close()

    def restart(self, process: Process) -> None:
        """Start a process again and wait until the installation is ready."""
        process.start()
        wait_until_ready(self.url, self.web)

    @property
    def database_url(self) -> str:
        """Where its rows are, for looking at them directly."""
        return self.env.get("MINIRAG_DATABASE_URL", f"sqlite+aiosqlite:///{self.data / 'minirag.db'}")


@contextmanager
def embedded(folder: Path, **settings: str) -> Generator[Installation]:
    """``minirag serve`` in a folder of its own."""
    port = free_port()
    env = {"MINIRAG_DATA_DIR": str(folder / "data"), "MINIRAG_LOG_FORMAT": "json", **settings}
    process = minirag("serve", "--port", str(port), env=env, log=folder / "serve.log")
    process.start()
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process)
        installation = Installation(url, process, process, env, folder / "data")
        with closing(installation):
            yield installation
    finally:
        process.kill()


@contextmanager
def separate(folder: Path, **settings: str) -> Generator[Installation]:
    """``minirag web`` and ``minirag worker`` on PostgreSQL, Redis and a stand-in for Qdrant, all of them processes.

    Raises services.Unavailable where the machine cannot have one of them.
    """
    port, qdrant_port = free_port(), free_port()
    env = {
        "MINIRAG_DATA_DIR": str(folder / "data"),
        "MINIRAG_DATABASE_URL": services.postgres_url(),
        "MINIRAG_REDIS_URL": services.redis_url(),
        "MINIRAG_QDRANT_URL": f"http://127.0.0.1:{qdrant_port}",
        "MINIRAG_LOG_FORMAT": "json",
        "MINIRAG_SWEEP_INTERVAL_S": "0.5",
        "MINIRAG_RUN_LEASE_S": "3",
        **settings,
    }
    with ExitStack() as stack:
        qdrant = Process(
            [sys.executable, "-m", "tests.support.qdrant_server", "--port", str(qdrant_port)], {}, folder / "qdrant.log"
        )
        migrate = minirag("migrate", env=env, log=folder / "migrate.log")
        worker = minirag("worker", env=env, log=folder / "worker.log")
        web = minirag("web", "--port", str(port), env=env, log=folder / "web.log")
        for process in (qdrant, migrate, worker, web):
            stack.callback(process.kill)
        qdrant.start()
        migrate.start()
        assert migrate._process is not None
        assert migrate._process.wait(60) == 0, migrate.said()
        worker.start()
        web.start()
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, web)
        yield stack.enter_context(closing(Installation(url, web, worker, env, folder / "data")))
