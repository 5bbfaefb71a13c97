"""Nearest class mean, and rejection by distance (SPEC.md, "Nearest centroid with rejection").

In: features and label ids. Out: label ids, or -1 for a row that is far from every class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import function, real_number, whole_number
from biobench._common.distinct import distinct
from biobench._common.ordered_sums import FloatMatrix, row_sums
from biobench.probe.constants import read_constants
from biobench.probe.errors import ItemsError
from biobench.probe.estimator import Classifier
from biobench.probe.labels import checked_ids
from biobench.probe.nearest_centroid.covariance import within_class_covariance
from biobench.probe.nearest_centroid.nearest import nearest
from biobench.probe.nearest_centroid.triangular import Mapper, NotPositiveDefinite, cholesky, whiten
from biobench.probe.rows import finite_decisions

FIXED: Mapping[str, Any] = {
    "precision": "float64",
    "centring": "train-mean",
    "centred_norm": "l2",
    "centroid": "class-mean",
    "distance": "squared-euclidean",
    "tie": "smallest-id",
    "rejection": "mahalanobis",
    "class_scale": "population-deviation",
    "shrinkage": "ledoit-wolf",
    "pooling": "class-share",
    "factorisation": "cholesky",
    "percentile_rule": "linear",
    "unknown_label": -1,
}
"""Constants of the protocol that this probe embodies."""
FREE: Mapping[str, Any] = {"rejection_percentile": 95.0}
"""Constants that the protocol document sets, with their official values."""
UNKNOWN = -1
_BLOCK_ROWS = 1024

Progress = Callable[[int], None]


class CentroidProbe(Classifier):
    """Nearest-centroid classifier with rejection; a tie goes to the smallest label.

    Args:
        rejection_percentile: Share of the training rows, in percent, whose distance is not
            rejected.
        threads: Workers over fixed parts; the result does not depend on it.
        progress: Called with each number of rows done, of which ``fit`` does each twice and
            ``predict`` once.

    Raises:
        ArgumentError: An argument has a value that is not allowed.
    """

    _learned = "factor_"

    def __init__(
        self,
        *,
        rejection_percentile: float = 95.0,
        threads: int = 1,
        progress: Progress | None = None,
    ) -> None:
        self.rejection_percentile = rejection_percentile
        self.threads = threads
        self.progress = progress
        self._check()

    def _check(self) -> None:
        real_number("rejection_percentile", self.rejection_percentile, least=0, most=100)
        whole_number("threads", self.threads, 1)
        function("progress", self.progress)

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
        values = read_constants(constants, protocol="nearest_centroid", fixed=FIXED, free=FREE)
        return cls(**values, threads=threads, progress=progress)

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Compute centroids, covariance and the threshold of rejection.

        Sets ``classes_`` (the ids that occur, ascending), ``mean_`` (d,), ``centroids_`` and
        ``means_`` (classes, d), ``covariance_`` (d, d), ``factor_`` (d, d, lower triangular) and
        ``threshold_``.

        Args:
            X: Features, real (rows, features).
            y: Label ids from 0 (rows,).

        Returns:
            The estimator.

        Raises:
            ArgumentError: X and y have other shapes or types, or labels are not ids.
            FeaturesError: A row is not finite or beyond 1e150.
            ItemsError: The rows are too few for a covariance that has an inverse.
        """
        matrix = self._to_learn(X)
        labels = checked_ids(y, len(matrix))
        self.classes_, numbers = distinct(labels)
        self.mean_ = _mean(matrix)
        self.centroids_ = self._centroids(matrix, numbers)
        with self._mapper() as mapper:
            self.means_, self.covariance_ = within_class_covariance(
                matrix, numbers, len(self.classes_), mapper=mapper, progress=self.progress
            )
        self.factor_ = _factor(self.covariance_, len(matrix), len(self.classes_))
        self._whitened = whiten(self.factor_, self.means_ - self.mean_)
        self.threshold_ = percentile(self.scores(matrix), self.rejection_percentile)
        return self

    def nearest_labels(self, X: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """The label whose centroid is nearest to each row, int64 (rows,), without rejection.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        matrix = self._to_predict(X)
        found = np.empty(len(matrix), np.int64)
        with self._mapper() as mapper:
            for start, centred in self._centred(matrix):
                numbers, _ = nearest(_unit_or_zero(centred), self.centroids_, mapper)
                found[start : start + len(numbers)] = numbers
        labels: npt.NDArray[np.int64] = self.classes_[found].astype(np.int64)
        return labels

    def scores(self, X: npt.ArrayLike) -> FloatMatrix:
        """Squared Mahalanobis distance of each row to the nearest class mean, float64 (rows,).

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        matrix = self._to_predict(X)
        values = np.empty(len(matrix))
        with self._mapper() as mapper, np.errstate(over="ignore", invalid="ignore"):
            for start, centred in self._centred(matrix):
                _, distances = nearest(
                    whiten(self.factor_, centred, mapper), self._whitened, mapper
                )
                values[start : start + len(distances)] = distances
                if self.progress is not None:
                    self.progress(len(distances))
        finite_decisions(values)
        return values

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """The label of each row, int64 (rows,); -1 where its score is above the threshold.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        labels = self.nearest_labels(X)
        labels[self.scores(X) > self.threshold_] = UNKNOWN
        return labels

    def _centred(self, matrix: npt.NDArray[Any]) -> Iterator[tuple[int, FloatMatrix]]:
        step = _BLOCK_ROWS * self.threads
        for start in range(0, len(matrix), step):
            yield start, matrix[start : start + step].astype(np.float64) - self.mean_

    def _centroids(self, matrix: npt.NDArray[Any], numbers: npt.NDArray[np.int64]) -> FloatMatrix:
        sums = np.zeros((len(self.classes_), matrix.shape[1]))
        for start, centred in self._centred(matrix):
            for number, row in zip(
                numbers[start : start + len(centred)], _unit_or_zero(centred), strict=True
            ):
                sums[number] += row
        return sums / np.bincount(numbers)[:, None]

    @contextmanager
    def _mapper(self) -> Iterator[Mapper]:
        if self.threads == 1:
            yield map
            return
        with ThreadPoolExecutor(self.threads) as pool:
            yield pool.map


def percentile(values: FloatMatrix, percent: float) -> float:
    """Percentile with linear interpolation: the operations and the bits of ``numpy.percentile``.

    Args:
        values: float64 (n,), n >= 1.
        percent: 0 to 100.
    """
    ordered = np.sort(values)
    place = (ordered.size - 1) * (percent / 100.0)
    low = int(place)
    part = place - low
    below, above = float(ordered[low]), float(ordered[min(low + 1, ordered.size - 1)])
    step = above - below
    return below + step * part if part < 0.5 else above - step * (1.0 - part)


def _mean(matrix: npt.NDArray[Any]) -> FloatMatrix:
    total = np.zeros(matrix.shape[1])
    for start in range(0, len(matrix), _BLOCK_ROWS):
        for row in matrix[start : start + _BLOCK_ROWS].astype(np.float64):
            total += row
    return total / len(matrix)


def _unit_or_zero(centred: FloatMatrix) -> FloatMatrix:
    """Rows divided by their norm; a row of norm 0 is kept, since it has no direction."""
    norms = np.sqrt(row_sums(centred * centred))
    norms[norms == 0] = 1.0
    return centred / norms[:, None]


def _factor(covariance: FloatMatrix, rows: int, classes: int) -> FloatMatrix:
    try:
        return cholesky(covariance)
    except NotPositiveDefinite as error:
        raise ItemsError(
            f"the covariance of {rows} training items in {classes} classes has no inverse "
            f"(feature {error.pivot})",
            remedy="give each class more training items than two",
        ) from None
