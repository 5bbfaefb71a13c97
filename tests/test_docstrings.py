"""Docstrings of files and folders, which ruff asks for but does not read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

LEAST = 20
"""Characters of a sentence that says anything."""


@pytest.mark.parametrize("folder", ["runner/biobench", "tools"])
def test_each_file_says_what_it_is(folder: str, repository: Path) -> None:
    """Protects: the first line of a module or package tells a reader what is in it."""
    files = sorted((repository / folder).rglob("*.py"))
    texts = {path: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in files}
    assert files
    empty = [str(path) for path, text in texts.items() if len(text or "") < LEAST]
    assert empty == []
