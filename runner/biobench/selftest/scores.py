"""Predictions to scores and intervals, by each task's metrics (SPEC.md, "Metrics", "Intervals").

In: generated predictions for one task of each kind of metric. Out: scores, intervals and influences
of clusters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.data.predictions import Predictions
from biobench.selftest.inputs import SEED
from biobench.selftest.part import Conditions, Measured, SelftestPart
from biobench.spec.canonical import sha256_bytes, sha256_json
from biobench.spec.generator import Stream

TASKS = {
    "macro_f1": "beluga",
    "traits_f1": "fishnet",
    "user_loss": "fungiclef",
    "group_accuracy": "newt",
}
"""Metric -> a task that has it first; beluga also has those of a ranking."""
ITEMS, CLASSES, TRAITS, GROUPS, CLUSTERS, GALLERY = 240, 12, 9, 6, 20, 400


def _draw(name: str, bound: int, count: int = ITEMS) -> npt.NDArray[np.int64]:
    return Stream(SEED, f"selftest/{name}").integers(bound, count)


def predictions(metric: str) -> Predictions:
    """Truth, predictions of which most are right, and the columns that the task's metrics need."""
    traits = metric == "traits_f1"
    shape = (ITEMS, TRAITS) if traits else (ITEMS,)
    count, bound = int(np.prod(shape)), 2 if traits else CLASSES
    # -1 is the unknown class, which only this metric knows.
    lowest = -1 if metric == "user_loss" else 0
    truth = _draw(f"{metric}/truth", bound, count) + lowest
    other = _draw(f"{metric}/other", bound, count) + lowest
    right = _draw(f"{metric}/right", 3, count) > 0
    predicted = np.where(right, truth, other)
    clusters = _draw(f"{metric}/cluster", CLUSTERS)
    return Predictions(
        ids=tuple(f"{i:03d}" for i in range(ITEMS)),
        y_true=truth.reshape(shape).astype(np.int32),
        y_pred=predicted.reshape(shape).astype(np.int32),
        extras={
            **_columns(metric, truth, predicted),
            "cluster": np.array([f"cluster {number}" for number in clusters], dtype=np.str_),
        },
    )


def _columns(
    metric: str, truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[Any]]:
    if metric == "macro_f1":
        ranks = 1 + _draw(f"{metric}/rank", GALLERY)
        return {
            "first_hit": np.where(truth == predicted, 1, ranks).astype(np.int32),
            "average_precision": 1.0 / ranks,
        }
    if metric == "user_loss":
        poisonous = np.arange(0, CLASSES, 4)
        return {
            "true_poisonous": np.isin(truth, poisonous),
            "predicted_poisonous": np.isin(predicted, poisonous),
        }
    if metric == "group_accuracy":
        groups = _draw(f"{metric}/group", GROUPS)
        return {"group": np.array([f"group {number}" for number in groups], dtype=np.str_)}
    return {}


def _measure(metric: str) -> Measured:
    from biobench.metric.score import score_task
    from biobench.spec.load import load_spec

    spec = load_spec()
    score = score_task(spec.task(TASKS[metric]), spec.suites["biobench"], predictions(metric))
    jackknife = score.jackknife
    influence = b"" if jackknife is None else jackknife.influence.astype("<f8").tobytes()
    digest = sha256_json([score.document(), sha256_bytes(influence)])
    return Measured(digest, {"score": score.score})


def _part(metric: str) -> SelftestPart:
    def measure(conditions: Conditions) -> Measured:
        return _measure(metric)

    return SelftestPart("score", metric, "S", (), measure)


PARTS = tuple(_part(metric) for metric in TASKS)
