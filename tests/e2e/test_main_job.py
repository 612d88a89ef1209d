"""The whole installation as real processes, started by its own commands."""

import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.walk import walk
from tests.support import services
from tests.support.processes import (
    ROOT,
    Installation,
    Process,
    clean_environment,
    embedded,
    separate,
    wait_until_ready,
)
from tests.support.server_process import free_port


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_readmes_command_does_the_main_job_in_an_empty_folder(tmp_path: Path) -> None:
    """What a stranger does: get the source, run ``make serve``, and nothing else."""
    assert "make serve" in (ROOT / "README.md").read_text()
    checkout = tmp_path / "minirag"
    copy_source(checkout)
    port = free_port()
    process = Process(["make", "serve", f"ARGS=--port {port}"], {}, tmp_path / "serve.log", cwd=checkout)
    process.start()
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process, within_s=240)
        said = process.said()
        assert f"MiniRAG is ready at {url}" in said
        assert "curl -s" in said
        secrets = checkout / "data" / "secrets"
        assert secrets.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in secrets.iterdir()} == {0o600}
        with closing(Installation(url, process, process, {}, checkout / "data")) as installation:
            walk(installation.admin())
    finally:
        process.kill()


def copy_source(target: Path) -> None:
    """The files that git knows or would take: what a clone holds."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env=clean_environment(),
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def test_one_process_does_the_main_job(tmp_path: Path) -> None:
    with embedded(tmp_path) as installation:
        walk(installation.admin())
        assert installation.web.stop() == 0
        assert "Traceback" not in installation.web.said()


def test_separate_processes_on_services_do_the_same(tmp_path: Path) -> None:
    try:
        with separate(tmp_path) as installation:
            walk(installation.admin())
            assert installation.web.stop() == 0
            assert installation.worker.stop() == 0
            for process in (installation.web, installation.worker):
                assert "Traceback" not in process.said()
    except services.Unavailable as reason:
        pytest.skip(str(reason))


def test_everything_is_still_there_after_a_restart(tmp_path: Path) -> None:
    with embedded(tmp_path) as installation:
        door, _ = walk(installation.admin())
        installation.web.stop()
        installation.restart(installation.web)
        assert door.post("/v1/search", {"query": "guided tour"})["results"]


def test_separate_processes_refuse_the_embedded_index(tmp_path: Path) -> None:
    for command in ("web", "worker"):
        process = Process(
            [str(ROOT / ".venv/bin/minirag"), command], {"MINIRAG_DATA_DIR": str(tmp_path)}, tmp_path / f"{command}.log"
        )
        process.start()
        assert process._process is not None
        assert process._process.wait(30) == 2
        assert process.said().count("\n") == 1
        assert "MINIRAG_QDRANT_URL" in process.said()


def test_a_process_waits_for_its_services_and_then_says_what_to_mend(tmp_path: Path) -> None:
    """Nothing listens there: the process tries again for a while, then ends with one sentence."""
    env = {
        "MINIRAG_DATA_DIR": str(tmp_path),
        "MINIRAG_DATABASE_URL": f"postgresql+asyncpg://nobody:secret-word@127.0.0.1:{free_port()}/nothing",
        "MINIRAG_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "MINIRAG_QDRANT_URL": f"http://127.0.0.1:{free_port()}",
        "MINIRAG_STARTUP_TIMEOUT_S": "1",
        "MINIRAG_LOG_FORMAT": "json",
    }
    process = Process([str(ROOT / ".venv/bin/minirag"), "worker"], env, tmp_path / "worker.log")
    process.start()
    assert process.exit_code() == 2
    *waiting, last = process.said().strip().splitlines()
    assert any("startup.waiting" in line for line in waiting)
    assert last.startswith("minirag: The database did not answer within 1 seconds")
    assert "MINIRAG_DATABASE_URL" in last
    assert "secret-word" not in process.said()
