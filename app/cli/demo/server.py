"""A server for the length of a demonstration: its own process, its own folder, nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from app.cli.complaints import Complaint

START_S = 60.0
STOP_S = 25.0


@dataclass(frozen=True, slots=True)
class DemoServer:
    """Where it listens, and its admin key's folder."""

    url: str
    data_dir: Path


@contextmanager
def demo_server() -> Generator[DemoServer]:
    """Start an embedded server in a temporary folder, and stop and erase it afterwards.

    Raises Complaint with the end of its log when it does not come up.
    """
    with TemporaryDirectory(prefix="minirag-demo-", ignore_cleanup_errors=True) as folder:
        server = DemoServer(f"http://127.0.0.1:{free_port()}", Path(folder) / "data")
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  # It starts itself.
                [sys.executable, "-m", "app.cli.main", "serve", "--port", server.url.rpartition(":")[2]],
                cwd=folder,  # Where no .env can point it at somebody's real services.
                env=_environment(server.data_dir),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the command; the server is told by it.
            )
        try:
            _wait(server.url, process, log)
            yield server
        finally:
            _stop(process)


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(data_dir: Path) -> dict[str, str]:
    """Ours without any setting of the service, which might name real databases."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MINIRAG_")}
    return {**kept, "MINIRAG_DATA_DIR": str(data_dir), "MINIRAG_LOG_LEVEL": "WARNING"}


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    with httpx.Client(base_url=url, timeout=5, trust_env=False) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            try:
                if client.get("/health/ready").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-8:]
    raise Complaint("The demonstration's server did not start:\n  " + "\n  ".join(last or ["it said nothing"]))


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
