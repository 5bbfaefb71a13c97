"""Conditions of estimators on labels, which come back as they were, of any type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from estimators import LABELLED, MAKE, NAMED, data, refused

from biobench.errors import UsageError
from biobench.probe import (
    CentroidProbe,
    KNNProbe,
    LinearProbe,
)


def objects(y: np.ndarray, *values: Any) -> np.ndarray:
    result = y.astype(object)
    for place, value in enumerate(values):
        result[place] = value
    return result


BAD_Y: dict[str, Callable[[np.ndarray], Any]] = {
    "too few": lambda y: y[:-1],
    "too many": lambda y: np.concatenate([y, y]),
    "none": lambda y: [],
    "a number": lambda y: 1,
    "None": lambda y: None,
    "rows of unequal lengths": lambda y: [*y.tolist()[1:], [1, 0, 1, 1]],
    "NaN": lambda y: np.where(np.arange(len(y)) == 5, np.nan, y.T).T,
    "an infinity": lambda y: np.where(np.arange(len(y)) == 5, np.inf, y.T).T,
}
BAD_LABELS: dict[str, Callable[[np.ndarray], Any]] = {
    "a column": lambda y: y[:, None],
    "None among objects": lambda y: objects(y, None),
    "NaN among objects": lambda y: objects(y, np.nan),
    "NaN among words": lambda y: objects(y.astype("U"), np.nan),
    "an infinity among objects": lambda y: objects(y, np.inf),
    "words and numbers": lambda y: objects(y, "a"),
    "no time": lambda y: np.array(["NaT", *["2024-05-01"] * (len(y) - 1)], "M8[D]"),
}


@pytest.mark.parametrize(
    ("name", "flaw"),
    [(name, flaw) for name in MAKE for flaw in BAD_Y]
    + [(name, flaw) for name in LABELLED for flaw in BAD_LABELS],
)
def test_labels_that_are_none_are_refused(name: str, flaw: str) -> None:
    """A missing label is no class, and labels that cannot be compared have no order."""
    X, y = data(name)
    bad = (BAD_Y | BAD_LABELS)[flaw](y)
    assert refused(lambda: MAKE[name]().fit(X, bad), UsageError).startswith("y")


def test_labels_that_pandas_marks_as_missing_are_refused() -> None:
    """Its NA does not say whether it equals anything."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y = data("knn")
    series = pandas.Series(y, dtype="Int64")
    assert KNNProbe().fit(X, series).predict(X).tolist() == y.tolist()
    series[3] = pandas.NA
    assert "y[3]" in refused(lambda: KNNProbe().fit(X, series), UsageError)


@pytest.mark.parametrize("name", ["centroid", "linear"])
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([-1], r"y[0] is -1"),
        (np.array([2**63], np.uint64), f"y[0] is {2**63}"),
        (["a"], "type <U"),
        ([0.5], "type float64"),
        (np.array([1], object), "type object"),
    ],
)
def test_labels_that_are_no_ids_are_refused(name: str, labels: Any, message: str) -> None:
    """No id wraps around or is cut to an integer, wherever ids are asked for."""
    X, y = data(name)
    bad = np.concatenate([labels, y[1:].astype(np.asarray(labels).dtype)])
    probe = CentroidProbe() if name == "centroid" else LinearProbe(3, steps=1)
    assert message in refused(lambda: probe.fit(X, bad), UsageError)


def test_ids_of_any_integer_type_are_one() -> None:
    """The largest id of int64 is not yet too large, in any type that holds it."""
    X, y = data("centroid")
    top = 2**63 - 1
    for type in (np.int64, np.uint64):
        ids = np.where(y == 0, top, y).astype(type)
        assert set(CentroidProbe().fit(X, ids).nearest_labels(X).tolist()) == {1, 2, top}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize(
    "values",
    [
        ["wren", "adder", "mole"],
        np.array(["wren", "adder", "mole"], object),
        np.array([3, 1, 2], object),
        np.array([2**63 + 2, 2**63, 2**63 + 1], np.uint64),
        [0.5, -1.5, 2.0],
        np.array([date(2024, 5, day) for day in (3, 1, 2)], object),
        np.array(["2024-05-03", "2024-05-01", "2024-05-02"], "M8[D]"),
    ],
    ids=["words", "objects", "numbers", "uint64", "floats", "dates", "times"],
)
def test_labels_of_any_type_come_back_as_they_were(name: str, values: Any) -> None:
    """Value and type; numbered in their order, so that names change no prediction."""
    X, ids = data(name)
    names = np.sort(np.asarray(values))
    predicted = MAKE[name]().fit(X, names[ids]).predict(X)
    assert predicted.dtype == names.dtype
    assert predicted.tolist() == names[MAKE[name]().fit(X, ids).predict(X)].tolist()


@pytest.mark.parametrize("name", ["linear", "logistic", "svm"])
def test_one_class_cannot_be_learnt(name: str) -> None:
    """An estimator that separates classes needs two; neighbours and centroids do not."""
    X, y = data(name)
    assert "one class" in refused(lambda: MAKE[name]().fit(X, np.zeros_like(y)))
    assert set(KNNProbe().fit(X, np.zeros_like(y)).predict(X)) == {0}
    assert set(CentroidProbe().fit(X, np.zeros_like(y)).predict(X)) == {-1, 0}
