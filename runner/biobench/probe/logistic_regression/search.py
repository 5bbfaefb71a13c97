"""Choosing C by cross-validation (SPEC.md, section "Logistic regression").

In: labels, or scores of candidates in folds. Out: the fold of each row, the score of a fold's
predictions, and the candidate that is taken. How a candidate is fitted is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from biobench._common.ordered_sums import FloatMatrix, row_sums
from biobench.probe.errors import ItemsError

ScoreClasses = Literal["truth", "truth-or-prediction"]
Tie = Literal["smallest", "first"]


def fold_numbers(ids: npt.NDArray[np.int64], folds: int) -> npt.NDArray[np.int64]:
    """Fold of each row, int64 (n,): scikit-learn's StratifiedKFold without shuffling.

    With the rows sorted by class, classes by their first row, the places are dealt to the folds in
    turn, which decides how many rows of a class a fold gets; a class's rows then go to its folds in
    their own order.

    Args:
        ids: Class ids (n,).
        folds: Number of folds.

    Raises:
        ItemsError: No class has ``folds`` rows.
    """
    _, firsts, numbers, sizes = np.unique(
        ids, return_index=True, return_inverse=True, return_counts=True
    )
    if int(sizes.max()) < folds:
        raise ItemsError(
            f"no class has the {folds} training items that {folds} folds need",
            remedy=f"take at least {folds} training items of a class; a task of your own may have "
            "the protocol linear_probe_short, which has no folds (with --images: --protocol)",
        )
    result = np.empty(len(ids), np.int64)
    before = 0
    for number in np.argsort(firsts):
        size = int(sizes[number])
        counts = np.bincount(np.arange(before, before + size) % folds, minlength=folds)
        result[numbers == number] = np.repeat(np.arange(folds), counts)
        before += size
    return result


def fold_score(
    truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: ScoreClasses
) -> float:
    """Macro-F1 of predictions, over the classes in ``truth`` or in either array.

    F1 of a class is 2 hits / (true + predicted), one division of integers; the mean is taken in
    ascending id from left to right.

    Args:
        truth: Label ids, int64 (n,).
        predicted: Label ids, int64 (n,).
        classes: ``truth``, or ``truth-or-prediction`` for those in either array.
    """
    size = int(max(truth.max(), predicted.max())) + 1
    hits = np.bincount(truth[truth == predicted], minlength=size)
    n_true = np.bincount(truth, minlength=size)
    total = n_true + np.bincount(predicted, minlength=size)
    counted = n_true > 0 if classes == "truth" else total > 0
    return mean_score(2 * hits[counted] / total[counted])


def mean_score(scores: FloatMatrix) -> float:
    """Mean of scores (n,): summed from left to right, divided once."""
    return float(row_sums(np.array(scores, np.float64)) / len(scores))


def choose(candidates: Sequence[float], scores: FloatMatrix, tie: Tie) -> int:
    """Position in ``candidates`` of the one with the best mean score.

    Args:
        candidates: Values of C.
        scores: float64 (candidates, folds).
        tie: Of equal means, the ``smallest`` candidate is taken, or the ``first`` of the list.
    """
    return ranking(candidates, scores, tie)[0]


def ranking(candidates: Sequence[float], scores: FloatMatrix, tie: Tie) -> list[int]:
    """Positions of all candidates, best first, ties as in :func:`choose`."""
    means = [mean_score(row) for row in scores]
    return sorted(
        range(len(candidates)),
        key=lambda i: (-means[i], candidates[i] if tie == "smallest" else i),
    )
