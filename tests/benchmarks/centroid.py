"""Nearest centroid with rejection beside scikit-learn's parts, as a Markdown table.

As the published benchmark describes it: centred unit rows to the nearest class mean, the shrunk
within-class covariance of LinearDiscriminantAnalysis, and a distance to every class mean, here by
the covariance's inverse and three matrix products. Ours adds every product in a fixed order, so
that any language gets its bits. Fit and prediction of FungiCLEF's 1,604 classes with 20,000 rows,
measured whole; --quick takes an eighth of the classes and rows, --whole all of FungiCLEF's 295,938
rows, which takes several minutes and 12 GB. One thread each.

    python tests/benchmarks/centroid.py [--quick | --whole]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import numpy as np
from side_by_side import Way, alternate, drawn_features, ratio, table, versions
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NearestCentroid
from threadpoolctl import threadpool_limits

from biobench.probe import CentroidProbe

TEST_ROWS = 1000


def with_scikit_learn(train: np.ndarray, ids: np.ndarray, test: np.ndarray) -> np.ndarray:
    rows = train.astype(np.float64)
    mean = rows.mean(axis=0)
    analysis = LinearDiscriminantAnalysis("eigen", shrinkage="auto").fit(rows, ids)
    inverse = np.linalg.inv(analysis.covariance_)
    means = analysis.means_ - mean
    own = ((means @ inverse) * means).sum(axis=1)

    def scores(centred: np.ndarray) -> np.ndarray:
        half = centred @ inverse
        squares = (half * centred).sum(axis=1)[:, None] - 2 * half @ means.T + own
        return squares.min(axis=1)

    def unit(centred: np.ndarray) -> np.ndarray:
        return centred / np.linalg.norm(centred, axis=1, keepdims=True)

    threshold = np.percentile(scores(rows - mean), 95)
    centroids = NearestCentroid().fit(unit(rows - mean), ids)
    centred = test.astype(np.float64) - mean
    return np.where(scores(centred) > threshold, -1, centroids.predict(unit(centred)))


def drawn(rows: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Train rows, their class ids, and test rows."""
    matrix, ids = drawn_features(rows + TEST_ROWS, 1024, classes, 1.0)
    return matrix[:rows], ids[:rows], matrix[rows:]


def ours(rows: int, classes: int) -> Callable[[], np.ndarray]:
    train, ids, test = drawn(rows, classes)
    return lambda: CentroidProbe().fit(train, ids).predict(test)


def measure(rows: int, classes: int, rounds: int) -> None:
    """Both on one problem."""
    train, ids, test = drawn(rows, classes)
    ways = [
        Way.here("scikit-learn", lambda: with_scikit_learn(train, ids, test)),
        Way.here("biobench", ours(rows, classes)),
    ]
    with threadpool_limits(1):
        found = alternate(ways, rounds)
    table(
        [f"{rows:,} x 1,024, {classes:,} classes", "CPU s", "wall s", "CPU ratio", "predictions"],
        [
            [
                way.name,
                f"{statistics.median(way.cpu):.1f}",
                f"{statistics.median(way.wall):.1f}",
                f"{ratio(ways[0].cpu, way.cpu):.2f}",
                f"{100 * float((found[0] == labels).mean()):.1f} % equal",
            ]
            for way, labels in zip(ways, found, strict=True)
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="an eighth of the classes and rows")
    size.add_argument("--whole", action="store_true", help="all of FungiCLEF's rows, one round")
    arguments = parser.parse_args()
    rows, classes, rounds = 20_000, 1604, 3
    if arguments.quick:
        rows, classes, rounds = rows // 8, classes // 8, 1
    if arguments.whole:
        rows, rounds = 295_938, 1
    print(versions("numpy", "scikit-learn"), end="\n\n")
    measure(rows, classes, rounds)


if __name__ == "__main__":
    main()
