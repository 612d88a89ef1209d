"""What the documents say about the code is true."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
NAMED = re.compile(r"`((?:app|alembic|tests|tools|docs|bench|requirements|helm|evals)/[\w./-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_a_page_names_exists(page: Path) -> None:
    missing = [name for name in NAMED.findall(page.read_text()) if not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_the_flows_name_every_stage() -> None:
    text = (ROOT / "docs" / "flows.md").read_text()
    for stage in ("fetching", "parsing", "chunking", "embedding", "indexing", "activating"):
        assert f"app/ingestion/stages/{stage}.py" in text
