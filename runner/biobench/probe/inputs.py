"""One task's features and labels, as every protocol takes them (SPEC.md, section "Protocols").

In: a task, its manifest and features in manifest order. Out: what a protocol needs to predict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.data.predictions import Predictions
from biobench.probe.checkpoint import Checkpoint
from biobench.probe.minimum_items import training_items
from biobench.spec.documents import Suite, Task

NO_PREDICTION = -2
"""The prediction for an image that could not be read: neither a label id nor -1, the unknown class,
so it is never right."""
NO_NEIGHBOUR = -1

Progress = Callable[[int], None]
"""Called with the number of further units of work done."""


class TrainedProbe(Protocol):
    """An estimator that learns from a train split; :mod:`biobench.probe.estimator` has the base."""

    checkpoint: Checkpoint | None

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Any:
        """Learn from features and what is known of them."""

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Predict for features."""


@dataclass(frozen=True, eq=False)
class ProbeInputs:
    """The inputs of a protocol.

    Attributes:
        features: float32 (rows, dim), one row a manifest row.
        scored: Rows to predict, ascending, int64.
        threads: Number of workers, which changes the time and never the result.
        checkpoint: Where a protocol that takes long stores its state.
    """

    task: Task
    suite: Suite
    manifest: Manifest
    features: npt.NDArray[np.float32]
    scored: npt.NDArray[np.int64]
    device: str = "cpu"
    threads: int = 1
    progress: Progress | None = None
    checkpoint: Checkpoint | None = None

    def train(self) -> npt.NDArray[np.int64]:
        """Rows of the train split, ascending, int64.

        Raises:
            DataError: The train split has no row.
            SpecError: The task has no such split.
        """
        rows = self.manifest.indices("train")
        training_items(rows.size)
        return rows

    def fit_predict(self, probe: TrainedProbe, targets: npt.NDArray[Any]) -> Predictions:
        """Fit a probe on the train split and predict the scored rows.

        Args:
            probe: The estimator; it keeps its state in ``checkpoint``, if it keeps any.
            targets: What is learnt, one row a manifest row.
        """
        train = self.train()
        probe.checkpoint = self.checkpoint
        probe.fit(rows_of(self.features, train), targets[train])
        return self.predictions(probe.predict(rows_of(self.features, self.scored)))

    def predictions(self, predicted: npt.NDArray[np.integer[Any]]) -> Predictions:
        """The predictions of the scored rows as a value, with the columns that the manifest gives.

        Args:
            predicted: Label ids (scored,), or 0 and 1 (scored, traits) in a traits task.
        """
        return Predictions(
            ids=tuple(self.manifest.rows[i].id for i in self.scored),
            y_true=truth(self.manifest, self.scored),
            y_pred=predicted.astype(np.int32),
            extras=given_columns(self.manifest, self.scored, predicted),
        )


def rows_of(
    features: npt.NDArray[np.float32], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Rows of an array, ascending: a part of it where they are neighbours, as those of a split are,
    since a copy of a large task's features takes gigabytes; else a copy."""
    start = int(rows[0]) if rows.size else 0
    if rows.size and int(rows[-1]) - start + 1 == rows.size:
        return features[start : start + rows.size]
    return features[rows]


def truth(manifest: Manifest, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """True labels of ``rows``: int32 (rows,), or (rows, traits) in a traits task."""
    labels = manifest.traits() if manifest.has_traits else manifest.labels()
    return labels[rows].astype(np.int32)


def given_columns(
    manifest: Manifest,
    rows: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.integer[Any]],
) -> dict[str, npt.NDArray[Any]]:
    """Columns of the predictions that the manifest gives, not the protocol, so that a metric needs
    nothing but the predictions.

    ``group``, strings, where the task has groups; ``cluster``, strings, where the layout has
    clusters; ``true_poisonous`` and ``predicted_poisonous``, bool, where the data set lists
    poisonous classes.

    Args:
        manifest: The rows.
        rows: Rows that are predicted.
        predicted: Label ids of ``rows``.
    """
    columns: dict[str, npt.NDArray[Any]] = {}
    if manifest.grouped:
        columns["group"] = np.array([manifest.rows[i].group for i in rows], dtype=np.str_)
    if manifest.clustered:
        columns["cluster"] = np.array([manifest.rows[i].cluster for i in rows], dtype=np.str_)
    if manifest.poisonous is not None:
        columns["true_poisonous"] = np.isin(manifest.labels()[rows], manifest.poisonous)
        columns["predicted_poisonous"] = np.isin(predicted, manifest.poisonous)
    return columns
