"""What all probes are as estimators: what they refuse in one line, and scikit-learn's tools."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
import sklearn.exceptions
import torch
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from biobench.errors import BiobenchError, ModelError, UsageError
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
    pandas = pytest.importorskip("pandas")
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
    """Where ids are asked for: none wraps around or is cut to an integer."""
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
    """What separates classes needs two; neighbours and centroids do not."""
    X, y = data(name)
    assert "one class" in refused(lambda: MAKE[name]().fit(X, np.zeros_like(y)))
    assert set(KNNProbe().fit(X, np.zeros_like(y)).predict(X)) == {0}
    assert set(CentroidProbe().fit(X, np.zeros_like(y)).predict(X)) == {-1, 0}


NO_COUNTS = (0, -1, 1.5, "3", None, True, np.nan, [2], np.array([[1], [2]]))
NO_RATES = (0, -0.1, "a", None, np.nan, np.inf, True, 10**400)
PLAN = {
    **dict.fromkeys(("steps", "batch_size", "threads"), NO_COUNTS),
    **dict.fromkeys(("learning_rate", "epsilon"), NO_RATES),
    **dict.fromkeys(("beta1", "beta2"), (-0.1, 1, "a", np.nan)),
    "weight_decay": (-1e-9, "a", np.inf),
    "final_learning_rate_ratio": (-0.1, 1.5, None),
    "seed": (1.5, "17", None),
    "stream": (b"a", None, 1),
    "device": ("tpu", "auto", None, 0),
    "progress": ("bar", 3),
}
NO_PARAMETERS: dict[type[Any], dict[str, tuple[Any, ...]]] = {
    KNNProbe: {"k": NO_COUNTS, "normalise": ("l1", None), "candidate_margin": (-1, 0.5, None)},
    CentroidProbe: {
        "rejection_percentile": (-1, 101, "95", None, np.nan),
        "threads": NO_COUNTS,
        "progress": (3,),
    },
    LogisticProbe: {
        "candidates": (1.0, [], "1", ["a"], [0], [np.nan], [-1.0], [np.inf], [None], [[1.0]]),
        "folds": (1, *NO_COUNTS),
        "gradient_tolerance": NO_RATES,
        "search_score_classes": ("all", None),
        "search_tie": ("largest", ["first"]),
        "threads": NO_COUNTS,
        "progress": (3,),
    },
    SVMProbe: {
        "C": NO_RATES,
        "violation_tolerance": NO_RATES,
        "decision_tie": ("x", None, ["smallest-id"]),
    },
    LinearProbe: {
        **PLAN,
        "classes": (*(value for value in NO_COUNTS if value is not None), 1.0),
        "normalisation_epsilon": NO_RATES,
    },
    TraitsProbe: {
        **PLAN,
        "hidden": NO_COUNTS,
        "halving_steps": (-1, 2.5),
        "dropout": (-0.1, 1, "a", np.nan),
        "activation": ("gelu", None),
        "threshold": (np.nan, "a", None),
    },
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in NO_PARAMETERS.items() for name in names]
)
def test_parameters_without_a_meaning_are_refused(kind: type[Any], name: str) -> None:
    """By the constructor, by set_params, which then changes nothing, and by fit."""
    for value in NO_PARAMETERS[kind][name]:
        assert refused(lambda v=value: kind(**{name: v}), UsageError).startswith(name)  # type: ignore[misc]
        probe = kind()
        before = probe.get_params()
        refused(lambda v=value, p=probe: p.set_params(**{name: v}), UsageError)  # type: ignore[misc]
        assert probe.get_params() == before
        setattr(probe, name, value)
        refused(lambda p=probe: p.fit(*data("knn")), UsageError)  # type: ignore[misc]


@pytest.mark.parametrize("kind", NO_PARAMETERS)
def test_every_parameter_has_values_without_a_meaning(kind: type[Any]) -> None:
    """The table above has no gap."""
    assert set(NO_PARAMETERS[kind]) == set(kind().get_params())


def test_numbers_of_numpy_are_numbers() -> None:
    """What a grid of parameters holds."""
    assert KNNProbe(k=np.int64(3)).k == 3
    assert SVMProbe(np.float32(0.5)).C == 0.5
    assert LogisticProbe(np.logspace(-2, 0, 3), folds=np.int32(3)).fit(*data("logistic")).C_ <= 1


def test_more_neighbours_than_rows() -> None:
    """Also where k grew after the fit."""
    X, y = data("knn")
    assert "36 items cannot give 37" in refused(lambda: KNNProbe(k=37).fit(X, y))
    probe = KNNProbe().fit(X, y).set_params(k=37)
    assert "36 items cannot give 37" in refused(lambda: probe.predict(X))


@pytest.mark.parametrize("name", ["linear", "traits"])
def test_cuda_without_a_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line in place of torch's own words."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    probe = MAKE[name]().set_params(device="cuda")
    assert "torch sees no CUDA device" in refused(lambda: probe.fit(*data(name)), UsageError)


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
