"""Every image against all others, four ways, as a Markdown table.

The definition computes every distance in float64, feature after feature. Ours takes the order from
one matrix product with a proven bound and decides by the definition what the product cannot tell.
FAISS is measured as it could take part: as proposals of the five neighbours that are listed, which
exact distances decide (KNNProbe), and as the float32 order of all rows, which the average precision
needs and which nothing proves. Features are drawn like those of a backbone; all ways answer the
same queries, one thread each.

    python tests/benchmarks/neighbours.py [--quick]
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass

import faiss
import numpy as np
from side_by_side import Way, alternate, drawn_features, ratio, table, versions
from threadpoolctl import threadpool_limits

from biobench.probe import KNNProbe
from biobench.probe.knn.definition import order_by_definition
from biobench.probe.knn.leave_one_out import leave_one_out
from biobench.probe.rows import unit_rows

LISTED = 5


@dataclass(frozen=True)
class Problem:
    """Rows, features and classes of a gallery, and how many of its rows are asked for."""

    rows: int
    features: int
    classes: int
    queries: int


PROBLEMS = [
    Problem(5902, 768, 788, 5902),
    Problem(5902, 1024, 788, 5902),
    Problem(100_000, 1024, 10_000, 320),
]
QUICK = [Problem(5902, 768, 788, 500)]


def order_by_faiss(rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """All rows of each query in the order of float32, the query itself among them."""
    index = faiss.IndexFlatL2(rows.shape[1])
    index.add(rows.astype(np.float32))
    found: np.ndarray = index.search(rows[queries].astype(np.float32), len(rows))[1]
    return found


def measure(problem: Problem, rounds: int) -> None:
    """All ways on one problem."""
    features, labels = drawn_features(problem.rows, problem.features, problem.classes, 1.0)
    queries = np.arange(problem.queries)

    def definition() -> np.ndarray:
        return order_by_definition(unit_rows(features), queries)[:, :LISTED]

    def ours() -> np.ndarray:
        return leave_one_out(features, labels, queries, listed=LISTED).neighbours

    def proposals() -> np.ndarray:
        rows = KNNProbe(k=LISTED + 1).fit(features, labels).kneighbors(features[queries])[1]
        return rows[:, 1:]

    def faiss_order() -> np.ndarray:
        return order_by_faiss(unit_rows(features), queries)[:, 1 : LISTED + 1]

    ways = [
        Way.here("definition, order of all rows", definition),
        Way.here("biobench, order of all rows and average precision", ours),
        Way.here("FAISS, five neighbours alone, exact", proposals),
        Way.here("FAISS, order of all rows in float32", faiss_order),
    ]
    faiss.omp_set_num_threads(1)
    with threadpool_limits(1):
        found = alternate(ways, rounds)
    title = f"{problem.rows:,} x {problem.features:,}, {problem.queries:,} queries"
    table(
        [title, "CPU s", "wall s", "CPU ratio", "queries with equal neighbours"],
        [
            [
                way.name,
                f"{statistics.median(way.cpu):.2f}",
                f"{statistics.median(way.wall):.2f}",
                f"{ratio(ways[0].cpu, way.cpu):.1f}",
                f"{100 * float((found[0] == rows).all(axis=1).mean()):.2f} %",
            ]
            for way, rows in zip(ways, found, strict=True)
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="500 queries, one gallery")
    arguments = parser.parse_args()
    print(versions("numpy", "faiss-cpu"), end="\n\n")
    for problem in QUICK if arguments.quick else PROBLEMS:
        measure(problem, 1)


if __name__ == "__main__":
    main()
