"""Logistic regression with C chosen by cross-validation (SPEC.md, section "Logistic regression").

In: frozen features and labels. Out: labels. Each fit scales the features, weighs the classes, and
is an optimum to a stated tolerance, in exact arithmetic: the bits are the same on any processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import Any, Self, get_args

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import function, one_of, real_number, whole_number
from biobench._common.distinct import distinct
from biobench._common.ordered_sums import FloatMatrix
from biobench._common.text import short
from biobench._native import SoftmaxRegression
from biobench.errors import ArgumentError, SpecError, UsageError
from biobench.probe.constants import read_constants
from biobench.probe.estimator import Classifier
from biobench.probe.labels import checked_labels
from biobench.probe.logistic_regression.scaling import fit_scaling
from biobench.probe.logistic_regression.search import (
    ScoreClasses,
    Tie,
    choose,
    fold_numbers,
    fold_score,
)
from biobench.probe.logistic_regression.search_state import SearchState
from biobench.probe.logistic_regression.softmax import (
    PATH,
    SoftmaxFit,
    decisions,
    extrapolated,
    minimise,
    regression,
)
from biobench.probe.minimum_items import two_classes, two_classes_without
from biobench.probe.rows import finite_decisions

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
_COUNTING = Lock()


class LogisticProbe(Classifier):
    """Multinomial logistic regression on standardised features, classes weighted equally.

    With three classes or more C is that of scikit-learn's
    ``LogisticRegression(class_weight="balanced")`` on standardised features. With two classes
    scikit-learn fits one weight vector v through a sigmoid, this probe two through a softmax: -v/2
    and v/2, whose squares add up to half of v's. So the probe with C is scikit-learn's with 2 C; v
    is ``coef_[1] - coef_[0]``, and scikit-learn's intercept ``intercept_[1] - intercept_[0]``.

    Args:
        candidates: Values of C, of which cross-validation takes one; None takes the 30 of the
            specification. A single one is taken as it is, without folds.
        folds: Number of folds of the cross-validation.
        gradient_tolerance: Largest absolute component of the mean objective's gradient at a fit.
        search_score_classes: Classes that a fold's macro-F1 is averaged over, ``truth`` or
            ``truth-or-prediction``.
        search_tie: Which of equally good candidates is taken, ``smallest`` or ``first``.
        threads: Folds fitted at a time; the result does not depend on it.
        progress: Called with the number of further fits done.

    Raises:
        ArgumentError: An argument has a value that is not allowed.
    """

    _learned = "coef_"

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
        self.candidates = _specified() if candidates is None else candidates
        self.folds = folds
        self.gradient_tolerance = gradient_tolerance
        self.search_score_classes = search_score_classes
        self.search_tie = search_tie
        self.threads = threads
        self.progress = progress
        self._check()

    def _check(self) -> None:
        self._strengths()
        whole_number("folds", self.folds, 2)
        real_number("gradient_tolerance", self.gradient_tolerance, above=0)
        one_of("search_score_classes", self.search_score_classes, get_args(ScoreClasses))
        one_of("search_tie", self.search_tie, get_args(Tie))
        whole_number("threads", self.threads, 1)
        function("progress", self.progress)

    def _strengths(self) -> list[float]:
        """The candidates as floats."""
        try:
            values = list(self.candidates)
        except TypeError:
            values = []
        if not values or isinstance(self.candidates, str):
            raise ArgumentError(
                f"candidates is {short(self.candidates)}",
                remedy="give a list of one or more values of C, such as [1.0]",
            )
        for place, value in enumerate(values):
            real_number(f"candidates[{place}]", value, above=0)
        return [float(value) for value in values]

    @classmethod
    def from_protocol(
        cls,
        constants: Mapping[str, Any],
        *,
        threads: int = 1,
        progress: Progress | None = None,
    ) -> Self:
        """Make the probe of a protocol document.

        Raises:
            SpecError: The document does not fit the probe.
        """
        values = read_constants(constants, protocol="logistic_regression", fixed=FIXED, free=FREE)
        try:
            return cls(**values, threads=threads, progress=progress)
        except UsageError as error:
            raise SpecError(
                error.what, where="protocol logistic_regression", remedy=error.remedy
            ) from None

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Choose C and fit.

        Sets ``C_``, ``scores_`` float64 (candidates, folds), ``classes_``, and of the fit on all
        rows ``coef_`` (classes, features), ``intercept_`` (classes,), ``mean_`` and ``deviation_``.

        Args:
            X: Features, real (rows, features).
            y: Labels of any sortable type (rows,).

        Returns:
            The estimator.

        Raises:
            ItemsError: All rows are of one class, no class has a row for each fold, or a fold
                leaves a single class.
            FeaturesError: A row is not finite or beyond 1e150.
            ArgumentError: X and y have other shapes or types.
            BiobenchError: A fit does not reach the tolerance.
        """
        matrix = self._to_learn(X)
        strengths = self._strengths()
        self.classes_, ids = distinct(checked_labels(y, len(matrix)))
        ids = ids.astype(np.int64)
        place = 0
        self.scores_ = np.empty((len(strengths), 0))
        if len(strengths) > 1:
            self.scores_ = self._search(matrix, ids, strengths)
            place = choose(strengths, self.scores_, self.search_tie)
        self.C_ = strengths[place]
        two_classes(ids, "logistic regression")
        self.scaling_ = fit_scaling(matrix)
        (path,) = self._walk(regression(self.scaling_.apply(matrix), ids), [self.C_], [])
        self._fit = path[-1][1]
        self.mean_, self.deviation_ = self.scaling_.mean, self.scaling_.deviation
        self.coef_, self.intercept_ = self._fit.weight, self._fit.intercept
        return self

    def decision_function(self, X: npt.ArrayLike) -> FloatMatrix:
        """Compute W z + b of each row, float64 (rows, classes), also of two classes.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        matrix = self._to_predict(X)
        with np.errstate(over="ignore", invalid="ignore"):
            rows = self.scaling_.apply(matrix)
        values = decisions(rows, self._fit)
        finite_decisions(values)
        return values

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The label of the largest decision value, shape (rows,); a tie goes to the smallest.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        largest = decide(self.decision_function(X))
        labels: npt.NDArray[Any] = self.classes_[largest]
        return labels

    def _search(
        self, matrix: npt.NDArray[Any], ids: npt.NDArray[np.int64], strengths: Sequence[float]
    ) -> FloatMatrix:
        """Score of each candidate in each fold, float64 (candidates, folds)."""
        folds = fold_numbers(ids, self.folds)
        order = sorted(range(len(strengths)), key=lambda i: strengths[i])
        ascending = [strengths[i] for i in order]
        state = SearchState(self.folds, len(strengths), self.checkpoint)
        stopping = Event()
        running: list[SoftmaxRegression] = []

        def one_fold(fold: int) -> None:
            held = folds == fold
            local, train_ids = distinct(ids[~held])
            two_classes_without(fold, train_ids)
            known, earlier = state.begin(fold, len(local), matrix.shape[1])
            if known == len(ascending):
                return
            scaling = fit_scaling(matrix[~held])
            problem = regression(scaling.apply(matrix[~held]), train_ids)
            running.append(problem)
            if stopping.is_set():
                return
            rows, truth = scaling.apply(matrix[held]), ids[held]
            for path in self._walk(problem, ascending[known:], earlier):
                predicted = local[decide(decisions(rows, path[-1][1]))]
                state.add(fold, fold_score(truth, predicted, self.search_score_classes), path)
                if stopping.is_set():
                    return

        with ThreadPoolExecutor(min(self.threads, self.folds)) as pool:
            try:
                for _ in pool.map(one_fold, range(self.folds)):
                    pass
            except BaseException as error:
                stopping.set()
                for problem in running:
                    problem.stop()
                if not isinstance(error, Exception):
                    state.save()
                raise
        scores = np.empty((len(strengths), self.folds))
        scores[order] = state.scores.T
        return scores

    def _walk(
        self,
        problem: SoftmaxRegression,
        ascending: Sequence[float],
        path: Sequence[tuple[float, SoftmaxFit]],
    ) -> Iterator[list[tuple[float, SoftmaxFit]]]:
        """For each C the fits up to its own; each fit starts where those before point to. Ends
        early where ``problem`` is stopped.

        Args:
            problem: Scaled rows.
            ascending: Values of C.
            path: Fits of smaller values of C.
        """
        path = list(path)
        for strength in ascending:
            if not path or path[-1][0] != strength:
                fit = minimise(
                    problem, strength, self.gradient_tolerance, extrapolated(path, strength)
                )
                if fit is None:
                    return
                path = [*path[-PATH:], (strength, fit)]
            yield path
            if self.progress is not None:
                with _COUNTING:
                    self.progress(1)


def decide(decisions: FloatMatrix) -> npt.NDArray[np.int64]:
    """The class number of the largest decision value of each row, the smallest of equal ones."""
    largest: npt.NDArray[np.int64] = decisions.argmax(axis=1)
    return largest


def _specified() -> list[float]:
    from biobench.spec.load import load_spec

    document = load_spec().library.by_id["protocol"]["logistic_regression"]
    return [float(c) for c in document.value["constants"]["candidates"]]
