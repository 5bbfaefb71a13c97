"""Logistic regression end to end: scikit-learn's search, threads, constants, what is refused."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from biobench.errors import DataError, ModelError, SpecError, UsageError
from biobench.probe import LogisticProbe
from biobench.probe.logistic_regression.estimator import FIXED, FREE
from biobench.spec.load import load_spec

SPEC = load_spec()
DOCUMENT = SPEC.library.by_id["protocol"]["logistic_regression"].value
CONSTANTS = DOCUMENT["constants"]
CANDIDATES = [0.3, 0.01, 3.0, 0.001]


def items(rows: int, features: int = 6, classes: int = 3, seed: int = 0, noise: float = 1.0) -> Any:
    """Features float32 and string labels; classes overlap and have unequal sizes."""
    rng = np.random.default_rng(seed)
    ids = rng.choice(classes, rows, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    centres = rng.normal(size=(classes, features)) * 5
    matrix = centres[ids] + 5 * noise * rng.normal(size=(rows, features)) + 7
    return matrix.astype(np.float32), np.array([f"c{i}" for i in ids])


def cpu_features() -> dict[str, bool]:
    """Instruction sets that NumPy uses here, by name."""
    from numpy._core import _multiarray_umath

    return dict(_multiarray_umath.__cpu_features__)


def test_the_candidates_are_the_draws_of_the_published_search() -> None:
    """30 draws of loguniform(0.001, 10) with random_state 17, as scikit-learn's search draws."""
    from scipy.stats import loguniform
    from sklearn.model_selection import ParameterSampler

    drawn = list(ParameterSampler({"C": loguniform(a=1e-3, b=1e1)}, 30, random_state=17))
    values = [float(point["C"]) for point in drawn]
    # NumPy's exponentials with AVX-512 are other ones than without, by a unit in the last place.
    if cpu_features()["AVX512_SKX"]:
        assert CONSTANTS["candidates"] == values
    np.testing.assert_array_max_ulp(np.array(CONSTANTS["candidates"]), np.array(values), maxulp=1)
    assert LogisticProbe().candidates == CONSTANTS["candidates"]


def test_the_compat_search_is_scikit_learns() -> None:
    """Same fold scores, same C, same coefficients and predictions as a pipeline in GridSearchCV."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    matrix, labels = items(180, noise=1.5)
    probe = LogisticProbe(
        CANDIDATES, search_score_classes="truth-or-prediction", search_tie="first"
    ).fit(matrix, labels)
    model = LogisticRegression(
        class_weight="balanced", solver="newton-cg", tol=1e-11, max_iter=10_000
    )
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {"logisticregression__C": CANDIDATES},
        scoring="f1_macro",
        cv=5,
    ).fit(matrix.astype(np.float64), labels)
    expected = [[search.cv_results_[f"split{f}_test_score"][i] for f in range(5)] for i in range(4)]
    np.testing.assert_allclose(probe.scores_, expected, atol=1e-14)
    assert search.best_params_["logisticregression__C"] == probe.C_
    best = search.best_estimator_[-1]
    np.testing.assert_allclose(probe.coef_, best.coef_, atol=1e-6)
    np.testing.assert_allclose(
        probe.intercept_, best.intercept_ - best.intercept_.mean(), atol=1e-6
    )
    fresh, _ = items(300, seed=1)
    assert probe.predict(fresh).tolist() == search.predict(fresh.astype(np.float64)).tolist()


@pytest.mark.parametrize("strength", [0.02, 0.5, 10.0])
@pytest.mark.parametrize(("classes", "factor"), [(2, 2.0), (3, 1.0)])
def test_c_is_scikit_learns_and_half_of_it_with_two_classes(
    strength: float, classes: int, factor: float
) -> None:
    """One weight vector through a sigmoid is the difference of a softmax's two, at twice its C."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    matrix, labels = items(150, classes=classes, noise=1.5)
    probe = LogisticProbe([strength]).fit(matrix, labels)
    model = LogisticRegression(
        C=factor * strength, class_weight="balanced", solver="newton-cg", tol=1e-11, max_iter=10_000
    ).fit(StandardScaler().fit_transform(matrix.astype(np.float64)), labels)
    weight, intercept = probe.coef_, probe.intercept_
    if classes == 2:
        np.testing.assert_allclose(weight[0], -weight[1], atol=1e-6)
        weight, intercept = weight[1:] - weight[:1], intercept[1:] - intercept[:1]
    np.testing.assert_allclose(weight, model.coef_, atol=1e-6)
    np.testing.assert_allclose(
        intercept, model.intercept_ - model.intercept_.mean() * (classes > 2), atol=1e-6
    )


def test_a_class_that_a_fold_never_saw_is_never_predicted_there() -> None:
    """A class of one item is wrong in its fold, where the weights are those of the others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    matrix, labels = items(60, classes=4)
    labels[labels == "c0"] = "c1"
    labels[7] = "a0"
    probe = LogisticProbe([0.1, 1.0], search_score_classes="truth-or-prediction").fit(
        matrix, labels
    )
    model = LogisticRegression(
        class_weight="balanced", solver="newton-cg", tol=1e-11, max_iter=10_000
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        search = GridSearchCV(
            make_pipeline(StandardScaler(), model),
            {"logisticregression__C": [0.1, 1.0]},
            scoring="f1_macro",
            cv=5,
        ).fit(matrix.astype(np.float64), labels)
    expected = [[search.cv_results_[f"split{f}_test_score"][i] for f in range(5)] for i in range(2)]
    np.testing.assert_allclose(probe.scores_, expected, atol=1e-14)
    assert probe.classes_.tolist() == ["a0", "c1", "c2", "c3"]


def test_a_single_candidate_needs_no_folds() -> None:
    """It can be fitted where folds could not be dealt."""
    matrix, labels = items(6, classes=3, seed=3)
    probe = LogisticProbe([0.5]).fit(matrix, labels)
    assert probe.C_ == 0.5
    assert probe.scores_.size == 0


def test_scaling_is_that_of_the_fit() -> None:
    """Neither the unit nor the origin of a feature moves a decision."""
    matrix, labels = items(50)
    probe = LogisticProbe([0.1]).fit(matrix, labels)
    moved = matrix * np.float32(2) ** np.arange(6, dtype=np.float32)
    other = LogisticProbe([0.1]).fit(moved, labels)
    np.testing.assert_allclose(other.decision_function(moved), probe.decision_function(matrix))
    np.testing.assert_allclose(probe.mean_, matrix.mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_do_not_change_a_bit(threads: int) -> None:
    """Folds side by side: the same scores and weights as one after the other."""
    matrix, labels = items(120, features=40)
    one = LogisticProbe(CANDIDATES).fit(matrix, labels)
    many = LogisticProbe(CANDIDATES, threads=threads).fit(matrix, labels)
    assert np.array_equal(many.scores_, one.scores_)
    assert np.array_equal(many.coef_, one.coef_)
    assert np.array_equal(many.intercept_, one.intercept_)


@pytest.mark.parametrize("threads", [1, 3])
def test_progress_counts_every_fit(threads: int) -> None:
    """Candidates times folds, and the last one."""
    matrix, labels = items(40)
    done: list[int] = []
    LogisticProbe(CANDIDATES, threads=threads, progress=done.append).fit(matrix, labels)
    assert sum(done) == 4 * 5 + 1


def test_a_tie_of_decision_values_goes_to_the_smallest_label() -> None:
    """One constant feature tells nothing apart: every value is 0."""
    probe = LogisticProbe([1.0]).fit(np.ones((6, 1)), [2, 2, 1, 1, 3, 3])
    assert probe.predict(np.ones((2, 1))).tolist() == [1, 1]


def test_splits_that_cannot_be_probed_are_faults_of_the_data() -> None:
    """One class, fewer rows than folds in every class, a fold that holds all of a second class."""
    matrix = np.random.default_rng(0).normal(size=(8, 2))
    for labels, message in (
        ([1] * 8, "one class"),
        ([0, 0, 0, 0, 1, 1, 1, 1], "5 training items"),
        ([0, 0, 0, 0, 0, 0, 0, 1], "without fold 2 all"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            LogisticProbe(CANDIDATES).fit(matrix, labels)
        assert caught.value.exit_code == 3
    with pytest.raises(DataError, match="one class"):
        LogisticProbe([1.0]).fit(matrix, [1] * 8)


def test_rows_that_do_not_fit_are_refused() -> None:
    """NaN, another width, labels of another length."""
    matrix, labels = items(20)
    probe = LogisticProbe([1.0]).fit(matrix, labels)
    with pytest.raises(UsageError, match="5 features, the probe 6"):
        probe.predict(matrix[:, :5])
    with pytest.raises(UsageError, match="20 rows"):
        probe.fit(matrix, labels[:3])
    matrix[3, 3] = np.nan
    with pytest.raises(ModelError, match="row 3"):
        probe.fit(matrix, labels)


@pytest.mark.parametrize(
    "arguments",
    [
        {"candidates": []},
        {"candidates": [0.0]},
        {"candidates": [1.0, np.inf]},
        {"folds": 1},
        {"gradient_tolerance": 0.0},
        {"search_tie": "largest"},
        {"search_score_classes": "all"},
    ],
)
def test_arguments_without_a_meaning_are_refused(arguments: dict[str, Any]) -> None:
    """Exit 2 before any work."""
    with pytest.raises(UsageError):
        LogisticProbe(**arguments)


def test_the_document_gives_every_constant() -> None:
    """Names and values are those of the document, in both divisions."""
    assert set(FIXED) | set(FREE) == set(CONSTANTS)
    probe = LogisticProbe.from_protocol(CONSTANTS)
    for name in FREE:
        assert getattr(probe, name) == CONSTANTS[name]
    compat = LogisticProbe.from_protocol({**CONSTANTS, **DOCUMENT["compat"]})
    assert compat.search_tie == "first"
    assert compat.search_score_classes == "truth-or-prediction"
    assert compat.candidates == probe.candidates


@pytest.mark.parametrize("name", sorted(FIXED))
def test_a_constant_that_the_probe_cannot_have_is_refused(name: str) -> None:
    """Exit 4 and the name, rather than a score by another protocol."""
    with pytest.raises(SpecError, match=name):
        LogisticProbe.from_protocol({**CONSTANTS, name: "other"})
    with pytest.raises(SpecError, match=name):
        LogisticProbe.from_protocol({k: v for k, v in CONSTANTS.items() if k != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [("folds", 1), ("candidates", [-1.0]), ("search_tie", "last"), ("gradient_tolerance", "x")],
)
def test_a_value_without_a_meaning_is_refused(name: str, value: Any) -> None:
    """Also where the schema was not asked."""
    with pytest.raises(SpecError):
        LogisticProbe.from_protocol({**CONSTANTS, name: value})
