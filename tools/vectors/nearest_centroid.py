"""Section 10.5: nearest centroid with rejection."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NearestCentroid

from biobench.spec.generator import Stream
from vectors import exact_centroid, plain
from vectors.case import Case, Section, VectorFile, refused

OFFICIAL = {"protocol": "nearest_centroid", "division": "official"}
COMPAT = {"protocol": "nearest_centroid", "division": "compat"}
Rows = list[list[float]]


def percent(given: Any) -> float:
    return float(plain.constants("nearest_centroid", given["division"])["rejection_percentile"])


def by_class(given: Any) -> tuple[list[int], dict[int, Rows]]:
    classes = sorted(set(given["labels"]))
    pairs = list(zip(given["features"], given["labels"], strict=True))
    return classes, {c: [row for row, label in pairs if label == c] for c in classes}


def classes_check(given: Any, output: Any) -> None:
    """Word for word; and scikit-learn's covariance, where it takes the input."""
    assert np.array_equal(np.array(given["features"], np.float32), given["features"])
    classes, of = by_class(given)
    d = len(given["features"][0])
    pooled = [[0.0] * d for _ in range(d)]
    for place, c in enumerate(classes):
        shrinkage, matrix = exact_centroid.class_covariance(of[c])
        assert output["shrinkages"][place] == shrinkage
        assert output["means"][place] == exact_centroid.column_means(of[c])
        share = len(of[c]) / len(given["labels"])
        pooled = [[pooled[j][k] + share * matrix[j][k] for k in range(d)] for j in range(d)]
    assert output["classes"] == classes
    assert output["covariance"] == pooled
    if len(classes) > 1:
        covariance = lda_covariance(given)
        np.testing.assert_allclose(output["covariance"], covariance, 1e-9, 1e-9)
    for place, c in enumerate(classes):
        varying = np.ptp(of[c], axis=0) > 0
        expected = np.where(varying, np.std(of[c], axis=0), 1)
        np.testing.assert_allclose(output["deviations"][place], expected, 1e-12)


def lda_covariance(given: Any) -> Any:
    from sklearn.discriminant_analysis import _class_cov

    labels = np.array(given["labels"])
    priors = np.unique(labels, return_counts=True)[1] / labels.size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "Only one sample available"
        return _class_cov(np.array(given["features"], np.float64), labels, priors, "auto")


def factor_check(given: Any, output: Any) -> None:
    factor = exact_centroid.factor_of(given["matrix"])
    whitened = [exact_centroid.whitened(factor, y) for y in given["vectors"]]
    assert output == {"factor": factor, "whitened": whitened}
    np.testing.assert_allclose(output["factor"], np.linalg.cholesky(given["matrix"]), 0, 1e-9)


def threshold_check(given: Any, output: Any) -> None:
    assert output == {"threshold": np.percentile(given["scores"], percent(given))}


def forms_differ(given: Any, output: Any) -> None:
    """The text has two forms; these scores tell them apart in the last bit."""
    threshold_check(given, output)
    e = sorted(given["scores"])
    p = (len(e) - 1) * (percent(given) / 100)
    i = int(p)
    f, low, high = p - i, e[i], e[i + 1]
    forms = [low + (high - low) * f, high - (high - low) * (1 - f)]
    assert forms[0] != forms[1]
    assert output["threshold"] == forms[f >= 0.5]


def norm_matters(given: Any, output: Any) -> None:
    """Without the division by its norm the nearest class of each test row is another one."""
    fit_check(given, output)
    rows = np.array(given["test"]) - output["mean"]
    away = rows[:, None] - np.array(output["centroids"])
    classes = np.array(sorted(set(given["labels"])))
    undivided = classes[(away * away).sum(axis=2).argmin(axis=1)]
    assert not (undivided == output["nearest"]).any(), undivided


def fit_check(given: Any, output: Any) -> None:
    """Word for word; and scikit-learn's classifier on the centred rows of norm one."""
    assert np.array_equal(np.array(given["features"], np.float32), given["features"])
    fitted = exact_centroid.fit(given["features"], given["labels"], percent(given))
    assert output["mean"] == fitted.mean
    assert output["centroids"] == fitted.centroids
    assert output["threshold"] == fitted.threshold
    assert output["scores"] == [fitted.score(row) for row in given["test"]]
    predict_check(given, {"y_pred": output["y_pred"]})
    rejected = [score > fitted.threshold for score in output["scores"]]
    expected = zip(output["nearest"], rejected, strict=True)
    assert output["y_pred"] == [-1 if far else near for near, far in expected]


def classified(given: Any, output: Any) -> None:
    """Drawn rows have no ties: scikit-learn and LAPACK must agree too."""
    fit_check(given, output)
    features, test = (np.array(given[name], np.float64) for name in ("features", "test"))

    def unit(rows: Any) -> Any:
        centred = rows - features.mean(axis=0)
        return centred / np.linalg.norm(centred, axis=1, keepdims=True)

    theirs = NearestCentroid().fit(unit(features), given["labels"])
    assert output["nearest"] == theirs.predict(unit(test)).tolist()
    analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto")
    analysis.fit(features, given["labels"])
    inverse = np.linalg.inv(analysis.covariance_)

    def scores(rows: Any) -> Any:
        away = rows[:, None] - analysis.means_
        return np.einsum("ncd,de,nce->nc", away, inverse, away).min(axis=1)

    np.testing.assert_allclose(output["scores"], scores(test), 1e-9)
    bound = np.percentile(scores(features), percent(given))
    np.testing.assert_allclose(output["threshold"], bound, 1e-9)


def predict_check(given: Any, output: Any) -> None:
    fitted = exact_centroid.fit(given["features"], given["labels"], percent(given))
    assert output == {"y_pred": [fitted.predict(row) for row in given["test"]]}


def singular(given: Any, output: Any) -> None:
    refused(given, output)
    try:
        if "matrix" in given:
            exact_centroid.factor_of(given["matrix"])
        else:
            exact_centroid.fit(given["features"], given["labels"], percent(given))
    except ArithmeticError:
        return
    raise AssertionError("the plain loop finds a factor")


def drawn(name: str, rows: int, width: int, classes: int, apart: float = 2) -> dict[str, Any]:
    """Clusters in multiples of 2^-8, which float32 holds exactly, scaled and correlated."""
    stream = Stream(17, f"vectors/nearest_centroid/{name}")
    centres = stream.integers(2049, classes * width).reshape(classes, width) - 1024
    noise = stream.integers(2049, rows * width, 10_000).reshape(rows, width) - 1024
    labels = stream.permutation(rows, 20_000) % classes
    values = apart * centres[labels] + noise + np.roll(noise, 1, axis=1) // 2
    scale = 2.0 ** (np.arange(width) % 4 - 10)
    return {"features": (values * scale).tolist(), "labels": labels.tolist()}


def parted(data: dict[str, Any], train: int) -> dict[str, Any]:
    """The first rows to learn from; the others, and a few of them twice as far out, to predict."""
    features, labels = data["features"], data["labels"]
    far = [[2 * v for v in row] for row in features[train : train + 4]]
    return {"features": features[:train], "labels": labels[:train], "test": features[train:] + far}


def gaps(data: dict[str, Any], ids: list[int]) -> dict[str, Any]:
    return {**data, "labels": [ids[label] for label in data["labels"]]}


CORNERS: dict[str, dict[str, Any]] = {
    "column-that-does-not-vary": {
        "features": [[1, 0.5], [2, 0.5], [4, 0.5], [0, 1], [1, 3], [5, 2]],
        "labels": [0, 0, 0, 1, 1, 1],
    },
    "third-of-a-number-that-does-not-vary": {
        "features": [[0.125, 5], [0.125, 7], [0.125, 6], [9, 1], [8, 2], [7, 1]],
        "labels": [0, 0, 0, 1, 1, 1],
    },
    "class-of-one-row": {
        "features": [[1, 2, 0], [7, 7, 7], [2, 2, 1], [4, 1, 3], [0, 0, 2]],
        "labels": [0, 1, 0, 0, 0],
    },
    "class-of-two-rows": {
        "features": [[1, 2, 0], [2, 4, 1], [5, 1, 1], [6, 3, 2], [9, 1, 4], [5, 5, 5]],
        "labels": [0, 0, 1, 1, 1, 1],
    },
    "class-of-equal-rows": {
        "features": [[3, 3], [3, 3], [3, 3], [1, 0], [0, 1], [2, 2]],
        "labels": [0, 0, 0, 1, 1, 1],
    },
    "one-feature": {"features": [[1], [2], [4], [8], [10], [13]], "labels": [0, 0, 0, 1, 1, 1]},
    "spheres-need-no-shrinkage": {
        "features": [[1, 1], [-1, 1], [1, -1], [-1, -1], [2, 0], [0, 2], [-2, 0], [0, -2]],
        "labels": [0, 0, 0, 0, 1, 1, 1, 1],
    },
    "one-class": {"features": [[1, 0], [0, 2], [3, 3], [4, 1]], "labels": [0, 0, 0, 0]},
    "rows-of-classes-mixed": {
        "features": [[1, 9], [5, 2], [2, 8], [6, 1], [1, 7], [7, 3], [3, 9]],
        "labels": [4, 2, 4, 2, 4, 2, 4],
    },
}


def case(kind: str, name: str, check: Any, given: dict[str, Any], division: Any = OFFICIAL) -> Case:
    return Case(f"nearest-centroid/{kind}/{name}", {**division, **given}, check)


file = Section("nearest-centroid", "10.5", "P", "nearest_centroid").file


def files() -> Iterator[VectorFile]:
    spread = drawn("spread", 24, 5, 3)
    yield file(
        "classes",
        "Means, deviations and shrinkage of each class, and the covariance within classes.",
        [case("classes", name, classes_check, given) for name, given in CORNERS.items()]
        + [
            case("classes", "drawn", classes_check, spread),
            case("classes", "more-features-than-rows", classes_check, drawn("wide", 12, 9, 2)),
            case("classes", "compat", classes_check, gaps(spread, [7, 1, 30]), COMPAT),
        ],
        source="a plain loop; scikit-learn's within-class covariance",
    )
    positive = [[4, 2, -2], [2, 10, 2], [-2, 2, 6]]
    third = [[3, 1, 1], [1, 3, 1], [1, 1, 3]]
    small = [[v * 2.0**-40 for v in row] for row in third]
    yield file(
        "factor",
        "The Cholesky factor of a matrix, and vectors whitened by it; a pivot that is rounding.",
        [
            case("factor", name, factor_check, {"matrix": matrix, "vectors": vectors})
            for name, matrix, vectors in [
                ("whole-numbers", positive, [[2, 1, -3], [0, 0, 0], [0.1, 0.2, 0.3]]),
                ("roots-that-are-rounded", third, [[1, 1, 1], [1, -1, 0], [7, 0.7, 70]]),
                ("small-scale", small, [[1, 2, 3]]),
                ("one-coordinate", [[2]], [[1], [-3]]),
                ("pivot-that-is-nearly-rounding", [[1, 1], [1, 1 + 2.0**-34]], [[1, 2]]),
                ("order-of-subtractions", [[1, 0.1, 0.2, 0.7], [0.1, 1, 0.3, 0.1],
                                           [0.2, 0.3, 1, 0.4], [0.7, 0.1, 0.4, 1]],
                 [[0.3, 0.1, 0.7, 0.9], [-1, 1e-3, 1e3, 0.1]]),
            ]
        ]
        + [
            case("factor", f"error/{name}", singular, {"matrix": matrix, "vectors": []})
            for name, matrix in [
                ("zero", [[0]]),
                ("singular", [[1, 1], [1, 1]]),
                ("negative", [[1, 2], [2, 1]]),
                ("rounding-is-left", [[3, 0.1], [0.1, 0.1 * 0.1 / 3 * (1 + 1e-12)]]),
            ]
        ],
        source="a plain loop; LAPACK",
    )  # fmt: skip
    order = Stream(17, "vectors/nearest_centroid/scores").permutation(101).tolist()
    yield file(
        "threshold",
        "The percentile of train scores, between two of them by the linear rule.",
        [
            case("threshold", name, threshold_check, {"scores": scores}, division)
            for name, scores, division in [
                ("one-score", [2.5], OFFICIAL),
                ("two-scores", [1, 2], OFFICIAL),
                ("a-score-itself", [3 * v + 0.5 for v in order], OFFICIAL),
                ("above-the-middle", [v / 7 for v in order[:7]], OFFICIAL),
                ("below-the-middle", [v / 3 for v in order[:12]], OFFICIAL),
                ("just-below-a-score", [v * v / 9 for v in order[:40]], OFFICIAL),
                ("equal-scores", [4, 4, 4, 1, 4], OFFICIAL),
                ("compat", [v / 11 for v in order[:33]], COMPAT),
            ]
        ]
        + [
            case("threshold", f"last-bit-{name}", forms_differ, {"scores": scores}, division)
            for name, scores, division in [
                ("below-the-middle", [v / 11 for v in order[:14]], OFFICIAL),
                ("above-the-middle", [v / 3 for v in order[:5]], OFFICIAL),
                ("above-the-middle-compat", [v / 9 for v in order[:28]], COMPAT),
            ]
        ],
        source="numpy.percentile",
    )
    clusters = parted(drawn("clusters", 56, 4, 3), 36)
    square: Rows = [[4, 1], [4, -1], [5, 1], [5, -1], [-4, 1], [-4, -1], [-5, 1], [-5, -1]]
    halves = [0, 0, 0, 0, 1, 1, 1, 1]
    rays: Rows = [[8, 1], [8, -1], [7, 1], [9, -1]]
    rays += [[-12, 6], [-12, -6], [0, 10], [0, -10], [-4, 3], [-4, -3]]
    yield file(
        "fit",
        "Mean, centroids and threshold of a fit; scores, nearest classes and labels of rows.",
        [
            case("fit", "drawn", classified, clusters),
            case("fit", "ids-with-gaps", classified, gaps(clusters, [5, 2, 40])),
            case("fit", "equal-distances-of-longer-ids", fit_check, {
                "features": square, "labels": [(9, 10)[c] for c in halves], "test": [[0, 1]],
            }),
            case("fit", "compat", classified, gaps(clusters, [0, 3, 9]), COMPAT),
            case("fit", "column-that-does-not-vary", fit_check, {
                **CORNERS["column-that-does-not-vary"], "test": [[1, 0.5], [9, 9], [2, 2]],
            }),
            case("fit", "class-of-one-row", fit_check, {
                **CORNERS["class-of-one-row"], "test": [[7, 7, 7], [1, 1, 1], [7, 0, 7]],
            }),
            case("fit", "equal-distances", fit_check, {
                "features": square, "labels": halves, "test": [[0, 1], [0, -3], [0, 0]],
            }),
            case("fit", "equal-distances-other-labels", fit_check, {
                "features": square, "labels": [1 - c for c in halves], "test": [[0, 1], [0, 0]],
            }),
            case("fit", "two-classes-of-the-same-rows", fit_check, {
                "features": square + square, "labels": halves + [c + 2 for c in halves],
                "test": [[4, 0], [-4, 0.5]],
            }),
            case("fit", "row-at-the-train-mean", fit_check, {
                "features": [[1, 0], [-1, 0], [0, 2], [0, -2], [3, 1], [-3, -1], [0, 0]],
                "labels": [0, 0, 1, 1, 1, 0, 0], "test": [[0, 0], [0.5, 0]],
            }),
            # Class 0 lies in one direction from the mean and class 1 in all: its centroid is short,
            # and so near to any row that is near the mean, as long as that is not scaled.
            case("fit", "rows-near-the-mean", norm_matters, {
                "features": rays, "labels": [0] * 4 + [1] * 6,
                "test": [[m / 64 for m in row] for row in rays[:4]],
            }),
            case("fit", "score-at-the-threshold-is-kept", fit_check, {
                "features": square, "labels": halves, "test": square,
            }),
        ]
        + [
            case("fit", f"error/{name}", check, {
                "features": features, "labels": labels, "test": [[0] * len(features[0])],
            })
            for name, check, features, labels in [
                ("one-row-a-class", singular, [[1, 0], [0, 1]], [0, 1]),
                ("lines", singular, [[0, 0], [2, 2], [0, 0], [4, 4]], [0, 0, 1, 1]),
                ("equal-rows", singular, [[1, 1]] * 6, [0, 0, 0, 1, 1, 1]),
                ("label-below-zero", refused, square, [-1, *halves[1:]]),
            ]
        ],
        source="a plain loop; scikit-learn and LAPACK where no distances are equal",
    )  # fmt: skip
    stage = parted(drawn("stage", 56, 5, 4), 40)
    other = parted(drawn("compat", 40, 3, 2), 30)
    yield file(
        "predict",
        "Labels that the probe stage gives to rows: the nearest class, or -1.",
        [
            case("predict", "drawn", predict_check, stage),
            case("predict", "compat", predict_check, other, COMPAT),
        ],
        source="a plain loop",
    )
