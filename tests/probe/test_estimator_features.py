"""Conditions of estimators on features: shapes, numbers, and a fit before a prediction."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.exceptions
import torch
from estimators import FEATURES, LABELLED, MAKE, changed, data, refused

from biobench.errors import ModelError, UsageError

BAD_X: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "one row without its axis": (lambda X: X[0], r"X has shape \(4,\).*reshape"),
    "three axes": (lambda X: X[None], "X has shape"),
    "a number": (lambda X: 3.0, "X has shape"),
    "None": (lambda X: None, "object"),
    "rows of unequal lengths": (lambda X: [*X.tolist()[1:], [1.0]], "equal lengths"),
    "words": (lambda X: X.astype(str), "<U"),
    "objects": (lambda X: X.astype(object), "object"),
    "complex numbers": (lambda X: X.astype(complex), "complex"),
    "no rows": (lambda X: X[:0], "empty"),
    "no features": (lambda X: X[:, :0], "empty"),
    "NaN": (lambda X: changed(X, np.nan), "X row 2: .*NaN"),
    "an infinity": (lambda X: changed(X, -np.inf), "X row 2: .*infinity"),
    "what overflows": (lambda X: changed(X, -1e200), "X row 2: .*-1e.200.*overflow"),
    "a longer float": (lambda X: X.astype(np.longdouble) * np.longdouble("1e4000"), "X row 0"),
    "a tensor that learns": (lambda X: torch.tensor(X, requires_grad=True), "cannot be read"),
}


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("flaw", BAD_X)
def test_features_that_are_none_are_refused(name: str, flaw: str) -> None:
    """To learn from and to predict, in one line that says what they are."""
    X, y = data(name)
    make, message = BAD_X[flaw]
    bad = make(X)
    probe = MAKE[name]().fit(X, y)
    for line in (refused(lambda: MAKE[name]().fit(bad, y)), refused(lambda: probe.predict(bad))):
        assert re.search(message, line), line


@pytest.mark.parametrize("name", LABELLED)
def test_features_up_to_the_bound_are_computed_with(name: str) -> None:
    """Without a warning, which is an error here, and with the predictions of smaller numbers."""
    X, y = data(name)
    scaled = X.astype(np.float64) * (1e150 / float(np.abs(X).max()))
    plain, large = MAKE[name]().fit(X, y), MAKE[name]().fit(scaled, y)
    assert large.predict(scaled).tolist() == plain.predict(X).tolist()


@pytest.mark.parametrize("name", ["knn", "svm"])
def test_a_direction_is_not_lost_in_small_numbers(name: str) -> None:
    """Down to 1e-140 a row's length is right; below it squares vanish, so the row is refused."""
    X, y = data(name)
    small = X.astype(np.float64) * 2.0**-460
    probe = MAKE[name]().fit(X, y)
    assert probe.predict(small).tolist() == probe.predict(X).tolist()
    assert "row 0: " in refused(lambda: probe.predict(small * 2.0**-10), ModelError)


@pytest.mark.parametrize("name", ["centroid", "logistic"])
def test_decisions_that_overflow_are_refused(name: str) -> None:
    """Rows that are astronomically farther than what was learnt: a line, not an arbitrary label."""
    X, y = data(name)
    probe = MAKE[name]().fit(X.astype(np.float64) * 1e-160, y)
    assert "X row 1: " in refused(lambda: probe.predict([[0.0] * FEATURES, [1e150, -1e150] * 2]))


def test_logits_beyond_float32_are_refused() -> None:
    """The traits network takes features as they are, and computes in float32."""
    X, y = data("traits")
    probe = MAKE["traits"]().fit(X, y)
    probe.output_weight_ = 1e3 * probe.output_weight_
    assert "X row 2: " in refused(lambda: probe.predict(changed(X, 1e38)), ModelError)
    assert "beyond 3.4e+38" in refused(lambda: probe.predict(changed(X, 1e39)), ModelError)


@pytest.mark.parametrize("name", MAKE)
def test_nothing_is_predicted_before_fit(name: str) -> None:
    """scikit-learn's NotFittedError, by every method that needs a fit."""
    X, y = data(name)
    probe = MAKE[name]()
    methods = ("predict", "kneighbors", "decision_function", "pair_decisions", "scores")
    for method in methods:
        if hasattr(probe, method):
            line = refused(lambda m=method: getattr(probe, m)(X), sklearn.exceptions.NotFittedError)  # type: ignore[misc]
            assert "call fit(X, y) first" in line
    assert not hasattr(probe, "n_features_in_")
    assert probe.fit(X, y).n_features_in_ == FEATURES


def test_nothing_is_predicted_before_fit_without_scikit_learn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An installation without extras says the same by the package's own error."""
    monkeypatch.setitem(sys.modules, "sklearn", None)
    X, _ = data("knn")
    probe = MAKE["knn"]()
    assert "call fit(X, y) first" in refused(lambda: probe.predict(X), UsageError)
    assert not hasattr(probe, "n_features_in_")


@pytest.mark.parametrize("name", MAKE)
def test_a_failed_fit_leaves_nothing_to_predict_with(name: str) -> None:
    """Neither the earlier fit nor half of a new one."""
    X, y = data(name)
    probe = MAKE[name]().fit(X, y)
    refused(lambda: probe.fit(X, y[:-1]))
    refused(lambda: probe.predict(X), sklearn.exceptions.NotFittedError)


@pytest.mark.parametrize("name", MAKE)
def test_another_number_of_features_is_refused(name: str) -> None:
    """Test features must come from the model whose features were learnt from."""
    X, y = data(name)
    probe = MAKE[name]().fit(X, y)
    for other in (X[:, :3], np.hstack([X, X])):
        line = refused(lambda o=other: probe.predict(o), UsageError)  # type: ignore[misc]
        assert f"X has {other.shape[1]} features, the probe 4" in line
