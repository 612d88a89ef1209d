"""The lint that guards the wall between tenants, on small trees that respect it or do not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.lint_ownership import check

ROOT = Path(__file__).resolve().parents[2]
MODELS = '''
from app.kit.columns import TenantOwned, tenant_field

class Tenant(SQLModel, table=True):
    __tablename__ = "tenants"
    id: UUID

class Chunk(TenantOwned, table=True):
    __tablename__ = "chunks"

class Quota(SQLModel, table=True):
    __tablename__ = "quotas"
    tenant_id: UUID = tenant_field(primary_key=True)

class Draft(TenantOwned):
    """Not a table."""
'''


def objections(tmp_path: Path, source: str, name: str = "slice/service.py") -> list[str]:
    for path, text in {"slice/models.py": MODELS, name: source}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return [str(finding) for finding in check(tmp_path)]


@pytest.mark.parametrize(
    "line",
    [
        "query = select(Chunk)",
        "query = sa.select(Chunk.id, Tenant.id)",
        "query = select(col(Chunk.id)).where(col(Chunk.tenant_id) == tenant)",
        "query = select(knowledge.Chunk)",
        "query = select(func.count()).select_from(Chunk)",
        "query = base_query.select_from(Chunk)",
        "query = select(Tenant).join(Chunk, Chunk.tenant_id == Tenant.id)",
        "query = update(Chunk).values(ordinal=1)",
        "await session.exec(delete(Quota))",
        "row = await session.get(Chunk, chunk_id)",
        "row = await session.get_one(Quota, tenant)",
        'rows = await session.execute(text("DELETE FROM chunks WHERE 1"))',
        'rows = connection.exec_driver_sql(f"select * from QUOTAS where {x}")',
        "query = owned_by(tenant, Chunk).where(col(Chunk.id).in_(select(Quota.tenant_id)))",
        "query = select(Chunk, Quota).where(is_owned(tenant, Chunk))",
        "if (await session.exec(select(Chunk))).first():\n    pass",
        "query = select(Chunk)  # unowned:",
        "query = select(Chunk)  # somehow unowned",
    ],
)
def test_a_query_that_may_cross_tenants_is_found(tmp_path: Path, line: str) -> None:
    assert len(objections(tmp_path, line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "query = owned_by(tenant, Chunk).order_by(Chunk.id)",
        "query = owned_columns(tenant, Chunk, col(Chunk.id)).join(Quota, Quota.tenant_id == Chunk.tenant_id)",
        "query = select(Chunk, Quota).where(is_owned(tenant, Chunk, Quota))",
        "query = select(Chunk)  # unowned: the sweeper serves every tenant.",
        "query = select(\n    Chunk  # unowned: a reason.\n)",
        "query = select(Chunk).where(  # noqa: E501  # unowned: a reason.\n    Chunk.id == 1)",
        "query = select(Tenant)",
        "row = await session.get(Tenant, tenant)",
        'await session.execute(text("SELECT 1"))',
        "chosen = policy.select(name); value = options.get(name)",
        "session.add(Chunk(tenant_id=tenant))",
    ],
)
def test_a_query_that_names_its_tenant_or_its_reason_passes(tmp_path: Path, line: str) -> None:
    assert objections(tmp_path, line) == []


def test_a_model_under_another_name_is_still_found(tmp_path: Path) -> None:
    source = "from slice.models import Chunk as Passage\nother = aliased(Passage)\nselect(other)\nselect(Passage.id)\n"
    assert len(objections(tmp_path, source)) == 2


def test_the_module_that_builds_owned_queries_is_left_alone(tmp_path: Path) -> None:
    assert objections(tmp_path, "query = select(Chunk)", "kit/ownership.py") == []


def test_an_objection_says_where_and_what_to_do(tmp_path: Path) -> None:
    (line,) = objections(tmp_path, "\nquery = select(Chunk)")
    assert "service.py:2: a query over Chunk" in line
    assert "app.kit.ownership" in line


def test_the_command_fails_when_it_objects(tmp_path: Path) -> None:
    objections(tmp_path, "query = select(Chunk)")
    command = [sys.executable, "-m", "tools.lint_ownership", str(tmp_path)]
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 1


def test_the_real_models_are_recognised() -> None:
    from tools.lint_ownership import Owned

    tables = Owned.collect(ROOT / "app").tables
    assert {"Chunk", "Document", "VersionText", "CachedEmbedding", "Quota", "ApiToken"} <= tables.keys()
    assert "Tenant" not in tables
