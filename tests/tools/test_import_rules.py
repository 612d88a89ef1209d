"""The import rules of ``pyproject.toml``, tried on a small tree of the same shape."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
RINGS = [name for layer in CONTRACTS[0]["layers"] for name in re.findall(r"\w+", layer)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for ring in RINGS:
        (tmp_path / "app" / ring).mkdir(parents=True)
        (tmp_path / "app" / ring / "__init__.py").touch()
    (tmp_path / "app" / "__init__.py").touch()
    for module in ("http/principal", "tenants/tokens", "chat/routes", "chat/service"):
        (tmp_path / "app" / f"{module}.py").touch()
    for module in ("adapters/litellm_gate", "adapters/vector_store", "adapters/queue", "http/event_stream"):
        (tmp_path / "app" / f"{module}.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def verdict(tree: Path, **modules: str) -> str:
    for name, source in modules.items():
        (tree / "app" / f"{name.replace('__', '/')}.py").write_text(source)
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=tree, env=environment, check=False, capture_output=True, text=True
    )
    return done.stdout.partition("\nContracts: ")[2] or done.stdout + done.stderr


def test_a_tree_that_keeps_the_rules_passes(tree: Path) -> None:
    said = verdict(
        tree,
        chat__routes="import app.http.principal, app.retrieval, litestar",
        tenants__tokens="import app.http.principal, app.kit",
        adapters__litellm_gate="import litellm",
        adapters__vector_store="import qdrant_client, qdrant_edge",
        adapters__queue="import arq",
        http__event_stream="import sse_starlette",
    )
    assert "0 broken" in said


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("kit__new", "import app.settings"),
        ("retrieval__new", "import app.ingestion"),
        ("knowledge__new", "import app.chat"),
        ("chat__service", "import app.http.principal"),
        ("chat__service", "import litestar"),
        ("chat__service", "import litellm"),
        ("retrieval__new", "import qdrant_client"),
        ("ingestion__new", "from arq import create_pool"),
        ("chat__routes", "import sse_starlette"),
    ],
)
def test_an_import_that_breaks_a_rule_is_found(tree: Path, module: str, source: str) -> None:
    assert "1 broken" in verdict(tree, **{module: source})


def test_a_module_outside_every_ring_is_found(tree: Path) -> None:
    assert "newcomer" in verdict(tree, newcomer="")


def test_every_contract_has_a_name_for_people() -> None:
    assert all(contract["name"] and contract["id"] for contract in CONTRACTS)
