"""Runs and plans that several files of this folder look at."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from biobench.cli import execute

TASKS = ("--task", "demo-beluga", "--task", "demo-plankton")


@dataclass(frozen=True)
class Cluster:
    """Two models on two demo tasks, and what a run of them gives.

    Attributes:
        models: Options that name the models.
        digests: By folder of a result, its digests as ``biobench run`` gives them.
    """

    models: tuple[str, ...]
    digests: dict[str, dict[str, str]]

    def plan(self, folder: Path, *more: str) -> Path:
        """A plan of small parts in ``folder``, with its store there."""
        path = folder / "plan.json"
        place = ("--store", str(folder / "store"), "--out", str(path))
        options = ("--engine", "exact", "--part-size", "24", *more)
        assert execute(["plan", *self.models, *TASKS, *options, *place]) == 0
        return path

    def check(self, out: Path) -> None:
        """Assert that the results in ``out`` are those of the run."""
        found = {
            path.parent.name: json.loads(path.read_bytes())["digests"]
            for path in out.glob("*/results.json")
        }
        assert found == self.digests


@pytest.fixture(scope="session")
def cluster(made_once: Callable[..., Path], demo_program: str) -> Cluster:
    """Two models, the second under a name of its own, scored by `biobench run`."""

    def score(folder: Path) -> None:
        shutil.copytree(demo_program.removeprefix("program:"), folder / "other")
        models = ("--model", demo_program, "--model", f"program:{folder / 'other'}")
        place = ("--store", str(folder / "store"), "--out", str(folder / "out"))
        assert execute(["run", *models, *TASKS, "--engine", "exact", *place]) == 0

    folder = made_once("cluster-runs", score)
    documents = {
        path.parent.name: json.loads(path.read_bytes())["digests"]
        for path in sorted((folder / "out").glob("*/results.json"))
    }
    models = ("--model", demo_program, "--model", f"program:{folder / 'other'}")
    return Cluster(models, documents)
