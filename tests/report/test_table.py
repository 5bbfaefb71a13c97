"""The table in the terminal: every task with its score, however narrow the terminal is."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from biobench.report.results import Results
from biobench.report.table import print_results


@pytest.mark.parametrize("width", [30, 40, 44, 60, 80, 200])
def test_no_width_loses_a_task_or_a_score(width: int, repository: Path) -> None:
    """Columns are left out whole; what is shown is never cut."""
    document = json.loads((repository / "tests/spec/results.json").read_text())
    out = io.StringIO()
    print_results(Results(document), Console(file=out, width=width))
    text = out.getvalue()
    sentences = ("model ", "interval: ", "not an official ")
    table = [line for line in text.splitlines() if not line.startswith(sentences)]
    assert max(map(len, table)) <= width
    assert "…" not in text
    for task, entry in document["tasks"].items():
        assert any(
            line.startswith(f" {task} ") and f"{entry['score']:.4f}" in line
            for line in text.splitlines()
        ), text
    assert ("classes" in text) == (width >= 60)
