"""Runs that several files of this folder look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def demo_program(made_once: Callable[..., Path]) -> str:
    """The name of the demo model as a program: a process that runs it needs no torch, whose import
    takes most of the processor time of a small run."""

    def export(folder: Path) -> None:
        from biobench.cli import execute

        assert execute(["models", "export", "demo", "--out", str(folder / "demo")]) == 0

    return f"program:{made_once('demo-program', export) / 'demo'}"
