"""The example of docs/api.md: it does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_example_of_the_reference(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Protects: the block of docs/api.md by what it prints, and that progress goes elsewhere."""
    (block,) = BLOCK.findall((repository / "docs/api.md").read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "api.md", "exec"), {})
    said = capsys.readouterr()
    first, columns, count = said.out.splitlines()
    assert first == "macro_f1 ['demo-plankton']"
    assert columns.startswith("['model', 'task', 'class', 'support'")
    assert re.fullmatch("[1-9][0-9]* photographs were got wrong", count)
    assert "the exact engine computes its features" in said.err
    assert (tmp_path / "scores.svg").read_text().startswith("<svg")
