"""From features to predictions, by the task's protocol (SPEC.md, section "Protocols").

In: a task, its manifest and features in manifest order. Out: predictions of the scored rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.errors import DataError, ModelError, SpecError, UsageError
from biobench.probe.constants import read_constants
from biobench.probe.knn import FIXED, FREE
from biobench.probe.leave_one_out import leave_one_out
from biobench.probe.linear import LinearProbe
from biobench.probe.predictions import Predictions
from biobench.spec.documents import Suite, Task

Progress = Callable[[int], None]
"""Called with the number of further steps (linear probe) or queries (nearest neighbours) done."""


def run_probe(
    task: Task,
    suite: Suite,
    manifest: Manifest,
    features: npt.NDArray[np.float32],
    *,
    device: str = "cpu",
    threads: int = 1,
    progress: Progress | None = None,
) -> Predictions:
    """Train and apply the task's probe; the result does not depend on ``threads``.

    features: float32 (rows, dim) in manifest order. Raises ModelError naming the item whose
    features are not finite or, where the protocol normalises, all zero; DataError where the split
    cannot be probed; SpecError for an unknown protocol or a constant that it cannot have.
    """
    _check(task, manifest, features)
    scored = np.flatnonzero(manifest.scored())
    if scored.size == 0:
        raise DataError(
            "no item is scored",
            where=task.id,
            remedy="check that the test split is not empty and its labels occur in training",
        )
    try:
        if task.protocol.kind == "linear_probe":
            return _linear(task, suite, manifest, features, scored, device, threads, progress)
        if task.protocol.kind == "knn":
            return _knn(task, manifest, features, scored, threads, progress)
    except DataError as error:
        if error.where is not None:
            raise
        raise DataError(error.what, where=task.id, remedy=error.remedy) from None
    raise SpecError(
        f"unknown protocol kind {task.protocol.kind!r}",
        where=task.id,
        remedy="use linear_probe or knn",
    )


def _check(task: Task, manifest: Manifest, features: npt.NDArray[np.float32]) -> None:
    if features.ndim != 2 or len(features) != len(manifest.rows) or features.shape[1] == 0:
        raise UsageError(
            f"features of shape {features.shape} for {len(manifest.rows)} manifest rows",
            where=task.id,
            remedy="pass one feature row for each manifest row",
        )
    zero_fails = task.protocol.constants.get("normalise") == "l2"
    for start in range(0, len(features), 4096):
        block = features[start : start + 4096]
        finite = np.logical_and.reduce(np.isfinite(block), axis=1)
        usable = finite & (block != 0).any(axis=1) if zero_fails else finite
        if usable.all():
            continue
        row = int(np.argmin(usable))
        flaw = "are all zero, so they have no direction" if finite[row] else "hold NaN or infinity"
        raise ModelError(
            f"the model's features of this image {flaw}",
            where=f"{task.id}: {manifest.rows[start + row].path}",
            remedy="check the model's weights and precision on this image",
        )


def _predictions(
    manifest: Manifest, scored: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]
) -> Predictions:
    return Predictions(
        ids=tuple(manifest.rows[i].id for i in scored),
        y_true=manifest.labels()[scored].astype(np.int32),
        y_pred=predicted.astype(np.int32),
    )


def _linear(
    task: Task,
    suite: Suite,
    manifest: Manifest,
    features: npt.NDArray[np.float32],
    scored: npt.NDArray[np.int64],
    device: str,
    threads: int,
    progress: Progress | None,
) -> Predictions:
    train = manifest.indices("train")
    if train.size == 0:
        raise DataError("the training split is empty", remedy="check the data folder's layout")
    probe = LinearProbe.from_protocol(
        task.protocol.constants,
        classes=len(manifest.classes),
        seed=suite.seed,
        task=task.id,
        device=device,
        threads=threads,
        progress=progress,
    )
    probe.fit(features[train], manifest.labels()[train])
    return _predictions(manifest, scored, probe.predict(features[scored]))


def _knn(
    task: Task,
    manifest: Manifest,
    features: npt.NDArray[np.float32],
    scored: npt.NDArray[np.int64],
    threads: int,
    progress: Progress | None,
) -> Predictions:
    if task.split_rule != "leave-one-out":
        raise SpecError(
            f"protocol knn needs the split leave-one-out, not {task.split_rule}",
            where=task.id,
            remedy="change the task's split or protocol",
        )
    constants = read_constants(
        task.protocol.constants, protocol=task.protocol.id, fixed=FIXED, free=FREE
    )
    ranking = leave_one_out(
        features,
        manifest.labels(),
        scored,
        k=constants["k"],
        normalise=constants["normalise"],
        listed=constants["listed_neighbours"],
        threads=threads,
        progress=progress,
    )
    plain = _predictions(manifest, scored, ranking.predicted)
    return Predictions(
        plain.ids,
        plain.y_true,
        plain.y_pred,
        {
            "neighbours": ranking.neighbours,
            "first_hit": ranking.first_hit,
            "average_precision": ranking.average_precision,
        },
    )
