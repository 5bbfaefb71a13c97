"""The nearest centroid on a task (SPEC.md, section "Nearest centroid with rejection")."""

from __future__ import annotations

import numpy as np

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.probe.entry import ProtocolEntry
from biobench.probe.errors import ItemsError
from biobench.probe.inputs import ProbeInputs
from biobench.probe.nearest_centroid.estimator import CentroidProbe
from biobench.spec.documents import Task


def apply(inputs: ProbeInputs) -> Predictions:
    """Fit on the train split and predict the scored rows, -1 for those that are rejected."""
    probe = CentroidProbe.from_protocol(
        inputs.task.protocol.constants, threads=inputs.threads, progress=inputs.progress
    )
    return inputs.fit_predict(probe, inputs.manifest.labels())


def _work(task: Task, manifest: Manifest) -> tuple[int, str]:
    del task
    return 2 * manifest.indices("train").size + int(manifest.scored().sum()), "rows"


def _check_labels(task: Task, items: Manifest) -> None:
    del task
    train = items.indices("train")
    if np.unique(items.labels()[train]).size == train.size:
        raise ItemsError(
            "no class has two training items, so the covariance has no inverse",
            remedy="give each class more training items than two",
        )


ENTRY = ProtocolEntry(
    "nearest_centroid", apply, _work, "learnt-or-unknown", check_labels=_check_labels
)
