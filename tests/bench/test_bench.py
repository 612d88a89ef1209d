"""The benchmarks run and print what they measured. What they measured is no test's business."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_quick_benchmark_prints_a_table_of_positive_figures() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "startup", "--quick", "--markdown"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    table = [line.strip("| ").split(" | ") for line in ran.stdout.splitlines() if line.startswith("| ")]
    assert table[0][:5] == ["what", "unit", "floor", "ours", "ratio"]
    assert len(table) > 4
    for row in table[2:]:
        floor, ours, ratio = (float(re.sub(",", "", cell)) for cell in row[2:5])
        assert min(floor, ours, ratio) > 0, row


def test_an_unknown_benchmark_is_refused_with_the_names_there_are() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "nonsense"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 2
    assert "startup, first-token, ingestion, search, streams" in ran.stderr
