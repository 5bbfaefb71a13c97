"""Runs and plans that several tests of this folder look at."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from planned_runs import Cluster, digests_in

from biobench.cli import execute

# Checkpoints are made as the tests of models make them.
sys.path.append(str(Path(__file__).resolve().parents[1] / "models"))


@pytest.fixture(scope="session")
def cluster(made_once: Callable[..., Path], small_program: str) -> Cluster:
    """Two models, the second a copy under a name of its own, on two tasks."""
    tasks = ("--task", "demo-beluga", "--task", "demo-plankton", "--engine", "exact")

    def chosen(folder: Path) -> tuple[str, ...]:
        return ("--model", small_program, "--model", f"program:{folder / 'other'}", *tasks)

    def score(folder: Path) -> None:
        shutil.copytree(small_program.removeprefix("program:"), folder / "other")
        place = ("--store", str(folder / "store"), "--out", str(folder / "out"))
        assert execute(["run", *chosen(folder), *place]) == 0

    folder = made_once("cluster-runs", score)
    return Cluster(chosen(folder), digests_in(folder / "out"))


@pytest.fixture(scope="session")
def small(made_once: Callable[..., Path], small_program: str) -> Cluster:
    """One model on one task, whose probe takes no time."""
    chosen = ("--model", small_program, "--task", "demo-beluga", "--engine", "exact")

    def score(folder: Path) -> None:
        place = ("--store", str(folder / "store"), "--out", str(folder / "out/program-small"))
        assert execute(["run", *chosen, *place]) == 0

    return Cluster(chosen, digests_in(made_once("small-run", score) / "out"))
