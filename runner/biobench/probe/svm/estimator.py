"""Linear support vector machine on centred unit rows (SPEC.md, section "Support vector machine").

In: frozen features and labels. Out: labels, by the votes of one machine for each pair of classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import one_of, real_number
from biobench._common.distinct import distinct
from biobench._common.ordered_sums import FloatMatrix, column_sums
from biobench.errors import SpecError, UsageError
from biobench.probe.constants import read_constants
from biobench.probe.errors import FeaturesError
from biobench.probe.estimator import Classifier
from biobench.probe.labels import checked_labels
from biobench.probe.minimum_items import two_classes
from biobench.probe.rows import unit_rows
from biobench.probe.svm.hinge import HingeFit, minimise, products

FIXED: Mapping[str, Any] = {
    "normalise": "l2",
    "centre": "train-mean",
    "normalise_centred": "l2",
    "kernel": "linear",
    "loss": "hinge",
    "class_weight": "none",
    "penalise_intercept": False,
    "intercept": "midpoint",
    "multi_class": "one-versus-one",
    "vote_tie": "smallest-id",
    "groups": "fit-each",
    "precision": "float64",
}
"""Constants of the protocol that this probe embodies."""
FREE: Mapping[str, Any] = {
    "C": 1.0,
    "violation_tolerance": 1e-9,
    "decision_tie": "smallest-id",
}
"""Constants that the protocol document sets, with their official values."""

DecisionTie = Literal["smallest-id", "largest-id"]


class CentredRowError(FeaturesError):
    """A row has no direction once the train mean is subtracted; ``row`` is its number."""

    def __init__(self, row: int, where: str) -> None:
        self.row = row
        super().__init__(
            "the features have the direction of the train mean, and nothing is left once it is "
            "taken away",
            where=where,
            remedy="check that the model tells its items apart",
        )


class SVMProbe(Classifier):
    """Linear support vector machine with hinge loss, as libsvm defines it, at its optimum.

    The same bits on every processor (SPEC.md, section "Support vector machine").

    Each row is divided by its norm, the train mean is subtracted, and it is divided by its norm
    again.

    Args:
        C: Weight of the losses.
        violation_tolerance: Largest violation of the dual at a fit.
        decision_tie: Class of a pair that a decision value of 0 votes for, ``smallest-id`` or
            ``largest-id``.

    Raises:
        ArgumentError: An argument has a value that is not allowed.
    """

    _learned = "coef_"

    def __init__(
        self,
        C: float = 1.0,
        *,
        violation_tolerance: float = 1e-9,
        decision_tie: DecisionTie = "smallest-id",
    ) -> None:
        self.C = C
        self.violation_tolerance = violation_tolerance
        self.decision_tie = decision_tie
        self._check()

    def _check(self) -> None:
        real_number("C", self.C, above=0)
        real_number("violation_tolerance", self.violation_tolerance, above=0)
        one_of("decision_tie", self.decision_tie, get_args(DecisionTie))

    @classmethod
    def from_protocol(cls, constants: Mapping[str, Any]) -> Self:
        """Make the probe of a protocol document.

        Raises:
            SpecError: The document does not fit the probe.
        """
        values = read_constants(constants, protocol="svm", fixed=FIXED, free=FREE)
        try:
            return cls(**values)
        except UsageError as error:
            raise SpecError(error.what, where="protocol svm", remedy=error.remedy) from None

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Fit one machine for each pair of classes.

        Sets ``classes_``, ``mean_`` float64 (features,), ``coef_`` (pairs, features) and
        ``intercept_`` (pairs,), pairs in the order (0, 1), (0, 2), ..., (1, 2), ...

        Args:
            X: Features, real (rows, features).
            y: Labels of any sortable type (rows,).

        Returns:
            The estimator.

        Raises:
            ItemsError: All rows are of one class.
            FeaturesError: A row is not finite, beyond 1e150, all zero, or all zero once centred.
            ArgumentError: X and y have other shapes or types.
            BiobenchError: A machine does not reach the tolerance.
        """
        matrix = self._to_learn(X)
        self.classes_, ids = distinct(checked_labels(y, len(matrix)))
        two_classes(ids, "a support vector machine")
        self.mean_, rows = centre(matrix)
        fits = [
            self._pair(rows, ids, one, other)
            for one, other in combinations(range(len(self.classes_)), 2)
        ]
        self.intercept_ = np.array([fit.intercept for fit in fits])
        self.violation_ = max(fit.violation for fit in fits)
        self.coef_ = np.array([fit.weight for fit in fits])
        return self

    def _pair(self, rows: FloatMatrix, ids: npt.NDArray[np.intp], one: int, other: int) -> HingeFit:
        chosen = (ids == one) | (ids == other)
        signs = np.where(ids[chosen] == other, 1.0, -1.0)
        return minimise(rows[chosen], signs, self.C, self.violation_tolerance)

    def pair_decisions(self, X: npt.ArrayLike) -> FloatMatrix:
        """Decision values, float64 (rows, pairs): above 0 for the later class of the pair.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        rows = centred_rows(self._to_predict(X), self.mean_)
        values: FloatMatrix = products(rows, self.coef_) + self.intercept_
        return values

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The class with the most votes for each row, shape (rows,); a tie goes to the smallest.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        chosen = vote(self.pair_decisions(X), len(self.classes_), self.decision_tie)
        labels: npt.NDArray[Any] = self.classes_[chosen]
        return labels


def centre(matrix: npt.NDArray[Any]) -> tuple[FloatMatrix, FloatMatrix]:
    """The mean of train rows of length one, float64 (features,), and these rows as machines take
    them; errors as :func:`centred_rows`."""
    units = unit_rows(matrix)
    mean = column_sums(units) / len(units)
    return mean, _centred(units, mean)


def centred_rows(matrix: npt.NDArray[Any], mean: FloatMatrix) -> FloatMatrix:
    """Rows of length one, minus ``mean``, of length one again; float64.

    Raises:
        FeaturesError: A row is all zero.
        CentredRowError: A row is the mean; names the first.
    """
    return _centred(unit_rows(matrix), mean)


def _centred(units: FloatMatrix, mean: FloatMatrix) -> FloatMatrix:
    centred = units - mean
    zero = ~centred.any(axis=1)
    if zero.any():
        row = int(np.argmax(zero))
        raise CentredRowError(row, f"X row {row}")
    return unit_rows(centred)


def vote(decisions: FloatMatrix, classes: int, tie: DecisionTie) -> npt.NDArray[np.int64]:
    """The class number with the most votes of each row, int64 (rows,); of equal votes the first
    class.

    Args:
        decisions: float64 (rows, pairs), pairs (0, 1), (0, 2), ..., (1, 2), ...; above 0 is a vote
            for the later class of the pair, below 0 for the earlier.
        classes: Number of classes.
        tie: Class that a decision of 0 votes for.
    """
    votes = np.zeros((len(decisions), classes), np.int64)
    for pair, (one, other) in enumerate(combinations(range(classes), 2)):
        value = decisions[:, pair]
        later = value > 0 if tie == "smallest-id" else value >= 0
        votes[:, other] += later
        votes[:, one] += ~later
    winners: npt.NDArray[np.int64] = votes.argmax(axis=1).astype(np.int64)
    return winners
