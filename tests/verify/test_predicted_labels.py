"""The labels that a protocol can predict: its registry entry says which, and verify holds to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biobench.data.manifest import Manifest, Row
from biobench.data.predictions import Predictions
from biobench.probe.entry import Predicts
from biobench.probe.inputs import given_columns, truth
from biobench.probe.registry import PROTOCOLS
from biobench.spec.documents import Task
from biobench.spec.load import load_spec
from biobench.verify.truth import check_truth

NAMES = ("auk", "eel", "fox")
LEARNT, UNSEEN, UNKNOWN, NO_CLASS = 0, 2, -1, 3
"""Labels: of a class with examples, of one without, of no known class, and of no class at all."""


def manifest() -> Manifest:
    """Two classes with two training items each, a third that only the test split has."""
    split = [("train", label) for label in (0, 0, 1, 1)] + [("test", label) for label in (0, 2)]
    rows = [
        Row(f"{i}", f"{i}.png", label, side, side == "test")  # type: ignore[arg-type]
        for i, (side, label) in enumerate(split)
    ]
    return Manifest(Path("."), NAMES, tuple(rows), {}, NAMES)


def task_of(kind: str) -> Task:
    task = load_spec().task("plankton")
    return replace(task, protocol=replace(task.protocol, kind=kind))


def findings(kind: str, label: int) -> list[str]:
    """What verify finds in predictions of one label by a protocol of ``kind``."""
    items = manifest()
    scored = np.flatnonzero(items.scored())
    predicted = np.full(scored.size, label, np.int32)
    ids = tuple(items.rows[i].id for i in scored)
    columns = given_columns(items, scored, predicted)
    made = Predictions(ids, truth(items, scored), predicted, columns)
    return [finding.text for finding in check_truth(task_of(kind), items, made, None)]


@pytest.mark.parametrize(
    ("predicts", "possible"),
    [
        ("classes", {LEARNT, UNSEEN}),
        ("learnt", {LEARNT}),
        ("learnt-or-unknown", {LEARNT, UNKNOWN}),
    ],
)
def test_a_new_protocol_states_its_labels(
    predicts: Predicts, possible: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects: a kind of protocol that verify was not written for is judged by its own entry."""
    entry = replace(PROTOCOLS["linear_probe"], kind="new_kind", predicts=predicts)
    monkeypatch.setitem(PROTOCOLS, "new_kind", entry)  # type: ignore[arg-type]
    for label in (LEARNT, UNSEEN, UNKNOWN, NO_CLASS):
        found = findings("new_kind", label)
        if label in possible:
            assert found == [], label
        else:
            assert "is not a label that can be learnt here" in "".join(found), label


@pytest.mark.parametrize(
    ("kind", "possible"),
    [
        ("linear_probe", {LEARNT, UNSEEN}),
        ("logistic_regression", {LEARNT}),
        ("svm", {LEARNT}),
        ("nearest_centroid", {LEARNT, UNKNOWN}),
    ],
)
def test_the_labels_of_each_trained_protocol(kind: str, possible: set[int]) -> None:
    """Protects: no protocol's entry allows labels that its probe cannot predict."""
    labels = (LEARNT, UNSEEN, UNKNOWN, NO_CLASS)
    assert {label for label in labels if not findings(kind, label)} == possible


def test_the_columns_of_a_new_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects: a column that only a new protocol writes is asked for, by its entry's names."""
    entry = replace(
        PROTOCOLS["linear_probe"],
        kind="new_kind",
        predicts="classes",
        unread=lambda task, count: {"margin": np.zeros(count)},
    )
    monkeypatch.setitem(PROTOCOLS, "new_kind", entry)  # type: ignore[arg-type]
    assert findings("new_kind", LEARNT) == ["the column margin is missing"]
