"""Every error that reaches a user says what to do."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

BASE = "BiobenchError"

ANSWERED_ELSEWHERE = {
    # Caught, and raised again with a remedy by the function that knows the file or the model.
    "models/own_module.py _compare": 1,
    "models/recipe_file.py _recipe": 6,
    "models/recipe_file.py _one_of": 1,
    "models/recipe_file.py _numbers": 1,
    "models/recipe_file.py _sides": 1,
    "models/recipe_file.py _pad": 1,
    # The last line below a list of what is wrong, each with the place and what is expected there.
    "commands/conformance.py _report": 1,
    "commands/spec.py validate": 1,
}
"""Functions of the package that construct errors without a remedy, and how many."""


def test_each_error_says_what_to_do(repository: Path) -> None:
    """Protects: the promise that one line says what, where and what to do."""
    package = repository / "runner/biobench"
    trees = {
        path.relative_to(package).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in package.rglob("*.py")
    }
    assert _without_remedy(trees) == ANSWERED_ELSEWHERE


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('raise BiobenchError("x", where="y")', 1),
        ('raise errors.DataError("x", remedy="")', 1),
        ('found = ItemsError("x", remedy=None)', 1),
        ('raise ItemsError("x", remedy="z")', 0),
        ("raise OfProblem(problem)", 0),
        ('raise ValueError("x")', 0),
    ],
)
def test_what_counts_as_a_remedy(text: str, count: int) -> None:
    """Protects: the test above sees errors of every class, however they are named."""
    module = f"""
class DataError(BiobenchError): ...
class ItemsError(errors.DataError, ValueError): ...
class OfProblem(DataError):
    def __init__(self, problem):
        super().__init__(problem.message, remedy=problem.remedy)
def f():
    {text}
"""
    assert _without_remedy({"a.py": ast.parse(module)}) == ({"a.py f": count} if count else {})


def _without_remedy(trees: Mapping[str, ast.Module]) -> Mapping[str, int]:
    """The functions that construct errors without a remedy, by file and name, and how many."""
    classes = _classes(trees)
    return Counter(
        f"{path} {function}"
        for path, tree in trees.items()
        for function, call in _calls(tree, "")
        if _name(call.func) in classes and not _has_remedy(call)
    )


def _classes(trees: Mapping[str, ast.Module]) -> set[str]:
    """The errors of the package that take a remedy; one that has its own ``__init__`` gets it in
    there."""
    nodes = [
        node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    ]
    found = {BASE}
    while more := {
        node.name
        for node in nodes
        if node.name not in found
        and found.intersection(map(_name, node.bases))
        and not any(isinstance(x, ast.FunctionDef) and x.name == "__init__" for x in node.body)
    }:
        found |= more
    return found


def _calls(node: ast.AST, function: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call below a node, with the name of the innermost function around it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield function, child
        named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _calls(child, child.name if named else function)


def _has_remedy(call: ast.Call) -> bool:
    given = [word.value for word in call.keywords if word.arg == "remedy"]
    return bool(given) and not (isinstance(given[0], ast.Constant) and not given[0].value)


def _name(node: ast.AST) -> str | None:
    """``f`` of ``f`` and of ``module.f``."""
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
