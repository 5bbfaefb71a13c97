"""Models on demo tasks, and what a run of them gives."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from biobench.cli import execute


@dataclass(frozen=True)
class Cluster:
    """Models on demo tasks, and what a run of them gives.

    Attributes:
        chosen: Options that name the models and the tasks.
        digests: By folder of a result, its digests as ``biobench run`` gives them.
    """

    chosen: tuple[str, ...]
    digests: dict[str, dict[str, str]]

    def plan(self, folder: Path) -> Path:
        """A plan of small parts in ``folder``, with its store there."""
        path = folder / "plan.json"
        place = ("--store", str(folder / "store"), "--out", str(path))
        assert execute(["plan", *self.chosen, "--part-size", "24", *place]) == 0
        return path

    def check(self, out: Path) -> None:
        """Assert that the results in ``out`` are those of the run."""
        assert digests_in(out) == self.digests


def digests_in(out: Path) -> dict[str, dict[str, str]]:
    """The digests of each result in a folder, by the name of its own folder."""
    return {
        path.parent.name: json.loads(path.read_bytes())["digests"]
        for path in sorted(out.glob("*/results.json"))
    }
