"""Class folders of drawn organisms, and what a run of them writes."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

CLASSES = ("Centrales", "Ciliata", "Nodularia")
EACH = 12
Words = tuple[str, ...]
Capture = pytest.CaptureFixture[str]


def write_photos(folder: Path) -> Path:
    """Write three classes of twelve drawn organisms each into folders below ``folder``."""
    # Not at the top: conftest.py imports this, and most tests of the folder need no runner for it.
    from biobench.data.locate import EMBEDDED

    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for image in sorted((EMBEDDED / "demo-plankton/train" / name).iterdir())[:EACH]:
            shutil.copy(image, folder / name / image.name)
    return folder


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def paths(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.png"))
