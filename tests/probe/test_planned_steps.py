"""The work of a probe, told before it is done: for the line of progress, and for `verify`, which
repeats a training only where it is soon done."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biobench.data.manifest import Manifest, Row
from biobench.probe.registry import PROTOCOLS
from biobench.spec.load import load_spec

SPEC = load_spec()


def task_of(id: str, **constants: Any) -> Any:
    task = SPEC.task(id, "official")
    merged = {**task.protocol.constants, **constants}
    return replace(task, protocol=replace(task.protocol, constants=merged))


def manifest_of(train: list[tuple[str, int]], classes: int) -> Manifest:
    """Train rows of these groups and labels."""
    names = tuple(map(str, range(classes)))
    rows = tuple(
        Row(str(i), f"{i}.jpg", label, "train", False, (), group)
        for i, (group, label) in enumerate(train)
    )
    return Manifest(Path(), names, rows, {}, names)


def test_machines_of_a_grouped_task_are_those_of_its_pairs() -> None:
    """The products of all rows of a pair with each other; groups never meet."""
    rng = np.random.default_rng(0)
    train = [(f"g{rng.integers(4)}", int(rng.integers(5))) for _ in range(60)]
    expected = 0
    for group in {group for group, _ in train}:
        labels = [label for of, label in train if of == group]
        for a, b in combinations(set(labels), 2):
            expected += (labels.count(a) + labels.count(b)) ** 2
    manifest = manifest_of(train, 5)
    assert PROTOCOLS["svm"].multiply_adds(task_of("newt"), manifest, 7) == 7 * expected


@pytest.mark.parametrize(("candidates", "fits"), [([1.0], 1), ([0.1, 1.0, 10.0], 3 * 5 + 1)])
def test_one_candidate_is_fitted_once(candidates: list[float], fits: int) -> None:
    """Without folds, in the line of progress and in what a repetition takes."""
    task, entry = task_of("kabr", candidates=candidates), PROTOCOLS["logistic_regression"]
    few, many = (manifest_of([("", i % 3) for i in range(n)], 3) for n in (30, 60))
    assert entry.work(task, few) == (fits, "fits")
    assert entry.multiply_adds(task, few, 4) % fits == 0
    assert entry.multiply_adds(task, many, 4) == 2 * entry.multiply_adds(task, few, 4)


@pytest.mark.parametrize("kind", sorted(PROTOCOLS.keys() - {"knn", "nearest_centroid"}))
def test_every_training_takes_work(kind: str) -> None:
    """A new kind of protocol that is trained without saying so would be repeated for hours."""
    id = next(
        id
        for id in ("herbarium19", "kabr", "newt", "fishnet")
        if SPEC.task(id, "official").protocol.kind == kind
    )
    manifest = manifest_of([("", i % 3) for i in range(30)], 3)
    assert PROTOCOLS[kind].multiply_adds(task_of(id), manifest, 4) > 0
