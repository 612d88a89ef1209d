"""The processes of a benchmark: the service itself, the scripted provider, the floor. All end with their block."""

import http.client
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.processes import Door, Installation, Process, embedded
from tests.support.server_process import answers, free_port

START_S = 20.0
_LOOK_S = 0.004
LOCAL_PROVIDERS = {"MINIRAG_ALLOWED_FETCH_HOSTS": "127.0.0.1"}
"""The provider runs on this machine, where the service would otherwise not send anything."""


class NotStarted(Exception):  # It is read as a sentence: "except NotStarted".
    """A process that is needed did not come up; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that answers at an address."""

    url: str
    process: Process


@contextmanager
def scratch() -> Generator[Path]:
    """A folder for one benchmark."""
    with tempfile.TemporaryDirectory(prefix="minirag-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def provider(folder: Path) -> Generator[Running]:
    """The scripted provider."""
    port = free_port()
    arguments = [sys.executable, "-m", "tests.support.provider", "--port", str(port)]
    with _listening(arguments, port, folder / "provider.log") as running:
        yield running


@contextmanager
def floor(folder: Path, upstream: Running) -> Generator[Running]:
    """The bare pass-through server in front of a provider."""
    port = free_port()
    arguments = [sys.executable, "-m", "bench.floor", "--port", str(port), "--upstream", f"{upstream.url}/v1"]
    with _listening(arguments, port, folder / "floor.log") as running:
        yield running


@contextmanager
def service(folder: Path) -> Generator[Installation]:
    """The embedded service, ready."""
    with embedded(folder, **LOCAL_PROVIDERS) as installation:
        yield installation


def with_credential(tenant: Door, upstream: Running) -> str:
    """The id of a new credential for the scripted provider."""
    body = {"name": "bench", "provider": "openai", "api_key": "sk-bench", "api_base": f"{upstream.url}/v1"}
    made: dict[str, Any] = tenant.post("/v1/credentials", body)
    return str(made["id"])


def until_ready(port: int, process: Process, began: float) -> float:
    """Wait for the first 200 of ``/health/ready``; the seconds since ``began``. Raises NotStarted."""
    while time.perf_counter() - began < START_S:
        if not process.alive:
            break
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request("GET", "/health/ready")
                if connection.getresponse().status == 200:
                    return time.perf_counter() - began
            finally:
                connection.close()
        time.sleep(_LOOK_S)
    raise NotStarted(process.said()[-2000:])


@contextmanager
def _listening(arguments: list[str], port: int, log: Path) -> Generator[Running]:
    process = Process(arguments, {}, log)
    process.start()
    try:
        deadline = time.monotonic() + START_S
        while not answers(port):
            if not process.alive or time.monotonic() > deadline:
                raise NotStarted(process.said()[-2000:])
            time.sleep(0.02)
        yield Running(f"http://127.0.0.1:{port}", process)
    finally:
        process.kill()
