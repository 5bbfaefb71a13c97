"""A result's document for the tests of comparisons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def template(repository: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((repository / "tests/spec/results.json").read_text())
    return value
