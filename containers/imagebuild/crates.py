"""The Rust crates of the wheel's extension, and those that serve the crates' own tests alone.

In: Cargo.lock and the manifests of the workspace. Out: the crates of a registry with their digests.
Cargo.lock does not say which dependency is for tests, so the members' manifests do; of a registry's
crates it lists none that is for tests. Cargo is not asked: a wheel may be given where it is not.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXTENSION = "biobench-python"
"""The member of the workspace that becomes the extension."""
_TABLES = ("dependencies", "build-dependencies")


@dataclass(frozen=True)
class Crate:
    """A crate of a registry.

    Attributes:
        checksum: SHA-256 of its archive.
        only_tests: True where the extension is built without it.
    """

    name: str
    version: str
    checksum: str
    only_tests: bool


def crates(root: Path) -> list[Crate]:
    """The crates of a registry that a workspace's lock names, in its order; those that the
    extension may need on any platform, with any feature, are not ``only_tests``."""
    packages = _read(root / "Cargo.lock")["package"]
    members = [_read(root / path / "Cargo.toml") for path in _members(root)]
    stated = {member["package"]["name"]: set(_dependencies(member)) for member in members}
    known: dict[str, list[Mapping[str, Any]]] = {}
    for entry in packages:
        known.setdefault(entry["name"], []).append(entry)
    needed: set[tuple[str, str]] = set()
    waiting = [*known[EXTENSION]]
    while waiting:
        entry = waiting.pop()
        key = entry["name"], entry["version"]
        if key in needed:
            continue
        needed.add(key)
        for wanted in entry.get("dependencies", []):
            # NAME, with its version where the lock has several.
            name, *version = wanted.split()[:2]
            if entry["name"] not in stated or name in stated[entry["name"]]:
                waiting += [e for e in known[name] if not version or e["version"] == version[0]]
    return [
        Crate(e["name"], e["version"], e["checksum"], (e["name"], e["version"]) not in needed)
        for e in packages
        if "checksum" in e
    ]


def _members(root: Path) -> list[str]:
    found: list[str] = _read(root / "Cargo.toml")["workspace"]["members"]
    return found


def _dependencies(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Names of the packages that a member is built with, on any platform."""
    for part in (manifest, *manifest.get("target", {}).values()):
        for table in _TABLES:
            for name, stated in part.get(table, {}).items():
                yield stated.get("package", name) if isinstance(stated, Mapping) else name


def _read(path: Path) -> dict[str, Any]:
    with open(path, "rb") as content:
        return tomllib.load(content)
