"""Copies of the specification to break, for the tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from biobench.spec.location import spec_root

V1 = spec_root() / "v1"


def copy_of_the_specification(folder: Path) -> Path:
    """A copy of v1/ in ``folder``; returns it."""
    target = folder / "v1"
    shutil.copytree(V1, target)
    return target


def replace(path: Path, old: str, new: str) -> int:
    """Replace the one occurrence of ``old``; returns the line (from 1) where it began."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1
