"""Class folders of drawn organisms, and what a run of them writes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

CLASSES = ("Centrales", "Ciliata", "Nodularia")
EACH = 12
Words = tuple[str, ...]
Capture = pytest.CaptureFixture[str]


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def paths(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.png"))
