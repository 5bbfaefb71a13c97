"""Nearest centroid with rejection beside scikit-learn's parts, as a Markdown table.

As the published benchmark describes it: centred unit rows to the nearest class mean, the shrunk
within-class covariance of LinearDiscriminantAnalysis, and a distance to every class mean, here by
the covariance's inverse and three matrix products. Ours adds every product in a fixed order, so
that any language gets its bits. Fit and prediction of FungiCLEF's 1,604 classes with 20,000 rows,
measured whole; --quick takes an eighth of the classes and rows. One thread each.

    python tests/benchmarks/centroid.py [--quick]
"""

from __future__ import annotations

import argparse
import statistics

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


def with_biobench(train: np.ndarray, ids: np.ndarray, test: np.ndarray) -> np.ndarray:
    return CentroidProbe().fit(train, ids).predict(test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="an eighth of the classes and rows")
    part = 8 if parser.parse_args().quick else 1
    rows, classes = 20_000 // part, 1604 // part
    matrix, labels = drawn_features(rows + TEST_ROWS, 1024, classes, 1.0)
    train, ids, test = matrix[:rows], labels[:rows], matrix[rows:]
    ways = [
        Way("scikit-learn", lambda: with_scikit_learn(train, ids, test)),
        Way("biobench", lambda: with_biobench(train, ids, test)),
    ]
    with threadpool_limits(1):
        theirs, ours = alternate(ways, 1)
    print(versions("numpy", "scikit-learn"), end="\n\n")
    table(
        [f"{rows:,} x 1,024, {classes:,} classes", "CPU s", "wall s", "CPU ratio", "predictions"],
        [
            [
                way.name,
                f"{statistics.median(way.cpu):.1f}",
                f"{statistics.median(way.wall):.1f}",
                f"{ratio(ways[0].cpu, way.cpu):.2f}",
                f"{100 * float((theirs == found).mean()):.1f} % equal",
            ]
            for way, found in zip(ways, (theirs, ours), strict=True)
        ],
    )


if __name__ == "__main__":
    main()
