"""One benchmark run after another, each cut, spread, ordered or killed in its own way.

Run as a program: each argument is a schedule as JSON; for each a line with the digests of its run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from biobench._common.store import Store
from biobench.embed import shards
from biobench.models.base import Backbone
from biobench.models.load import load_model
from biobench.pipeline import run
from biobench.run.options import Options
from biobench.spec.load import load_spec

TINY = "py:tiny_model:Tiny"
STAGES = ("manifest", "pixels", "features", "predictions", "score")


@dataclass(frozen=True)
class Schedule:
    """workers: micro-batches side by side. shard: micro-batches in one. kills: the run is killed
    before it keeps this many results, and started again, once for each number."""

    tasks: Sequence[str]
    model: str = TINY
    engine: str = "exact"
    workers: int = 2
    shard: int = shards.MICRO_BATCHES_PER_SHARD
    kills: Sequence[int] = ()


def backbone(model: str) -> Backbone:
    """The model, of this folder where it is the tiny one."""
    sys.path.insert(0, str(Path(__file__).parent))
    return load_model(model, load_spec().models)


def scheduled(schedule: Schedule, model: Backbone, store: Path) -> dict[str, Any]:
    """The digests of one run: of each task by stage, and of each stage over the tasks."""
    with mock.patch.object(shards, "MICRO_BATCHES_PER_SHARD", schedule.shard):
        for kept in schedule.kills:
            _killed(schedule, model, store, kept)
        results = _run(schedule, model, store)
    roots = {stage: results.digests[stage] for stage in ("data", *STAGES[1:])}
    tasks = {
        id: {stage: entry["digests"][stage] for stage in STAGES}
        for id, entry in sorted(results.tasks.items())
    }
    return {"tasks": tasks, "roots": roots, "levels": results.document["levels"]}


def _run(schedule: Schedule, model: Backbone, store: Path) -> Any:
    return run(
        Options(
            model=model, tasks=tuple(schedule.tasks), store=store, device="cpu",
            engine=schedule.engine, workers=schedule.workers, quiet=True, save=False,
        )
    )  # fmt: skip


def _killed(schedule: Schedule, model: Backbone, store: Path, kept: int) -> None:
    """A run in a process that ends by SIGKILL, in the middle of what it does."""
    child = os.fork()
    if child == 0:
        left = [kept]
        put = Store.put

        def deadly(self: Store, kind: str, key: str, arrays: Mapping[str, Any]) -> None:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            put(self, kind, key, arrays)

        with mock.patch.object(Store, "put", deadly):
            _run(schedule, model, store)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the run ended before it had kept {kept} results"
    assert os.WTERMSIG(status) == signal.SIGKILL


def main(arguments: Sequence[str]) -> None:
    """Run every schedule in a store of its own."""
    models: dict[str, Backbone] = {}
    for argument in arguments:
        schedule = Schedule(**json.loads(argument))
        if schedule.model not in models:
            models[schedule.model] = backbone(schedule.model)
        with tempfile.TemporaryDirectory() as store:
            print(json.dumps(scheduled(schedule, models[schedule.model], Path(store))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
