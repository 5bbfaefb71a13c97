"""The order of the rooms: a stage never imports a later one, and no two files import each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ORDER = (
    ("errors", "_common"),
    ("spec",),
    ("repro",),
    ("data",),
    ("decode",),
    ("native",),
    ("models",),
    ("embed",),
    ("probe",),
    ("metric",),
    ("report",),
    ("run",),
    ("pipeline",),
    ("verify",),
    ("compare",),
    ("selftest",),
    ("conformance",),
    ("api",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
"""Rooms of the package from the lowest up; those of one line may import each other."""


@pytest.fixture(scope="module")
def imports(repository: Path) -> dict[str, set[str]]:
    """The modules that each module imports, lazily or for types as well."""
    package = repository / "runner/biobench"
    names = {}
    for path in package.rglob("*.py"):
        parts = ("biobench", *path.relative_to(package).with_suffix("").parts)
        names[".".join(parts).removesuffix(".__init__")] = path
    return {
        name: set(_imported(path, names)) - {name, "biobench"}
        for name, path in sorted(names.items())
    }


def _imported(path: Path, names: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name if name in names else str(node.module) for name in whole]
        yield from (name for name in found if name in names)


def test_a_room_imports_none_above_it(imports: dict[str, set[str]]) -> None:
    """The promise of the layout: the flow goes one way."""
    rank = {room: place for place, rooms in enumerate(ORDER) for room in rooms}
    inner = {name: used for name, used in imports.items() if name != "biobench"}
    wrong = [
        f"{name} imports {module}"
        for name, used in inner.items()
        for module in sorted(used)
        if rank[module.split(".")[1]] > rank[name.split(".")[1]]
    ]
    assert wrong == []


def test_no_circle_of_files(imports: dict[str, set[str]]) -> None:
    """No file needs another that needs it, over however many others."""
    open_, done = [], set()

    def visit(name: str) -> None:
        if name in open_:
            circle = " -> ".join([*open_[open_.index(name) :], name])
            raise AssertionError(f"a circle of imports: {circle}")
        if name in done:
            return
        open_.append(name)
        for module in sorted(imports[name]):
            visit(module)
        done.add(open_.pop())

    for name in imports:
        visit(name)
