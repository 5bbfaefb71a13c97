"""The state of the search for C (SPEC.md, section "Logistic regression").

In: scores and fits as they are found, fold by fold. Out: the same in the next process: the scores
of a fold so far, and the last fits, from which the start of the next one follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.ordered_sums import FloatMatrix
from biobench.probe.checkpoint import Checkpoint
from biobench.probe.logistic_regression.softmax import PATH, SoftmaxFit

Path = list[tuple[float, SoftmaxFit]]
"""Values of C, ascending, with their fits."""


class SearchState:
    """Scores float64 (folds, candidates), the candidates in the order in which they are fitted.

    Every fold is worked on by one thread; several may be at work.
    """

    def __init__(self, folds: int, candidates: int, checkpoint: Checkpoint | None) -> None:
        self.scores: FloatMatrix = np.full((folds, candidates), np.nan)
        self._done = [0] * folds
        self._paths: list[Path] = [[] for _ in range(folds)]
        self._checkpoint = checkpoint
        self._loaded = None if checkpoint is None else checkpoint.load()
        self._lock = Lock()

    def begin(self, fold: int, classes: int, features: int) -> tuple[int, Path]:
        """Number of known candidates of a fold, and its last fits.

        Args:
            fold: The fold.
            classes: Number of classes of its train rows.
            features: Number of features of a row.
        """
        if self._loaded is None or self._checkpoint is None:
            return 0, []
        known = _of_fold(self._loaded, fold, self.scores.shape, (classes, features))
        if known is None:
            return 0, []
        count, scores, path = known
        with self._lock:
            self.scores[fold, :count] = scores
            self._done[fold], self._paths[fold] = count, path
            self._checkpoint.resume(count)
        return count, list(path)

    def add(self, fold: int, score: float, path: Path) -> None:
        """Record the score of a fold's next candidate; ``path``: the fits up to it."""
        with self._lock:
            self.scores[fold, self._done[fold]] = score
            self._done[fold] += 1
            self._paths[fold] = path[-PATH:]
            if self._checkpoint is not None and self._checkpoint.due():
                self._checkpoint.save(self._arrays())

    def save(self) -> None:
        """Save the state, where there is a checkpoint."""
        with self._lock:
            if self._checkpoint is not None and any(self._done):
                self._checkpoint.save(self._arrays())

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        arrays: dict[str, npt.NDArray[Any]] = {
            "scores": self.scores,
            "done": np.array(self._done, np.int64),
        }
        for fold, path in enumerate(self._paths):
            if path:
                arrays[f"strengths_{fold}"] = np.array([strength for strength, _ in path])
                arrays[f"weights_{fold}"] = np.array([fit.weight for _, fit in path])
                arrays[f"intercepts_{fold}"] = np.array([fit.intercept for _, fit in path])
        return arrays


def _of_fold(
    state: dict[str, npt.NDArray[Any]], fold: int, shape: Sequence[int], sizes: tuple[int, int]
) -> tuple[int, FloatMatrix, Path] | None:
    """The state of a fold: the number of known candidates, their scores, the last fits; None where
    the state is not of this search."""
    names = ("scores", "done", f"strengths_{fold}", f"weights_{fold}", f"intercepts_{fold}")
    if any(name not in state for name in names):
        return None
    scores, done, strengths, weights, intercepts = (state[name] for name in names)
    classes, features = sizes
    fits = (
        scores.shape == tuple(shape)
        and done.shape == (shape[0],)
        and strengths.ndim == 1
        and 0 < len(strengths) <= PATH
        and weights.shape == (len(strengths), classes, features)
        and intercepts.shape == (len(strengths), classes)
        and all(a.dtype == np.float64 for a in (scores, strengths, weights, intercepts))
    )
    count = int(done[fold]) if fits else 0
    if not 0 < count <= shape[1] or not np.isfinite(scores[fold, :count]).all():
        return None
    path = [
        (float(strength), SoftmaxFit(weight, intercept, np.nan))
        for strength, weight, intercept in zip(strengths, weights, intercepts, strict=True)
    ]
    return count, scores[fold, :count], path
