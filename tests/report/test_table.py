"""The table in the terminal: every task with its score, however narrow the terminal is."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from biobench.report.result_page import render_page
from biobench.report.results import Results
from biobench.report.table import print_results


@pytest.mark.parametrize("width", [30, 40, 44, 60, 80, 200])
def test_no_width_loses_a_task_or_a_score(width: int, repository: Path) -> None:
    """Columns are left out whole; what is shown is never cut."""
    document = json.loads((repository / "tests/spec/results.json").read_text())
    out = io.StringIO()
    print_results(Results(document), Console(file=out, width=width))
    text = out.getvalue()
    sentences = ("model ", "interval: ", "not an official ", "no room for: ")
    table = [line for line in text.splitlines() if not line.startswith(sentences)]
    assert max(map(len, table)) <= width
    assert "…" not in text
    for task, entry in document["tasks"].items():
        assert any(
            line.startswith(f" {task} ") and f"{entry['score']:.4f}" in line
            for line in text.splitlines()
        ), text
    assert any("classes" in line for line in table) == (width >= 60)
    unnamed = "no room for: metric, 95% interval, train, test, classes" in text
    assert unnamed == (width == 30)
    assert ("no room for: " in text) == (width < 80)


@pytest.mark.parametrize(("bad", "words"), [(1, "1 unreadable image: "), (8, "8 unreadable im")])
def test_unreadable_images_of_own_tasks_are_said(bad: int, words: str, repository: Path) -> None:
    """In the terminal and on the page, where no reasons against an official result stand."""
    document = json.loads((repository / "tests/spec/results.json").read_text())
    document |= {"division": "open", "official": False, "bad_images": bad}
    out = io.StringIO()
    print_results(Results(document), Console(file=out, width=100))
    for text in (out.getvalue(), render_page(Results(document))):
        assert words in text
        assert ": wrong where scored, not learnt from otherwise" in text
