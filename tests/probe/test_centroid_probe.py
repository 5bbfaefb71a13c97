"""The nearest centroid: the plain definition to the bit, scikit-learn's estimators, bad input."""

from __future__ import annotations

import importlib
import inspect
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import StandardScaler

from biobench.errors import DataError, ModelError, SpecError, UsageError
from biobench.probe import CentroidProbe
from biobench.probe.nearest_centroid import covariance, triangular
from biobench.probe.nearest_centroid.covariance import (
    class_covariance,
    scatter_matrix,
    within_class_covariance,
)
from biobench.probe.nearest_centroid.estimator import FIXED, FREE, percentile
from biobench.probe.nearest_centroid.nearest import nearest
from biobench.probe.nearest_centroid.triangular import NotPositiveDefinite, cholesky, whiten
from biobench.spec.load import load_spec
from processor_time import processor_time

sys.path.append(str(Path(__file__).parents[2] / "tools"))
exact_centroid = importlib.import_module("vectors.exact_centroid")


def clusters(
    rows: int, features: int, classes: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Correlated clusters of uneven scales, float32, with every class present."""
    rng = np.random.default_rng(seed)
    ids = np.arange(rows) % classes
    mixing = rng.normal(size=(features, features)) / np.sqrt(features)
    matrix = (4 * rng.normal(size=(classes, features)))[ids] + rng.normal(size=(rows, features))
    return (matrix @ mixing * np.geomspace(0.1, 20, features) + 5).astype(np.float32), ids


@pytest.mark.parametrize(("rows", "features", "classes"), [(30, 3, 2), (60, 7, 4), (41, 11, 5)])
def test_every_number_is_the_plain_definitions(rows: int, features: int, classes: int) -> None:
    """Bit by bit: means, centroids, covariance, factor, threshold, scores and predictions."""
    matrix, ids = clusters(rows, features, classes)
    matrix[ids == 1, 0] = 2.5
    labels = 3 * ids
    expected = exact_centroid.fit(matrix.astype(float).tolist(), labels.tolist(), 95)
    probe = CentroidProbe().fit(matrix, labels)
    assert probe.classes_.tolist() == expected.classes
    assert probe.mean_.tolist() == expected.mean
    assert probe.centroids_.tolist() == expected.centroids
    assert probe.means_.tolist() == expected.class_means
    assert probe.covariance_.tolist() == expected.covariance
    assert probe.factor_.tolist() == expected.factor
    assert probe.threshold_ == expected.threshold
    probes = [*matrix.astype(float).tolist(), *(1.5 * matrix[:20]).astype(float).tolist()]
    assert probe.scores(np.array(probes)).tolist() == [expected.score(row) for row in probes]
    predicted = probe.predict(np.array(probes)).tolist()
    assert predicted == [expected.predict(row) for row in probes]
    assert -1 in predicted
    assert len(set(predicted)) > 2


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(4, 12), st.integers(1, 4)),
        elements=st.floats(-8, 8, width=16),
    ),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_small_numbers_with_ties_are_the_plain_definitions(matrix: Any, data: Any) -> None:
    """Equal rows, columns that do not vary, single items and singular matrices included."""
    labels = data.draw(st.lists(st.integers(0, 3), min_size=len(matrix), max_size=len(matrix)))
    rows = matrix.astype(float).tolist()
    try:
        expected = exact_centroid.fit(rows, labels, 95)
    except ArithmeticError:
        with pytest.raises(DataError, match="no inverse"):
            CentroidProbe().fit(matrix, labels)
        return
    probe = CentroidProbe().fit(matrix, labels)
    assert probe.covariance_.tolist() == expected.covariance
    assert probe.threshold_ == expected.threshold
    assert probe.predict(matrix).tolist() == [expected.predict(row) for row in rows]


def test_the_covariance_is_that_of_linear_discriminant_analysis() -> None:
    """scikit-learn's eigen solver with automatic shrinkage; a column that does not vary counts."""
    matrix, ids = clusters(400, 12, 5, seed=2)
    matrix[ids == 2, 3] = 7.25
    expected = LinearDiscriminantAnalysis(
        solver="eigen", shrinkage="auto", store_covariance=True
    ).fit(matrix.astype(np.float64), ids)
    probe = CentroidProbe().fit(matrix, ids)
    np.testing.assert_allclose(probe.covariance_, expected.covariance_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(probe.means_, expected.means_, rtol=1e-12)


@pytest.mark.parametrize("rows", [3, 8, 40, 400])
def test_the_shrinkage_is_ledoit_and_wolfs(rows: int) -> None:
    """scikit-learn's value on the standardised class, from few rows to many."""
    matrix, _ = clusters(rows, 9, 2, seed=rows)
    one = class_covariance(matrix.astype(np.float64))
    scaled = StandardScaler().fit_transform(matrix.astype(np.float64))
    expected, shrinkage = ledoit_wolf(scaled)
    assert 0 < one.shrinkage <= 1
    assert one.shrinkage == pytest.approx(shrinkage, rel=1e-9)
    np.testing.assert_allclose(
        one.matrix, expected * np.multiply.outer(one.deviation, one.deviation), rtol=1e-9
    )


def test_a_class_of_one_or_two_items_is_not_shrunk() -> None:
    """One item has no spread; two span a line, and rounding cannot make the shrinkage negative."""
    matrix, _ = clusters(2, 6, 2)
    one = class_covariance(matrix[:1].astype(np.float64))
    assert one.shrinkage == 0
    assert not one.matrix.any()
    two = class_covariance(matrix.astype(np.float64))
    assert two.shrinkage < 1e-12
    assert np.linalg.matrix_rank(two.matrix) == 1


def test_the_nearest_centroid_is_scikit_learns() -> None:
    """On centred rows of norm one, as float64; class 2 of 0, 2 and 5 keeps its own label."""
    matrix, ids = clusters(300, 10, 3, seed=4)
    labels = np.array([0, 2, 5])[ids]
    centred = matrix.astype(np.float64) - matrix.astype(np.float64).mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    expected = NearestCentroid().fit(centred, labels)
    probe = CentroidProbe().fit(matrix, labels)
    np.testing.assert_allclose(probe.centroids_, expected.centroids_, atol=1e-12)
    assert np.array_equal(probe.nearest_labels(matrix), expected.predict(centred))


def test_scores_are_squared_mahalanobis_distances() -> None:
    """By an inverse from LAPACK; the threshold is NumPy's percentile of the training scores."""
    matrix, ids = clusters(300, 10, 4, seed=6)
    probe = CentroidProbe().fit(matrix, ids)
    difference = matrix.astype(np.float64)[:, None] - probe.means_
    inverse = np.linalg.inv(probe.covariance_)
    expected = np.einsum("ncd,de,nce->nc", difference, inverse, difference).min(axis=1)
    scores = probe.scores(matrix)
    np.testing.assert_allclose(scores, expected, rtol=1e-8)
    assert probe.threshold_ == np.percentile(scores, 95)
    predicted = probe.predict(matrix)
    assert (predicted == -1).sum() == (scores > probe.threshold_).sum() == 15


def test_what_is_far_from_every_class_is_unknown() -> None:
    """Points of another place are rejected, those of the classes mostly kept and told apart."""
    matrix, ids = clusters(600, 8, 3, seed=9)
    probe = CentroidProbe().fit(matrix[:400], ids[:400])
    kept = probe.predict(matrix[400:])
    assert 0.65 < (kept == ids[400:]).mean() < 1
    assert (kept == -1).mean() < 0.15
    far = matrix[400:] + 60 * matrix.std(axis=0)
    assert (probe.predict(far) == -1).all()
    assert (CentroidProbe(rejection_percentile=100).fit(matrix, ids).predict(matrix) >= 0).all()


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=60),
    st.floats(0, 100) | st.integers(0, 100).map(float),
)
@settings(max_examples=3 * settings.default.max_examples)
def test_percentile_has_the_bits_of_numpys(values: list[float], percent: float) -> None:
    """The linear rule, at both halves of an interval and at the ends."""
    array = np.array(values)
    assert percentile(array, percent) == np.percentile(array, percent)


def test_ties_go_to_the_smallest_label() -> None:
    """Classes of equal rows have one centroid between them."""
    matrix, ids = clusters(40, 4, 2)
    twice, labels = np.concatenate([matrix, matrix]), np.concatenate([ids, ids + 2])
    assert set(CentroidProbe().fit(twice, labels).nearest_labels(matrix)) == {0, 1}


def test_a_row_at_the_train_mean_has_no_direction_and_is_no_error() -> None:
    """Its norm is 0, so it stays 0: the centroid nearest to the origin takes it."""
    matrix = np.array([[1, 0], [-1, 0], [0, 2], [0, -2], [3, 1], [-3, -1], [0, 0]], np.float32)
    labels = np.array([0, 0, 1, 1, 1, 0, 0])
    probe = CentroidProbe().fit(matrix, labels)
    lengths = (probe.centroids_**2).sum(axis=1)
    assert probe.nearest_labels(np.zeros((1, 2)))[0] == int(lengths.argmin())


@pytest.mark.parametrize("centres", [1, 3, 40])
@pytest.mark.parametrize("grid", [True, False])
def test_nearest_is_every_exact_distance_compared(centres: int, grid: bool) -> None:
    """Proposals leave out no centre, also where many distances are equal."""
    rng = np.random.default_rng(centres)
    if grid:
        points = rng.integers(-2, 3, (300, 5)).astype(np.float64)
        middle = rng.integers(-2, 3, (centres, 5)).astype(np.float64)
    else:
        points, middle = 1e3 + rng.normal(size=(300, 5)), 1e3 + rng.normal(size=(centres, 5))
    numbers, distances = nearest(points, middle)
    for i, point in enumerate(points.tolist()):
        exact = [exact_centroid.distance(point, centre) for centre in middle.tolist()]
        assert numbers[i] == exact.index(min(exact))
        assert distances[i] == min(exact)


def test_distances_beyond_the_largest_float_are_compared_all() -> None:
    """Nothing is left out of a proposal that overflows, and the exact distance decides."""
    points = np.array([[1e160, 0.0], [0.9e160, 0.0]])
    numbers, distances = nearest(points, np.array([[0.9e160, 0.0], [1e160, 0.0]]))
    assert numbers.tolist() == [1, 0]
    assert distances.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("features", [1, 5, 63, 64, 65, 130, 600])
def test_tiles_do_not_change_a_bit(features: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scatter matrix, covariance and whitening are the same in tiles of any size and order."""
    rng = np.random.default_rng(features)
    rows = rng.normal(size=(9, features))
    plain = np.zeros((features, features))
    for row in rows:
        plain += np.multiply.outer(row, row)
    assert np.array_equal(scatter_matrix(rows), plain)
    shrunk = class_covariance(rows).matrix
    factor = np.tril(rng.normal(size=(features, features)) / features) + np.eye(features)
    expected = whiten(factor, rows)
    np.testing.assert_allclose(expected @ factor.T, rows, atol=1e-9)
    with ThreadPoolExecutor(3) as pool:
        assert np.array_equal(scatter_matrix(rows, pool.map), plain)
        monkeypatch.setattr(covariance, "_TILE_ROWS", 7)
        monkeypatch.setattr(covariance, "_TILE_COLUMNS", 11)
        monkeypatch.setattr(triangular, "_COORDINATES", 10)
        monkeypatch.setattr(triangular, "_VECTORS", 4)
        assert np.array_equal(scatter_matrix(rows, pool.map), plain)
        assert np.array_equal(class_covariance(rows, pool.map).matrix, shrunk)
        assert np.array_equal(whiten(factor, rows, pool.map), expected)


@pytest.mark.parametrize("features", [1, 63, 64, 65, 300])
def test_panels_do_not_change_a_bit(features: int) -> None:
    """The Cholesky factor is the one of a column at a time, and the matrix stays as it is."""
    rng = np.random.default_rng(features)
    half = rng.normal(size=(features + 20, features))
    matrix = half.T @ half
    rest, plain = matrix.copy(), np.zeros_like(matrix)
    for j in range(features):
        plain[j, j] = np.sqrt(rest[j, j])
        plain[j + 1 :, j] = rest[j + 1 :, j] / plain[j, j]
        rest[j + 1 :, j + 1 :] -= np.multiply.outer(plain[j + 1 :, j], plain[j + 1 :, j])
    before = matrix.tobytes()
    assert cholesky(matrix).tobytes() == plain.tobytes()
    assert matrix.tobytes() == before


def test_cholesky_is_lapacks_up_to_rounding_and_names_the_pivot() -> None:
    """A matrix that is singular or not finite has no factor."""
    rng = np.random.default_rng(1)
    half = rng.normal(size=(70, 50))
    matrix = half.T @ half
    np.testing.assert_allclose(cholesky(matrix), np.linalg.cholesky(matrix), atol=1e-10)
    for bad, pivot in (
        (np.diag([1.0, 0.0, 1.0]), 1),
        (np.diag([1.0, 2.0, -1.0]), 2),
        (np.array([[3.0, 0.1], [0.1, 0.1 * 0.1 / 3.0 * (1 + 1e-12)]]), 1),
        (np.diag([np.nan, 1.0]), 0),
        (np.ones((2, 2)), 1),
    ):
        with pytest.raises(NotPositiveDefinite) as caught:
            cholesky(bad)
        assert caught.value.pivot == pivot


def test_threads_change_nothing() -> None:
    """One, two and three workers: the same threshold and the same scores to the bit."""
    matrix, ids = clusters(2500, 70, 4)
    probes = [CentroidProbe(threads=threads).fit(matrix, ids) for threads in (1, 2, 3)]
    assert len({p.threshold_ for p in probes}) == 1
    assert len({p.scores(matrix).tobytes() + p.covariance_.tobytes() for p in probes}) == 1


def test_progress_counts_each_row_of_fit_twice_and_of_predict_once() -> None:
    """A bar over these units ends exactly full."""
    matrix, ids = clusters(1500, 6, 3)
    seen: list[int] = []
    probe = CentroidProbe(progress=seen.append).fit(matrix, ids)
    assert sum(seen) == 3000
    probe.predict(matrix[:700])
    assert sum(seen) == 3700


def test_defaults_are_the_protocols_constants() -> None:
    """The document, the table in the code and the constructor cannot drift apart."""
    for division in ("official", "compat"):
        constants = dict(load_spec().protocol("nearest_centroid", division).constants)
        assert constants == {**FIXED, **FREE}
        CentroidProbe.from_protocol(constants)
    signature = inspect.signature(CentroidProbe)
    assert {name: signature.parameters[name].default for name in FREE} == dict(FREE)


def test_constants_that_the_probe_cannot_have_are_refused() -> None:
    """A protocol of another covariance is an invalid spec, not this probe in silence."""
    good = {**FIXED, **FREE}
    for bad in ({**good, "shrinkage": "none"}, {**good, "unknown_label": -2}, {**good, "k": 1}):
        with pytest.raises(SpecError, match="protocol nearest_centroid"):
            CentroidProbe.from_protocol(bad)


@pytest.mark.parametrize(
    ("features", "labels", "error"),
    [
        (np.ones((4, 2)), [0, 1, 0], UsageError),
        (np.ones((4, 2)), [0, 1, 0, -1], UsageError),
        (np.ones((4, 2)), ["a", "b", "a", "b"], UsageError),
        (np.array([[1.0, 2.0], [np.inf, 1.0]]), [0, 1], ModelError),
        (np.ones((0, 2)), [], DataError),
        (np.eye(4), [0, 1, 2, 3], DataError),
        (np.outer([0, 2, 0, 4], np.ones(3)), [0, 0, 1, 1], DataError),
        (np.random.default_rng(0).normal(size=(18, 10)), np.arange(18) % 9, DataError),
        (np.ones((6, 2)), [0, 0, 0, 1, 1, 1], DataError),
    ],
)
def test_what_cannot_be_learnt_is_refused(
    features: np.ndarray, labels: list[Any], error: type[Exception]
) -> None:
    """No ids, NaN, no rows, and classes of one or two items, whose spread nobody can tell."""
    with pytest.raises(error):
        CentroidProbe().fit(features, labels)
    with pytest.raises(UsageError):
        CentroidProbe(rejection_percentile=101)


def test_a_model_of_another_width_is_refused() -> None:
    """Test features must come from the model whose features were learnt from."""
    matrix, ids = clusters(40, 4, 2)
    with pytest.raises(UsageError, match="features"):
        CentroidProbe().fit(matrix, ids).predict(np.ones((1, 5)))


def test_the_work_grows_as_rows_times_features_squared() -> None:
    """The covariance of 3,000 rows of 384 features takes seconds, so 300,000 of 1,024 an hour."""
    matrix, ids = clusters(3000, 384, 20)
    with processor_time() as spent:
        _, pooled = within_class_covariance(matrix, ids, 20)
    assert spent.seconds < 20
    assert np.isfinite(pooled).all()
