"""The command as a person has it: an own profile file, an own folder, and a server at the other end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.demo.server import DemoServer, demo_server
from app.cli.main import cli
from tests.cli.scripted import ScriptedServer

Minirag = Callable[..., Result]


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, whose profile file nobody else uses."""
    for name in ("MINIRAG_URL", "MINIRAG_TOKEN", "MINIRAG_ADMIN_KEY", "MINIRAG_DATA_DIR", "MINIRAG_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MINIRAG_PROFILE_FILE", str(tmp_path / "home" / "profiles.toml"))
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def minirag() -> Minirag:
    """Run the command in this process; what it prints, on either stream, is ``output``."""

    def run(*arguments: str | Path, say: str | None = None) -> Result:
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments], input=say)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server that says what the test tells it to say."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="session")
def server() -> Iterator[DemoServer]:
    """A real server in a process of its own."""
    with demo_server() as running:
        yield running


@pytest.fixture
def signed_in(server: DemoServer, minirag: Minirag) -> DemoServer:
    """The real server, with a fresh tenant's profile in use."""
    made = minirag("tenants", "create", "Acme", "--url", server.url, "--data-dir", server.data_dir)
    assert made.exit_code == 0, made.output
    return server
