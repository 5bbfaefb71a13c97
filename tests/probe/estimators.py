"""One estimator of each kind, and data that all of them can learn from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from biobench.errors import BiobenchError
from biobench.probe import (
    CentroidProbe,
    KNNProbe,
    LinearProbe,
    LogisticProbe,
    SVMProbe,
    TraitsProbe,
)

MAKE: dict[str, Callable[[], Any]] = {
    "centroid": CentroidProbe,
    "knn": lambda: KNNProbe(k=3),
    "linear": lambda: LinearProbe(steps=40, learning_rate=0.05),
    "logistic": lambda: LogisticProbe([0.1, 1.0], folds=3),
    "svm": SVMProbe,
    "traits": lambda: TraitsProbe(steps=8, hidden=5, learning_rate=0.05),
}
LABELLED = [name for name in MAKE if name != "traits"]
NAMED = [name for name in LABELLED if name != "centroid"]
ROWS, FEATURES = 36, 4


def data(name: str, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 of clusters that touch, and label ids, or a trait for each class."""
    rng = np.random.default_rng(6)
    ids = np.arange(ROWS) % classes
    matrix = rng.normal(size=(classes, FEATURES))[ids] + rng.normal(size=(ROWS, FEATURES))
    return matrix.astype(np.float32), np.eye(classes, dtype=int)[ids] if name == "traits" else ids


def refused(call: Callable[[], object], *kinds: type[Exception]) -> str:
    """The one line with which the call is refused, by the package's error that is a ValueError."""
    with pytest.raises(ValueError, match=r"\A.+; .+\Z") as caught:
        call()
    assert isinstance(caught.value, BiobenchError)
    assert isinstance(caught.value, kinds or BiobenchError)
    return str(caught.value)


def changed(matrix: np.ndarray, value: float) -> np.ndarray:
    result = matrix.astype(np.float64)
    result[2, 1] = value
    return result
