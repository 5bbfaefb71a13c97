"""The probe stage with its cache: predictions are stored under the digest of all that decides them.

In: features with their digest, manifest, task. Out: predictions of every scored row in manifest
order; a row whose image could not be read is wrong by rule (SPEC.md, section "Bad images").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.output import print_note
from biobench._common.progress import Progress
from biobench._common.store import Store
from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.errors import BiobenchError
from biobench.probe.checkpoint import Checkpoint
from biobench.probe.inputs import NO_NEIGHBOUR, NO_PREDICTION, given_columns, truth
from biobench.probe.predict import run_probe
from biobench.probe.registry import PROTOCOLS, is_exact
from biobench.probe.rejected import rejection_line
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import Suite, Task

KIND = "predictions"
REVISION = 4
"""Version that any change of a probe increments if it can move a prediction."""


def predict(
    task: Task,
    suite: Suite,
    manifest: Manifest,
    features: npt.NDArray[np.float32],
    features_digest: str,
    store: Store,
    *,
    bad: Mapping[int, str],
    device: str,
    workers: int,
    engine: Mapping[str, Any],
    quiet: bool,
) -> Predictions:
    """Predictions for the scored rows of a manifest, from the store where they are known.

    Args:
        task: The task.
        suite: Its suite, for the seed.
        manifest: The rows.
        features: float32 (rows, dim) in manifest order.
        features_digest: Their digest, by which predictions are known.
        store: Where predictions and the state of a probe are found and kept.
        bad: Row of an image that cannot be read -> the reason; no probe sees it, and its prediction
            is wrong.
        device: ``cpu`` or ``cuda``.
        workers: Number of threads, which changes the time and never the result.
        engine: What decides the bits of a probe that is not exact there, as JSON values.
        quiet: Show neither progress nor notes.

    Raises:
        BiobenchError: As :func:`biobench.probe.predict.run_probe`.
    """
    scored = np.flatnonzero(manifest.scored())
    key = sha256_json(
        {
            "kind": KIND,
            "revision": [REVISION, version("biobench")],
            "task": [task.id, task.version, task.division],
            "protocol": [task.protocol.id, task.protocol.version, dict(task.protocol.constants)],
            "seed": suite.seed,
            "manifest": manifest.digest,
            "classes": len(manifest.classes),
            "scored": scored.tolist(),
            "features": features_digest,
            "bad": sorted(bad),
            # An exact probe gives one value wherever it runs.
            "engine": None if is_exact(task.protocol.kind, gpu=device == "cuda") else dict(engine),
        }
    )
    known = store.get(KIND, key)
    if known is None:
        store.warn(f"{task.id}: what the probe computes")
        total, unit = PROTOCOLS[task.protocol.kind].work(task, manifest)
        with Progress(f"{task.id}: probe", total, unit=unit, quiet=quiet) as progress:

            def resumed(units: int) -> None:
                progress.skip(units)
                if not quiet:
                    done = f"{units} of {total} {unit} are known"
                    print_note(f"biobench: {task.id}: the probe goes on, {done}")

            checkpoint = Checkpoint(store, key, resumed=resumed)
            predictions = _compute(
                task, suite, manifest, features, bad=bad,
                device=device, threads=workers, progress=progress.advance, checkpoint=checkpoint,
            )  # fmt: skip
        columns = {"y_true": predictions.y_true, "y_pred": predictions.y_pred, **predictions.extras}
        given = given_columns(manifest, scored, predictions.y_pred)
        kept = {name: columns[name] for name in columns if name not in given}
        try:
            store.put(KIND, key, kept)
            checkpoint.remove()
        except BiobenchError as error:
            # They are known, and the result is written elsewhere.
            if not quiet:
                print_note(f"biobench: {task.id}: predictions are not kept, {error}")
        return _logged(task, manifest, predictions, quiet=quiet)
    ids = tuple(manifest.rows[i].id for i in scored)
    extras = {name: known[name] for name in sorted(known) if name not in {"y_true", "y_pred"}}
    extras |= given_columns(manifest, scored, known["y_pred"])
    predictions = Predictions(ids, known["y_true"], known["y_pred"], extras)
    return _logged(task, manifest, predictions, quiet=quiet)


def _logged(
    task: Task, manifest: Manifest, predictions: Predictions, *, quiet: bool
) -> Predictions:
    """The predictions; prints a line where most of them are rejected."""
    learnt = sum(row.split == "train" for row in manifest.rows)
    line = None if quiet else rejection_line(task, predictions, learnt)
    if line is not None:
        print_note(f"biobench: {line}")
    return predictions


def _compute(
    task: Task,
    suite: Suite,
    manifest: Manifest,
    features: npt.NDArray[np.float32],
    *,
    bad: Mapping[int, str],
    **options: Any,
) -> Predictions:
    """Predictions, computed; options are those of :func:`run_probe`."""
    if not bad:
        return run_probe(task, suite, manifest, features, **options)
    good = np.array([i for i in range(len(manifest.rows)) if i not in bad], dtype=np.int64)
    readable = replace(manifest, rows=tuple(manifest.rows[i] for i in good))
    if not readable.scored().any():
        return _all_wrong(task, manifest)
    predictions = run_probe(task, suite, readable, features[good], **options)
    return _with_wrong(predictions, manifest, good)


def _all_wrong(task: Task, manifest: Manifest) -> Predictions:
    """Wrong predictions for every scored row: no scored image could be read."""
    scored = np.flatnonzero(manifest.scored())
    true = truth(manifest, scored)
    prediction = np.full_like(true, NO_PREDICTION)
    extras = given_columns(manifest, scored, prediction)
    extras |= PROTOCOLS[task.protocol.kind].unread(task, len(scored))
    ids = tuple(manifest.rows[i].id for i in scored)
    return Predictions(ids, true, prediction, extras)


def _with_wrong(
    predictions: Predictions, manifest: Manifest, good: npt.NDArray[np.int64]
) -> Predictions:
    """Put the scored rows that were left out back in, as wrong, and renumber rows in extras."""
    scored = np.flatnonzero(manifest.scored())
    place = {item: i for i, item in enumerate(predictions.ids)}
    ids = tuple(manifest.rows[i].id for i in scored)
    source = np.array([place.get(item, -1) for item in ids], dtype=np.int64)
    present = source >= 0
    true = truth(manifest, scored)
    prediction = np.full_like(true, NO_PREDICTION)
    prediction[present] = predictions.y_pred[source[present]]
    extras = given_columns(manifest, scored, prediction)
    for name, column in predictions.extras.items():
        if name in extras:
            continue
        # A neighbour's number counts the rows of the readable manifest; -1 stays "none".
        values = (
            np.where(column >= 0, good[column], NO_NEIGHBOUR) if name == "neighbours" else column
        )
        empty = NO_NEIGHBOUR if name == "neighbours" else 0
        filled = np.full((len(scored), *column.shape[1:]), empty, dtype=column.dtype)
        filled[present] = values[source[present]]
        extras[name] = filled
    return Predictions(ids, true, prediction, extras)
