"""Logistic regression with C chosen by cross-validation (SPEC.md, section "Logistic regression").

In: frozen features and labels. Out: labels. Each fit scales the features, weighs the classes, and
is an optimum to a stated tolerance, so the solver decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, Self, get_args

import numpy as np
import numpy.typing as npt

from biobench.errors import DataError, SpecError, UsageError
from biobench.probe.blas import one_blas_thread
from biobench.probe.constants import read_constants
from biobench.probe.rows import FloatMatrix, checked_features, checked_labels
from biobench.probe.scaling import Scaling, fit_scaling
from biobench.probe.search import ScoreClasses, Tie, choose, fold_numbers, fold_score
from biobench.probe.softmax import SoftmaxFit, SoftmaxObjective, extrapolated, minimise

FIXED: Mapping[str, Any] = {
    "scaling": "standard",
    "deviation": "population",
    "zero_deviation": 1.0,
    "class_weight": "balanced",
    "loss": "cross-entropy-mean",
    "penalty": "l2",
    "penalise_intercept": False,
    "fold_rule": "stratified-in-order",
    "search_score": "macro-f1",
    "refit": "all-rows",
    "precision": "float64",
    "tie": "smallest-id",
}
"""Constants of the protocol that this probe embodies."""
FREE: Mapping[str, Any] = {
    "gradient_tolerance": 1e-9,
    "folds": 5,
    "candidates": [],
    "search_score_classes": "truth",
    "search_tie": "smallest",
}
"""Constants that the protocol document sets, with their official values; the candidates are only
in the document."""

Progress = Callable[[int], None]


class LogisticProbe:
    """Multinomial logistic regression on standardised features, classes weighted equally.

    candidates: values of C, of which cross-validation takes one; None takes the 30 of the
    specification. A single one is taken as it is, without folds. gradient_tolerance: largest
    absolute component of the mean objective's gradient at a fit. search_score_classes: what a
    fold's macro-F1 is averaged over, ``truth`` or ``truth-or-prediction``. search_tie: which of
    equally good candidates is taken, ``smallest`` or ``first``. threads: folds fitted at a time;
    the result does not depend on it. progress: called with the number of further fits done.
    """

    def __init__(
        self,
        candidates: Sequence[float] | None = None,
        *,
        folds: int = 5,
        gradient_tolerance: float = 1e-9,
        search_score_classes: ScoreClasses = "truth",
        search_tie: Tie = "smallest",
        threads: int = 1,
        progress: Progress | None = None,
    ) -> None:
        self.candidates = _specified() if candidates is None else [float(c) for c in candidates]
        if not self.candidates or not all(0 < c < np.inf for c in self.candidates):
            raise UsageError(
                f"candidates are {self.candidates}", remedy="give one or more values of C above 0"
            )
        if folds < 2 or not gradient_tolerance > 0:
            raise UsageError(
                f"folds is {folds} and gradient_tolerance {gradient_tolerance}",
                remedy="take two folds or more and a tolerance above 0",
            )
        self.folds = folds
        self.gradient_tolerance = gradient_tolerance
        self.search_score_classes = _one_of(search_score_classes, ScoreClasses)
        self.search_tie = _one_of(search_tie, Tie)
        self.threads = threads
        self.progress = progress
        self._counting = Lock()

    @classmethod
    def from_protocol(
        cls,
        constants: Mapping[str, Any],
        *,
        threads: int = 1,
        progress: Progress | None = None,
    ) -> Self:
        """The probe that a protocol document describes; SpecError where it cannot be this one."""
        values = read_constants(constants, protocol="logistic_regression", fixed=FIXED, free=FREE)
        try:
            return cls(**values, threads=threads, progress=progress)
        except UsageError as error:
            raise SpecError(
                error.what, where="protocol logistic_regression", remedy=error.remedy
            ) from None

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Choose C and fit: X real (rows, features), y labels of any sortable type (rows,).

        Leaves ``C_``, ``scores_`` float64 (candidates, folds), ``classes_``, and of the fit on all
        rows ``coef_`` (classes, features), ``intercept_`` (classes,), ``mean_`` and ``deviation_``.
        Raises DataError where all rows are of one class, no class has a row for each fold or a fold
        leaves a single class; ModelError for a row that is not finite; BiobenchError for a fit that
        does not reach the tolerance.
        """
        matrix = checked_features(X)
        self.classes_, ids = np.unique(checked_labels(y, len(matrix)), return_inverse=True)
        ids = ids.astype(np.int64)
        with one_blas_thread():
            place = 0
            self.scores_ = np.empty((len(self.candidates), 0))
            if len(self.candidates) > 1:
                self.scores_ = self._search(matrix, ids)
                place = choose(self.candidates, self.scores_, self.search_tie)
            self.C_ = self.candidates[place]
            self.scaling_, fits = self._fits(matrix, ids, [self.C_])
            (self._fit,) = fits
        self.coef_, self.intercept_ = self._fit.weight, self._fit.intercept
        self.mean_, self.deviation_ = self.scaling_.mean, self.scaling_.deviation
        return self

    def decision_function(self, X: npt.ArrayLike) -> FloatMatrix:
        """W z + b of each row, float64 (rows, classes)."""
        matrix = checked_features(X)
        if matrix.shape[1] != self.coef_.shape[1]:
            raise UsageError(
                f"X has {matrix.shape[1]} features, the probe {self.coef_.shape[1]}",
                remedy="take both from one model",
            )
        with one_blas_thread():
            return _decision(self.scaling_.apply(matrix), self._fit)

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The label of the largest decision value, shape (rows,); a tie goes to the smallest."""
        labels: npt.NDArray[Any] = self.classes_[decide(self.decision_function(X))]
        return labels

    def _search(self, matrix: npt.NDArray[Any], ids: npt.NDArray[np.int64]) -> FloatMatrix:
        """Score of each candidate in each fold, float64 (candidates, folds)."""
        folds = fold_numbers(ids, self.folds)

        def one_fold(fold: int) -> list[float]:
            held = folds == fold
            local, train_ids = np.unique(ids[~held], return_inverse=True)
            if len(local) < 2:
                raise DataError(
                    f"without fold {fold} all training items are of one class",
                    remedy="take at least two training items of each class",
                )
            scaling, fits = self._fits(matrix[~held], train_ids, self.candidates)
            rows, truth = scaling.apply(matrix[held]), ids[held]
            return [
                fold_score(truth, local[decide(_decision(rows, fit))], self.search_score_classes)
                for fit in fits
            ]

        with ThreadPoolExecutor(max(1, min(self.threads, self.folds))) as pool:
            return np.array(list(pool.map(one_fold, range(self.folds)))).T

    def _fits(
        self, matrix: npt.NDArray[Any], ids: npt.NDArray[np.int64], candidates: Sequence[float]
    ) -> tuple[Scaling, list[SoftmaxFit]]:
        """The scaling of ``matrix`` and a fit for each candidate, in the candidates' order.

        ids: 0 to classes - 1, each occurring. From the smallest C upwards each fit starts where
        those before point to.
        """
        if ids.max() == 0:
            raise DataError(
                "the training items are all of one class",
                remedy="logistic regression needs two classes or more",
            )
        scaling = fit_scaling(matrix)
        objective = SoftmaxObjective(scaling.apply(matrix), ids)
        fits: dict[int, SoftmaxFit] = {}
        path: list[tuple[float, SoftmaxFit]] = []
        for place in sorted(range(len(candidates)), key=lambda i: candidates[i]):
            strength = candidates[place]
            if not path or path[-1][0] != strength:
                start = extrapolated(path, strength)
                path.append(
                    (strength, minimise(objective, strength, self.gradient_tolerance, start))
                )
            fits[place] = path[-1][1]
            if self.progress is not None:
                with self._counting:
                    self.progress(1)
        return scaling, [fits[i] for i in range(len(candidates))]


def decide(decisions: FloatMatrix) -> npt.NDArray[np.int64]:
    """The class number of the largest decision value of each row, the smallest of equal ones."""
    largest: npt.NDArray[np.int64] = decisions.argmax(axis=1)
    return largest


def _decision(rows: FloatMatrix, fit: SoftmaxFit) -> FloatMatrix:
    values: FloatMatrix = rows @ fit.weight.T + fit.intercept
    return values


def _one_of(value: Any, choices: Any) -> Any:
    if value not in get_args(choices):
        raise UsageError(
            f"unknown value {value!r}", remedy=f"take one of {', '.join(get_args(choices))}"
        )
    return value


def _specified() -> list[float]:
    from biobench.spec.load import load_spec

    document = load_spec().library.by_id["protocol"]["logistic_regression"]
    return [float(c) for c in document.value["constants"]["candidates"]]
