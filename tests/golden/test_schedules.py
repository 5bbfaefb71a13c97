"""Schedule invariance: the digests of a run do not depend on how it was cut, spread, ordered or
killed, and are those that were recorded once, on whatever machine."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from processes import lines
from schedules import Schedule

from biobench.repro.environment import processor_name
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
FEW = ("demo-kabr", "demo-plankton")
"""Clips with logistic regression, images with the linear probe."""
WORKERS, SHARDS = (1, 2, 3, 7), (1, 2, 5)


def runs(*schedules: Schedule) -> list[dict[str, Any]]:
    """Results of each schedule, in a process of their own."""
    return lines(HERE / "schedules.py", *(json.dumps(asdict(schedule)) for schedule in schedules))


def compare(found: list[dict[str, Any]], schedules: list[Schedule]) -> None:
    """Fail with the first schedule whose digests differ, by task and stage."""
    for schedule, other in zip(schedules, found, strict=True):
        for task, digests in found[0]["tasks"].items():
            different = [
                stage for stage in digests if other["tasks"][task][stage] != digests[stage]
            ]
            assert not different, f"{schedule} differs in {task}: {', '.join(different)}"
        assert other["roots"] == found[0]["roots"], schedule


def recorded() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((HERE / "run.json").read_text())
    return read


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("engine", "level"),
    [("exact", "F"), pytest.param("torch", "E", marks=pytest.mark.depth)],
)
def test_no_schedule_moves_a_bit(engine: str, level: str) -> None:
    """Every number of workers and size of a shard, the tasks in either order, killed before the
    first result is kept and at later ones; what torch computes has other digests elsewhere."""
    schedules = [
        Schedule(FEW, engine=engine, workers=1),
        Schedule(FEW, engine=engine, workers=2, shard=1),
        Schedule(FEW[::-1], engine=engine, workers=3, shard=5),
        Schedule(FEW, engine=engine, workers=7, shard=2, kills=(0, 1, 3)),
    ]
    found = runs(*schedules)
    compare(found, schedules)
    assert found[0]["levels"]["features"] == level
    for task in FEW if engine == "exact" else ():
        assert found[0]["tasks"][task] == recorded()["tasks"][task], task


@pytest.mark.depth
@pytest.mark.timeout(600)
def test_a_whole_run_is_the_recorded_one() -> None:
    """All tasks of the demo suite, every stage from manifest to score."""
    (found,) = runs(Schedule(load_spec().suites["demo"].tasks))
    past = recorded()
    assert list(found["tasks"]) == list(past["tasks"])
    for task, digests in past["tasks"].items():
        different = [stage for stage in digests if found["tasks"][task][stage] != digests[stage]]
        assert not different, (
            f"{processor_name()} differs from {past['cpu']} in {task}: {', '.join(different)}"
        )
    assert found["roots"] == past["roots"]


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("engine", ["exact", "torch"])
@pytest.mark.parametrize("model", [Schedule(()).model, "demo"])
def test_all_schedules_of_the_whole_suite(model: str, engine: str) -> None:
    """Every pair of workers and shards over all demo tasks, backwards too, and killed at twelve
    places."""
    tasks = load_spec().suites["demo"].tasks
    pairs = itertools.product(WORKERS, SHARDS)
    schedules = [Schedule(tasks, model, engine, *pair) for pair in pairs]
    schedules.append(Schedule(tasks[::-1], model, engine))
    schedules.append(Schedule(tasks, model, engine, shard=1, kills=tuple(range(0, 24, 2))))
    compare(runs(*schedules), schedules)
