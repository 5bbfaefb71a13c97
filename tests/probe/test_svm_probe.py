"""The support vector machine end to end: scikit-learn's, votes, constants, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from biobench.errors import DataError, ModelError, SpecError, UsageError
from biobench.probe import SVMProbe
from biobench.probe.svm.estimator import FIXED, FREE, vote
from biobench.spec.load import load_spec

DOCUMENT = load_spec().library.by_id["protocol"]["svm"].value
CONSTANTS = DOCUMENT["constants"]


def items(rows: int, features: int = 12, classes: int = 2, seed: int = 0) -> Any:
    """Features float32 and string labels; classes overlap."""
    rng = np.random.default_rng(seed)
    ids = np.concatenate([np.arange(classes), rng.integers(0, classes, rows - classes)])
    centres = rng.normal(size=(classes, features))
    matrix = 2 + centres[ids] + 1.2 * rng.normal(size=(rows, features))
    return matrix.astype(np.float32), np.array([f"c{i}" for i in ids])


def upstream_rows(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The published benchmark's chain: unit length, minus the train mean, unit length."""
    first = [m / np.linalg.norm(m, axis=1, keepdims=True) for m in (train, test)]
    centred = [m - first[0].mean(axis=0, keepdims=True) for m in first]
    one, other = (m / np.linalg.norm(m, axis=1, keepdims=True) for m in centred)
    return one, other


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_it_is_scikit_learns_machine(classes: int) -> None:
    """Same machines and same votes as a linear SVC with C = 1 on the same rows."""
    from sklearn.svm import SVC

    matrix, labels = items(150, classes=classes)
    fresh, _ = items(400, classes=classes, seed=1)
    probe = SVMProbe().fit(matrix, labels)
    train, test = upstream_rows(matrix.astype(np.float64), fresh.astype(np.float64))
    model = SVC(kernel="linear", C=1.0, tol=1e-6).fit(train, labels)
    sign = 1 if classes == 2 else -1
    np.testing.assert_allclose(probe.coef_, sign * model.coef_, atol=2e-5)
    np.testing.assert_allclose(probe.intercept_, sign * model.intercept_, atol=2e-5)
    assert probe.predict(fresh).tolist() == model.predict(test).tolist()
    assert probe.violation_ <= 1e-9


def test_a_vote_is_counted_for_each_pair() -> None:
    """Pairs (0, 1), (0, 2), (1, 2); a circle of votes is a tie, which the smallest class wins."""
    decisions = np.array(
        [[-1.0, -1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, -1.0], [-1.0, 1.0, -1.0], [1.0, -1.0, 1.0]]
    )
    assert vote(decisions, 3, "smallest-id").tolist() == [0, 2, 1, 0, 0]


def test_a_decision_value_of_zero() -> None:
    """It votes for the smaller class of the pair, or for the larger one."""
    zeros = np.zeros((1, 3))
    assert vote(zeros, 3, "smallest-id").tolist() == [0]
    assert vote(zeros, 3, "largest-id").tolist() == [2]
    assert vote(np.array([[-0.0]]), 2, "largest-id").tolist() == [1]


def test_the_length_of_a_row_does_not_matter() -> None:
    """A row counts by its direction."""
    matrix, labels = items(60)
    probe = SVMProbe().fit(matrix, labels)
    scaled = matrix * np.float32(2) ** np.arange(60, dtype=np.float32)[:, None]
    other = SVMProbe().fit(scaled, labels)
    assert np.array_equal(other.coef_, probe.coef_)
    assert np.array_equal(probe.predict(scaled), probe.predict(matrix))


def test_the_strength_is_used() -> None:
    """A smaller C leaves a shorter weight."""
    matrix, labels = items(60)
    weak, strong = (SVMProbe(c).fit(matrix, labels) for c in (0.01, 10.0))
    assert np.linalg.norm(weak.coef_) < np.linalg.norm(strong.coef_)


def test_rows_that_do_not_fit_are_refused() -> None:
    """One class, NaN, a row of zeros, a row that is the mean, another width."""
    matrix, labels = items(20)
    with pytest.raises(DataError, match="one class") as caught:
        SVMProbe().fit(matrix, ["a"] * 20)
    assert caught.value.exit_code == 3
    probe = SVMProbe().fit(matrix, labels)
    with pytest.raises(UsageError, match="3 features, the probe 12"):
        probe.predict(matrix[:, :3])
    zero = matrix.copy()
    zero[4] = 0
    with pytest.raises(ModelError, match=r"row 4: .*all zero"):
        probe.predict(zero)
    with pytest.raises(ModelError, match=r"row 4: .*all zero"):
        SVMProbe().fit(zero, labels)
    zero[4, 1] = np.nan
    with pytest.raises(ModelError, match=r"row 4: .*NaN"):
        SVMProbe().fit(zero, labels)
    with pytest.raises(ModelError, match=r"row 0: .*train mean"):
        SVMProbe().fit(np.ones((4, 3)), [0, 0, 1, 1])


@pytest.mark.parametrize(
    "arguments", [{"C": 0.0}, {"C": np.inf}, {"violation_tolerance": 0.0}, {"decision_tie": "x"}]
)
def test_arguments_without_a_meaning_are_refused(arguments: dict[str, Any]) -> None:
    """Exit 2 before any work."""
    with pytest.raises(UsageError):
        SVMProbe(**arguments)


def test_the_document_gives_every_constant() -> None:
    """Names and values are those of the document, in both divisions."""
    assert set(FIXED) | set(FREE) == set(CONSTANTS)
    probe = SVMProbe.from_protocol(CONSTANTS)
    for name in FREE:
        assert getattr(probe, name) == CONSTANTS[name]
    assert SVMProbe.from_protocol({**CONSTANTS, **DOCUMENT["compat"]}).decision_tie == "largest-id"


@pytest.mark.parametrize("name", sorted(FIXED))
def test_a_constant_that_the_probe_cannot_have_is_refused(name: str) -> None:
    """Exit 4 and the name, rather than a score by another protocol."""
    with pytest.raises(SpecError, match=name):
        SVMProbe.from_protocol({**CONSTANTS, name: "other"})


@pytest.mark.parametrize(("name", "value"), [("C", -1.0), ("decision_tie", "first"), ("C", "x")])
def test_a_value_without_a_meaning_is_refused(name: str, value: Any) -> None:
    """Also where the schema was not asked."""
    with pytest.raises(SpecError):
        SVMProbe.from_protocol({**CONSTANTS, name: value})
