"""docs/probes.md, block for block: it works, and says what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_does_what_it_says(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every block in order, by what it prints."""
    page = (repository / "docs" / "probes.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for block in BLOCK.findall(page):
        exec(compile(block, "probes.md", "exec"), names)
    predicted, compat, refused, searched, same = capsys.readouterr().out.splitlines()
    labels, score = predicted.rsplit(maxsplit=1)
    assert labels == "['wren' 'adder' 'mole']"
    assert float(score) > 0.9
    assert compat == "5 none"
    assert refused.startswith("X row 7: the features hold NaN or an infinity; ")
    assert searched == "5 ['C']"
    assert same == "True"
