"""A protocol refuses by labels alone what its probe refuses once it has the features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.data.manifest import Manifest, Row
from biobench.errors import DataError
from biobench.probe.preconditions import unmet_precondition
from biobench.probe.predict import run_probe
from biobench.spec.documents import Task
from biobench.spec.load import load_spec

SPEC = load_spec()
NAMES = ("auk", "eel", "fox")
LABELS = st.lists(st.integers(0, 2), max_size=8)


def short(id: str, division: str = "official", **constants: Any) -> Task:
    task = SPEC.task(id, division)
    merged = {**task.protocol.constants, **constants}
    return replace(task, protocol=replace(task.protocol, constants=merged))


TASKS = {
    "linear_probe": short("plankton", steps=1),
    "logistic_regression": short("kabr", candidates=[0.1, 1.0], gradient_tolerance=1e-4),
    "logistic_regression of one C": short("kabr", candidates=[1.0], gradient_tolerance=1e-4),
    "svm": short("newt", violation_tolerance=1e-4),
    "nearest_centroid": short("fungiclef"),
}


def manifest_of(labels: dict[str, list[tuple[str, int]]], scored: bool = True) -> Manifest:
    """labels: group and label of each row by split."""
    rows = [
        Row(f"{split}{i}", f"{split}{i}.png", label, split, scored and split != "train", (), group)  # type: ignore[arg-type]
        for split, pairs in labels.items()
        for i, (group, label) in enumerate(pairs)
    ]
    return Manifest(Path("."), NAMES, tuple(rows), {}, NAMES)


def probed(task: Task, manifest: Manifest) -> str | None:
    """Return the probe's refusal of the manifest, with features that tell all rows apart."""
    features = np.random.default_rng(0).normal(size=(len(manifest.rows), 3)).astype(np.float32)
    try:
        run_probe(task, SPEC.suites["demo"], manifest, features)
    except DataError as error:
        return error.what
    return None


@settings(max_examples=40)
@pytest.mark.parametrize("name", TASKS)
@given(labels=LABELS, groups=st.booleans(), test=st.integers(0, 2))
def test_the_same_as_the_probe(name: str, labels: list[int], groups: bool, test: int) -> None:
    """Of a covariance whether it has an inverse is left to the probe, the rest is told before."""
    task = TASKS[name]
    group = [("", "left", "right")[1 + i % 2 if groups and name == "svm" else 0] for i in range(8)]
    rows = {"train": list(zip(group, labels, strict=False)), "test": [(g, 0) for g in group[:test]]}
    manifest = manifest_of(rows)
    told, found = unmet_precondition(task, manifest), probed(task, manifest)
    if name == "nearest_centroid":
        assert told is None or found is not None
        assert (told is not None) == (len(set(labels)) == len(labels) or test == 0)
        return
    assert (told and told.what) == found
    assert told is None or told.where == task.id


@given(count=st.integers(1, 8), division=st.sampled_from(["official", "compat"]))
def test_neighbours(count: int, division: str) -> None:
    """As many others as vote."""
    task = SPEC.task("beluga", division)
    manifest = manifest_of({"gallery": [("", 0)] * count})
    told = unmet_precondition(task, manifest)
    assert (told and told.what) == probed(task, manifest)
    assert (told is None) == (count > (1 if division == "official" else 5))
