"""Docstrings of files and folders, which ruff asks for but does not read."""

from __future__ import annotations

import ast
import re
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


IN_PROSE = re.compile(r"\b[Rr]aises?\s+(?:as\b|[A-Z]\w+)")


def raises_in_prose(tree: ast.AST) -> list[str]:
    """Public functions whose docstring says in a sentence which error they raise; not those that
    do nothing else, whose docstring begins with Raise."""
    found = []
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        public = not node.name.startswith("_") or node.name.startswith("__")
        if not public:
            continue
        if isinstance(node, ast.ClassDef):
            found += [f"{node.name}.{name}" for name in raises_in_prose(node)]
            continue
        prose = (ast.get_docstring(node) or "").split("Raises:\n")[0]
        if IN_PROSE.search(prose) and not prose.startswith("Raise "):
            found.append(node.name)
    return found


def test_errors_are_listed_under_raises(repository: Path) -> None:
    """Protects: help() and the reference list the errors of a public function in one place."""
    package = repository / "runner/biobench"
    wrong = {
        path.relative_to(package).as_posix(): names
        for path in sorted(package.rglob("*.py"))
        if (names := raises_in_prose(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("docstring", "wrong"),
    [
        ("The bytes; raises DataError where there are none.", True),
        ("The bytes. Raises as :func:`read`.", True),
        ("The bytes.\n\n    Raises:\n        DataError: There are none.", False),
        ("Raise DataError where there are none.", False),
        ("Turn what Pillow raises into one error.", False),
    ],
)
def test_which_docstrings_are_refused(docstring: str, wrong: bool) -> None:
    """Protects: the test above sees a sentence about an error, and no other one."""
    tree = ast.parse(f'class Reader:\n  def read(self):\n    """{docstring}"""\n')
    assert raises_in_prose(tree) == (["Reader.read"] if wrong else [])
