"""Predictions from features, by the task's protocol (SPEC.md, section "Protocols").

In: a task, its manifest and features in manifest order. Out: predictions of the scored rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.errors import DataError, ModelError, SpecError, UsageError
from biobench.probe.checkpoint import Checkpoint
from biobench.probe.inputs import ProbeInputs, Progress
from biobench.probe.minimum_items import scored_items
from biobench.probe.registry import PROTOCOLS
from biobench.spec.documents import Suite, Task


def run_probe(
    task: Task,
    suite: Suite,
    manifest: Manifest,
    features: npt.NDArray[np.float32],
    *,
    device: str = "cpu",
    threads: int = 1,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> Predictions:
    """Train and apply the task's probe; the result does not depend on ``threads``.

    Args:
        task: The task.
        suite: Its suite, for the seed.
        manifest: The rows.
        features: float32 (rows, dim) in manifest order.
        device: ``cpu`` or ``cuda``.
        threads: Number of workers.
        progress: Called with units of work done.
        checkpoint: Where a probe that takes long stores its state and finds it again.

    Raises:
        ModelError: Features of an item are not finite or, where the protocol normalises, all zero;
            names the item.
        DataError: The split cannot be probed.
        SpecError: The protocol is unknown, or a constant has a value that it cannot have.
    """
    _check(task, manifest, features)
    entry = PROTOCOLS.get(task.protocol.kind)
    if entry is None:
        raise SpecError(
            f"unknown protocol kind {task.protocol.kind!r}",
            where=task.id,
            remedy=f"known: {', '.join(PROTOCOLS)}",
        )
    if task.split_rule != entry.split:
        raise SpecError(
            f"protocol {task.protocol.id} needs the split {entry.split}, not {task.split_rule}",
            where=task.id,
            remedy="change the task's split or protocol",
        )
    scored = np.flatnonzero(manifest.scored())
    try:
        scored_items(scored.size)
        return entry.apply(
            ProbeInputs(
                task, suite, manifest, features, scored, device, threads, progress, checkpoint
            )
        )
    except DataError as error:
        if error.where is not None:
            raise
        raise DataError(error.what, where=task.id, remedy=error.remedy) from None


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
