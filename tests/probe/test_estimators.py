"""The estimators in scikit-learn's tools."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from estimators import LABELLED, MAKE, ROWS, data, refused
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from biobench.errors import UsageError
from biobench.probe import (
    CentroidProbe,
    LogisticProbe,
    SVMProbe,
)


@pytest.mark.parametrize("name", MAKE)
def test_parameters_are_read_and_changed_by_name(name: str) -> None:
    """A name that there is none of is told with those that there are."""
    probe = MAKE[name]()
    for key, value in probe.get_params().items():
        assert getattr(probe, key) is value
        assert probe.set_params(**{key: value}) is probe
    line = refused(lambda: probe.set_params(depth=3), UsageError)
    assert "depth" in line
    assert all(key in line for key in probe.get_params())


@pytest.mark.parametrize("name", MAKE)
def test_copies_learn_the_same(name: str) -> None:
    """scikit-learn's clone has the parameters and no fit; copies and pickles have both."""
    X, y = data(name)
    probe = MAKE[name]().fit(X, y)
    fresh = clone(probe)
    assert not hasattr(fresh, "n_features_in_")
    assert fresh.get_params() == probe.get_params()
    expected = probe.predict(X).tolist()
    for other in (fresh.fit(X, y), copy.deepcopy(probe), pickle.loads(pickle.dumps(probe))):
        assert other.predict(X).tolist() == expected


@pytest.mark.parametrize("name", LABELLED)
@pytest.mark.parametrize("jobs", [None, 2])
def test_scikit_learn_cross_validates(name: str, jobs: int | None) -> None:
    """As a classifier: stratified folds, accuracy of each, macro-F1 where it is asked for."""
    X, y = data(name)
    probe = MAKE[name]()
    assert is_classifier(probe)
    predicted = cross_val_predict(probe, X, y, cv=3, n_jobs=jobs)
    scores = cross_val_score(probe, X, y, cv=3, n_jobs=jobs)
    assert scores.mean() == pytest.approx((predicted == y).mean())
    assert 0.5 < scores.mean() < 1
    assert np.isfinite(cross_val_score(probe, X, y, cv=3, scoring="f1_macro")).all()


def test_scikit_learn_cross_validates_traits() -> None:
    """Several labels a row: the caller says what is scored."""
    X, y = data("traits")
    scores = cross_val_score(MAKE["traits"](), X, y, cv=3, scoring="f1_macro")
    assert (scores >= 0).all()
    assert scores.max() > 0


def test_scikit_learn_searches_parameters() -> None:
    """A grid of lists and of NumPy's numbers."""
    X, y = data("svm")
    search = GridSearchCV(SVMProbe(), {"C": np.array([0.01, 1.0])}, cv=3).fit(X, y)
    assert search.best_params_["C"] in (0.01, 1.0)
    pipeline = make_pipeline(StandardScaler(), SVMProbe())
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.5
    grid = {"candidates": [[0.1], [1.0]]}
    assert GridSearchCV(LogisticProbe(), grid, cv=3).fit(X, y).best_estimator_.C_ in (0.1, 1.0)


def test_a_score_is_the_share_of_right_labels() -> None:
    """Rejected rows are wrong ones."""
    X, y = data("centroid")
    probe = CentroidProbe(rejection_percentile=50).fit(X, y)
    assert probe.score(X, y) == (probe.predict(X) == y).sum() / ROWS
    assert probe.score(X, y) <= 0.5
    assert "y has shape" in refused(lambda: probe.score(X, y[:3]), UsageError)
