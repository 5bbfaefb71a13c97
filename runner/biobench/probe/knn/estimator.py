"""k nearest neighbours, exact (SPEC.md, section "Nearest neighbours").

In: features of a gallery with labels, and of queries. Out: labels and neighbours, ordered by
(float64 squared distance, gallery row); FAISS, where it is installed, only proposes candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import one_of, whole_number
from biobench._common.distinct import distinct
from biobench._common.ordered_sums import FloatMatrix, row_sums
from biobench.probe.constants import read_constants
from biobench.probe.errors import ItemsError
from biobench.probe.estimator import Classifier
from biobench.probe.knn.distance import listed_distances, squared_distances
from biobench.probe.labels import checked_labels
from biobench.probe.rows import unit_rows

FIXED: Mapping[str, Any] = {
    "distance": "squared-euclidean",
    "precision": "float64",
    "vote": "uniform",
    "vote_tie": "smallest-id",
    "neighbour_tie": "manifest-row",
    "exclude_self": True,
}
"""Constants of the protocol that this probe embodies."""
FREE: Mapping[str, Any] = {
    "k": 1,
    "normalise": "l2",
    "listed_neighbours": 5,
    "candidate_margin": 32,
}
"""Constants that the protocol document sets, with their official values."""
_QUERY_BLOCK = 32


class KNNProbe(Classifier):
    """Nearest-neighbour classifier with uniform votes; a tie goes to the smallest label.

    Args:
        k: Number of neighbours that vote.
        normalise: ``l2`` divides each row by its norm in float64, ``none`` leaves rows as they are.
        candidate_margin: Number of proposals beyond k that FAISS is first asked for; it changes the
            speed and never the result. Without FAISS every distance is computed exactly.

    Raises:
        ArgumentError: An argument has a value that is not allowed.
    """

    _learned = "_gallery"

    def __init__(self, *, k: int = 1, normalise: str = "l2", candidate_margin: int = 32) -> None:
        self.k = k
        self.normalise = normalise
        self.candidate_margin = candidate_margin
        self._check()

    def _check(self) -> None:
        whole_number("k", self.k, 1)
        checked_normalisation(self.normalise)
        whole_number("candidate_margin", self.candidate_margin, 0)

    @classmethod
    def from_protocol(cls, constants: Mapping[str, Any]) -> Self:
        """Make the probe of a protocol document.

        Raises:
            SpecError: The document does not fit the probe.
        """
        values = read_constants(constants, protocol="knn", fixed=FIXED, free=FREE)
        del values["listed_neighbours"]
        return cls(**values)

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Store the gallery.

        Args:
            X: Features, real (rows, features).
            y: Labels of any sortable type (rows,).

        Returns:
            The estimator.

        Raises:
            ItemsError: There are fewer rows than k.
            FeaturesError: A row is not finite, beyond 1e150 or, with ``l2``, all zero.
            ArgumentError: X and y have other shapes or types.
        """
        matrix = self._to_learn(X)
        labels = checked_labels(y, len(matrix))
        self._enough(len(matrix))
        self.classes_, self._labels = distinct(labels)
        gallery = scaled_rows(matrix, self.normalise)
        self._largest_norm = float(np.sqrt(row_sums(gallery * gallery).max()))
        self._index: Any = None
        self._gallery = gallery
        return self

    def _enough(self, rows: int) -> None:
        if rows < self.k:
            raise ItemsError(
                f"{rows} items cannot give {self.k} neighbours",
                remedy="add items or take a smaller k",
            )

    def kneighbors(
        self,
        X: npt.ArrayLike,
    ) -> tuple[FloatMatrix, npt.NDArray[np.int64]]:
        """Find the k nearest gallery rows of each query.

        Args:
            X: Features, real (q, features).

        Returns:
            Squared distances, float64 (q, k), and gallery rows, int64 (q, k), nearest first.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        queries = scaled_rows(self._to_predict(X), self.normalise)
        self._enough(len(self._gallery))
        distances = np.empty((len(queries), self.k))
        rows = np.empty((len(queries), self.k), np.int64)
        open_queries = np.arange(len(queries))
        count = self.k + self.candidate_margin
        proposals = find_spec("faiss") is not None
        while proposals and open_queries.size and count < len(self._gallery):
            settled, near, found = self._search(queries[open_queries], count)
            distances[open_queries[settled]] = near[settled]
            rows[open_queries[settled]] = found[settled]
            open_queries = open_queries[~settled]
            count *= 4
        for start in range(0, open_queries.size, _QUERY_BLOCK):
            block = open_queries[start : start + _QUERY_BLOCK]
            exact = squared_distances(queries[block], self._gallery)
            order = np.argsort(exact, axis=1, kind="stable")[:, : self.k]
            rows[block] = order
            distances[block] = np.take_along_axis(exact, order, axis=1)
        return distances, rows

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Predict the label of each query, shape (q,), of the type of ``y``.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        _, rows = self.kneighbors(X)
        labels: npt.NDArray[Any] = self.classes_[votes(self._labels[rows])]
        return labels

    def _search(
        self, queries: FloatMatrix, count: int
    ) -> tuple[npt.NDArray[np.bool_], FloatMatrix, npt.NDArray[np.int64]]:
        """Mask of queries that ``count`` proposals settle, with their k distances and rows.

        The bound. Let u = 2^-24 be float32's unit roundoff, d the number of features, s the norm of
        the query plus the largest norm of the gallery, D the squared distance and F what FAISS
        returns. Rounding both rows to float32 moves the distance by at most u s, hence D by at most
        2 (1 + u) u s^2. FAISS computes either the sum of (x - y)^2 or |x|^2 + |y|^2 - 2 x.y, in any
        order and with or without fused operations: at most d + 3 roundings on terms whose absolute
        values add up to at most s^2 (1 + u)^2, hence an error below g s^2 (1 + u)^2 with
        g = (d + 3) u / (1 - (d + 3) u) (Higham, Accuracy and Stability, section 3.1). The float64
        distance differs from D by less than u s^2. For d < 80,000 together |F - D| is below
        1.01 (d + 7) u s^2; products below float32's normal range add at most (d + 7) 2^-120.
        A row that was not proposed has F at least the largest F proposed, so where the k-th exact
        distance is smaller than that minus the bound, no other row can enter.
        """
        import faiss

        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            with np.errstate(over="ignore"):
                if self._index is None:
                    self._index = faiss.IndexFlatL2(self._gallery.shape[1])
                    self._index.add(self._gallery.astype(np.float32))
                proposed, rows = self._index.search(queries.astype(np.float32), count)
        finally:
            faiss.omp_set_num_threads(threads)
        d = queries.shape[1]
        usable = np.isfinite(proposed).all(axis=1) & (rows >= 0).all(axis=1) & (d < 80_000)
        rows = np.sort(np.where(usable[:, None], rows, 0), axis=1)
        exact = listed_distances(queries, self._gallery, rows)
        order = np.argsort(exact, axis=1, kind="stable")[:, : self.k]
        near = np.take_along_axis(exact, order, axis=1)
        scale = np.sqrt(row_sums(queries * queries)) + self._largest_norm
        bound = 1.01 * (d + 7) * 2.0**-24 * scale**2 + (d + 7) * 2.0**-120
        with np.errstate(invalid="ignore"):
            settled = usable & (near[:, -1] < proposed.max(axis=1).astype(np.float64) - bound)
        return settled, near, np.take_along_axis(rows, order, axis=1)


def checked_normalisation(name: str) -> str:
    """Return ``l2`` or ``none``.

    Raises:
        ArgumentError: The value is another one.
    """
    one_of("normalise", name, ("l2", "none"))
    return name


def scaled_rows(matrix: npt.NDArray[Any], normalise: str, name: str = "X") -> FloatMatrix:
    """Rows as the distance uses them: float64, divided by their norm for ``l2``."""
    return unit_rows(matrix, name) if normalise == "l2" else matrix.astype(np.float64)


def votes(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The most frequent id of each row of ids (q, k), int64 (q,); a tie goes to the smallest id."""
    if labels.shape[1] == 1:
        return labels[:, 0].copy()
    ordered = np.sort(labels, axis=1)
    counts = (ordered[:, :, None] == ordered[:, None, :]).sum(axis=2)
    best: npt.NDArray[np.int64] = ordered[np.arange(len(ordered)), counts.argmax(axis=1)]
    return best
