"""Small real runs whose results are exported; those of the tests of `verify`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

for folder in ("verify", "compare", "pipeline"):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / folder))

from small_runs import make_declared, make_demo, make_own  # noqa: E402


@pytest.fixture(scope="session")
def own_run(made_once: Callable[..., Path]) -> Path:
    """The folder of a run of five tasks: classes, groups, clips, observations, traits."""
    return made_once("verify-own", make_own) / "out"


@pytest.fixture(scope="session")
def declared_run(made_once: Callable[..., Path]) -> Path:
    """The folder of a run of two tasks of the specification beside a declared score."""
    return made_once("export-declared", make_declared) / "out"


@pytest.fixture(scope="session")
def demo_run(made_once: Callable[..., Path]) -> Path:
    """The folder of a run of two demo tasks, whose items have clusters."""
    return made_once("verify-demo", make_demo) / "out"
