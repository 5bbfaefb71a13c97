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


def apply(inputs: ProbeInputs) -> Predictions:
    """Choose C, fit on the train split and predict the scored rows."""
    probe = LogisticProbe.from_protocol(
        inputs.task.protocol.constants, threads=inputs.threads, progress=inputs.progress
    )
    return inputs.fit_predict(probe, inputs.manifest.labels())


def _work(task: Task, manifest: Manifest) -> tuple[int, str]:
    del manifest
    constants = task.protocol.constants
    return len(constants["candidates"]) * int(constants["folds"]) + 1, "fits"


def _refuse(task: Task, items: Manifest) -> None:
    constants = task.protocol.constants
    labels = items.labels()[items.indices("train")]
    if len(constants["candidates"]) == 1:
        two_classes(labels, "logistic regression")
        return
    numbers = fold_numbers(labels, constants["folds"])
    for fold in range(constants["folds"]):
        two_classes_without(fold, labels[numbers != fold])


ENTRY = ProtocolEntry("logistic_regression", apply, _work, level="P", refuse=_refuse)
