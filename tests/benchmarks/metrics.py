"""Interval of every metric at its data set's size, and a comparison of two models, as a table.

One thread. 150,000 predictions are about those of the largest test split.

    python tests/benchmarks/metrics.py [--quick]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import numpy as np
from side_by_side import Way, alternate, table, versions
from threadpoolctl import threadpool_limits

from biobench.metric.cells import Cells, class_cells, group_cells, ratio_cells, shares, trait_cells
from biobench.metric.half_jackknife import half_jackknife
from biobench.metric.signs import Flips, squared_ratios
from biobench.metric.traits_f1 import trait_codes
from biobench.metric.user_loss import losses
from biobench.spec.generator import Stream

RANDOM = np.random.Generator(np.random.PCG64(1))
REPLICATES = 999


def predicted(truth: np.ndarray, classes: int, right: float) -> np.ndarray:
    """Predictions of which about the share ``right`` are right."""
    guess = RANDOM.integers(0, classes, truth.size)
    return np.where(RANDOM.random(truth.size) < right, truth, guess)


def intervals() -> dict[str, Callable[[], Cells]]:
    """The cells of a metric, with the number of items and clusters, by the task whose it is."""
    large = RANDOM.permutation(np.arange(150_000) % 1000)
    guess = predicted(large, 1000, 0.6)
    cameras = RANDOM.integers(0, 48, large.size)
    # FishNet's test rows and traits, in species.
    traits = (RANDOM.random((18_015, 9)) < 0.3).astype(np.int64)
    codes = trait_codes(traits, np.where(RANDOM.random(traits.shape) < 0.8, traits, 1 - traits))
    species = RANDOM.integers(0, 6371, len(codes))
    # FungiCLEF's observations: 1,604 known classes and the unknown one.
    fungi = np.sort(RANDOM.integers(-1, 1604, 30_000))
    poisonous = np.arange(-1, 1604) % 20 == 5
    called = predicted(fungi, 1604, 0.5)
    loss, worst = losses(fungi, called, poisonous[fungi + 1], poisonous[called + 1])
    # NeWT: 164 tasks of two classes.
    groups = np.sort(RANDOM.integers(0, 164, 18_000))
    right = shares(RANDOM.random(groups.size) < 0.8)
    return {
        "macro_f1, 150,000 in 1,000 classes, 48 clusters": lambda: class_cells(
            cameras, large, guess
        ),
        "macro_f1, the same, each its own cluster": lambda: class_cells(
            np.arange(large.size), large, guess
        ),
        "traits_f1, 18,015 x 9 traits, 6,371 clusters": lambda: trait_cells(species, codes),
        "user_loss, 30,000 clusters": lambda: ratio_cells(
            np.arange(fungi.size), (worst - loss).astype(float), worst.astype(float)
        ),
        "group_accuracy, 18,000 clusters in 164 groups": lambda: group_cells(
            np.arange(groups.size), groups, *right
        ),
    }


def comparison(clusters: int) -> Callable[[], np.ndarray]:
    """Two models' flipped signs."""
    models = [
        half_jackknife(ratio_cells(np.arange(clusters), RANDOM.random(clusters), np.ones(clusters)))
        for _ in range(2)
    ]

    def work() -> np.ndarray:
        flips = Flips.of(models, Stream(17, "signs/benchmark"), REPLICATES)
        return squared_ratios(*flips.pair(0, 1))

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round")
    rounds = 1 if parser.parse_args().quick else 3
    print(versions("numpy"), end="\n\n")

    def interval(cells: Callable[[], Cells]) -> Callable[[], float]:
        return lambda: half_jackknife(cells()).standard_error

    with threadpool_limits(1):
        ways = [Way.here(name, interval(cells)) for name, cells in intervals().items()]
        ways += [
            Way.here(f"p value, {clusters:,} clusters, {REPLICATES} replicates", work)
            for clusters, work in ((n, comparison(n)) for n in (48, 6000, 150_000))
        ]
        alternate(ways, rounds)
    table(
        ["interval of", "CPU s", "wall s"],
        [
            [way.name, f"{statistics.median(way.cpu):.2f}", f"{statistics.median(way.wall):.2f}"]
            for way in ways
        ],
    )


if __name__ == "__main__":
    main()
