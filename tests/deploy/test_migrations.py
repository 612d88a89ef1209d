"""The one chain of revisions, on both databases: it matches the models, goes up and down, and loses no row."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from app.migrate import newest_revision, schema_state, upgrade
from tests.support import services

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'minirag.db'}"
        return
    try:
        yield services.postgres_url()
    except services.Unavailable as reason:
        pytest.skip(str(reason))


def alembic(url: str, *arguments: str) -> str:
    environment = {**os.environ, "MINIRAG_DATABASE_URL": url}
    command = [sys.executable, "-m", "alembic", "-c", str(ROOT / "alembic.ini"), *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


async def test_the_schema_is_what_the_models_say(url: str) -> None:
    found = await upgrade(url)
    assert (found.stored, found.newest) == (None, newest_revision())
    assert "No new upgrade operations detected" in alembic(url, "check")
    assert (await schema_state(url)).is_current


async def test_every_revision_goes_down_again_and_up(url: str) -> None:
    await upgrade(url)
    alembic(url, "downgrade", "base")
    assert (await schema_state(url)).stored is None
    assert (await upgrade(url)).stored is None
    assert (await upgrade(url)).is_current


async def test_several_processes_may_migrate_at_once(url: str) -> None:
    command = [sys.executable, "-m", "app.cli.main", "migrate"]
    environment = {**os.environ, "MINIRAG_DATABASE_URL": url, "MINIRAG_DATA_DIR": str(ROOT)}
    running = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=100) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert (await schema_state(url)).is_current


async def test_rebuilding_a_table_on_sqlite_keeps_the_rows_that_refer_to_it(tmp_path: Path) -> None:
    """A batch operation drops the old table; with foreign keys on, that would delete every child row unseen."""
    file = tmp_path / "minirag.db"
    url = f"sqlite+aiosqlite:///{file}"
    scripts = tmp_path / "alembic"
    revisions = scripts / "versions"
    revisions.mkdir(parents=True)
    (scripts / "env.py").write_text((ROOT / "alembic" / "env.py").read_text())
    for source in (ROOT / "alembic" / "versions").glob("*.py"):
        (revisions / source.name).write_text(source.read_text())
    head = newest_revision()
    (revisions / "9999_rebuild.py").write_text(
        f"revision = '9999'\ndown_revision = '{head}'\nbranch_labels = None\ndepends_on = None\n"
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        "def upgrade():\n    with op.batch_alter_table('tenants', recreate='always') as batch:\n"
        "        batch.add_column(sa.Column('probe', sa.Integer(), nullable=True))\n\n"
        "def downgrade():\n    with op.batch_alter_table('tenants', recreate='always') as batch:\n"
        "        batch.drop_column('probe')\n"
    )
    configuration = tmp_path / "alembic.ini"
    configuration.write_text(f"[alembic]\nscript_location = {scripts}\npath_separator = os\n")
    await upgrade(url)
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(text("PRAGMA foreign_keys=ON"))
        connection.execute(text("INSERT INTO tenants (id, name, created_at) VALUES ('aa', 'Acme', '2026-01-01')"))
        connection.execute(text("INSERT INTO quotas (tenant_id) VALUES ('aa')"))
    environment = {**os.environ, "MINIRAG_DATABASE_URL": url}
    for step in (("upgrade", "head"), ("downgrade", "-1")):
        command = [sys.executable, "-m", "alembic", "-c", str(configuration), *step]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM quotas")).scalar() == 1
            columns = {column["name"] for column in inspect(connection).get_columns("tenants")}
            assert ("probe" in columns) == (step[0] == "upgrade")
    engine.dispose()


async def test_a_sqlite_file_with_data_is_copied_before_it_is_changed(tmp_path: Path) -> None:
    file = tmp_path / "minirag.db"
    url = f"sqlite+aiosqlite:///{file}"
    await upgrade(url)
    assert not list(tmp_path.glob("*.before-*"))
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    engine.dispose()
    with pytest.raises(Exception, match="older"):  # No such revision; the copy was made before that was found out.
        await upgrade(url)
    assert [path.name for path in tmp_path.glob("*.before-*")] == [f"minirag.before-{newest_revision()}.db"]
