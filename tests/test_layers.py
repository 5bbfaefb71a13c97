"""Order of the packages: a stage never imports a later one, and neither files nor folders import
each other."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rust_modules import uses

ORDER = (
    ("errors",),
    ("_common",),
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
    ("work",),
    ("verify",),
    ("compare",),
    ("export",),
    ("selftest",),
    ("conformance",),
    ("launch",),
    ("api",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
"""The package's parts from the lowest up."""
BOTH_WAYS = ("data", "probe")
"""Folders whose own files some folders in them need, while others of these files need the folders:
what layouts, downloads and frames share lies in ``data/``, as its manifests do that need them; what
all protocols share lies in ``probe/``, as their registry does."""


@pytest.fixture(scope="module")
def imports(repository: Path) -> dict[str, set[str]]:
    """The modules that each module imports, lazily or for types as well."""
    package = repository / "runner/biobench"
    names = {}
    for path in package.rglob("*.py"):
        parts = ("biobench", *path.relative_to(package).with_suffix("").parts)
        names[".".join(parts).removesuffix(".__init__")] = path
    return {name: set(_imported(path, names)) - {name} for name, path in sorted(names.items())}


def _imported(path: Path, names: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import is not followed here"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name if name in names else str(node.module) for name in whole]
        yield from (name for name in found if name in names)


def test_a_part_imports_none_above_it(imports: dict[str, set[str]]) -> None:
    """The promise of the layout: the flow goes one way."""
    rank = {part: place for place, parts in enumerate(ORDER) for part in parts}
    inner = {name: used for name, used in imports.items() if name != "biobench"}
    wrong = [
        f"{name} imports {module}"
        for name, used in inner.items()
        for module in sorted(used - {"biobench"})
        if rank[module.split(".")[1]] > rank[name.split(".")[1]]
    ]
    assert wrong == []


def circle(uses_of: dict[str, set[str]]) -> list[str]:
    """Modules that need each other, over however many others; none where there is no circle."""
    path: list[str] = []
    done = set()

    def visit(name: str) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        path.append(name)
        for module in sorted(uses_of[name]):
            if found := visit(module):
                return found
        done.add(path.pop())
        return []

    return next(filter(None, map(visit, sorted(uses_of))), [])


def test_no_circle_of_files(imports: dict[str, set[str]]) -> None:
    """No Python file needs another that needs it."""
    assert circle(imports) == []


def rooms(imports: dict[str, set[str]], room: Callable[[str], str]) -> dict[str, set[str]]:
    """The rooms that each room imports from, where ``room`` says in which one a file is."""
    needs: dict[str, set[str]] = {}
    for name, used in imports.items():
        others = {room(module) for module in used}
        needs.setdefault(room(name), set()).update(others - {room(name)})
        for other in others:
            needs.setdefault(other, set())
    return needs


def test_no_circle_in_any_folder(imports: dict[str, set[str]]) -> None:
    """Protects: a drawing of a folder, with the files and folders in it as rooms, has no circle."""
    folders = {name.rpartition(".")[0] for name in imports if "." in name}
    for folder in sorted(folders):
        depth = folder.count(".") + 2
        inside = {
            name: {module for module in used if module.startswith(f"{folder}.")}
            for name, used in imports.items()
            if name.startswith(f"{folder}.")
        }
        needs = rooms(inside, lambda name, depth=depth: ".".join(name.split(".")[:depth]))
        assert circle(needs) == [], folder


def test_no_circle_of_folders(imports: dict[str, set[str]], repository: Path) -> None:
    """Protects: folders need each other one way alone, with the files in them; a file right below
    the package is a folder here."""

    def folder(name: str) -> str:
        parts = name.split(".")
        if parts[1:2] and parts[1] in BOTH_WAYS:
            return parts[1]
        inner = (repository / "runner" / Path(*parts)).is_dir()
        return name if inner or len(parts) == 2 else name.rpartition(".")[0]

    assert circle(rooms(imports, folder)) == []


def test_circles_of_folders_are_seen() -> None:
    """By files none of which needs another that needs it."""
    files = {"a.one": {"b.two"}, "a.three": set(), "b.two": set(), "b.four": {"a.three"}}
    assert circle(files) == []
    assert circle(rooms(files, lambda name: name.partition(".")[0])) == ["a", "b", "a"]


@pytest.mark.parametrize("crate", ["engine", "pixels", "python", "fuzz"])
def test_no_circle_of_rust_files(crate: str, repository: Path) -> None:
    """Neither does a Rust file; what a module passes on from its children is theirs."""
    modules = uses(repository / "native" / crate / "src")
    assert any(modules.values())
    assert circle(modules) == []


def test_circles_of_rust_files_are_seen(tmp_path: Path) -> None:
    """By a name that another module passes on, by a nested tree, and by a path without `use`."""
    files = {
        "lib.rs": "mod a;\nmod b;\npub use a::{inner::{Deep}, Thing};\n",
        "a/mod.rs": "pub mod inner;\npub use inner::Deep as Renamed;\npub struct Thing;\n",
        "a/inner.rs": "pub(in crate::a) struct Deep;\nfn f() { crate::b::g() }\n",
        "b.rs": "// use crate::Thing;\n#[cfg(test)]\nmod tests { use crate::Thing; }\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert circle(uses(tmp_path)) == []
    (tmp_path / "b.rs").write_text("use crate::{\n    a::{Renamed},\n};\n")
    assert circle(uses(tmp_path)) == ["a::inner", "b", "a::inner"]
