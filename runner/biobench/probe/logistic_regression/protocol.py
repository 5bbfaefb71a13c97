"""Logistic regression on a task (SPEC.md, section "Logistic regression")."""

from __future__ import annotations

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.probe.entry import ProtocolEntry
from biobench.probe.inputs import ProbeInputs
from biobench.probe.logistic_regression.estimator import LogisticProbe
from biobench.probe.logistic_regression.search import fold_numbers
from biobench.probe.minimum_items import two_classes, two_classes_without
from biobench.spec.documents import Task

_PRODUCTS_OF_A_FIT = 130
"""Products with all rows in a fit, as seen on a few thousand rows."""


def apply(inputs: ProbeInputs) -> Predictions:
    """Choose C, fit on the train split and predict the scored rows."""
    probe = LogisticProbe.from_protocol(
        inputs.task.protocol.constants, threads=inputs.threads, progress=inputs.progress
    )
    return inputs.fit_predict(probe, inputs.manifest.labels())


def _work(task: Task, manifest: Manifest) -> tuple[int, str]:
    del manifest
    constants = task.protocol.constants
    candidates = len(constants["candidates"])
    # One candidate is taken as it is.
    return (candidates * int(constants["folds"]) if candidates > 1 else 0) + 1, "fits"


def _check_labels(task: Task, items: Manifest) -> None:
    constants = task.protocol.constants
    labels = items.labels()[items.indices("train")]
    if len(constants["candidates"]) == 1:
        two_classes(labels, "logistic regression")
        return
    numbers = fold_numbers(labels, constants["folds"])
    for fold in range(constants["folds"]):
        two_classes_without(fold, labels[numbers != fold])


def _multiply_adds(task: Task, manifest: Manifest, dim: int) -> int:
    fits, _ = _work(task, manifest)
    rows = len(manifest.items.indices("train"))
    return fits * _PRODUCTS_OF_A_FIT * rows * dim * len(manifest.classes)


ENTRY = ProtocolEntry(
    "logistic_regression",
    apply,
    _work,
    "learnt",
    multiply_adds=_multiply_adds,
    check_labels=_check_labels,
)
