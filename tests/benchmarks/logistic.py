"""Our search for C in logistic regression beside a random search with saga, as a Markdown table.

The published benchmark standardises the features and lets scikit-learn search: 30 values of C, 5
folds, the solver saga with at most 1,000 passes. All of ours is measured: 150 fits and the one on
all rows. Of saga's 150 fits few are: sort the values of C and cut them into equal groups, take the
middle one of each, and fit the folds in turn. Their mean times 150 stands for saga's search; its
fit on all rows is left out. One thread each; ours runs
between the first fits of saga's.

    python tests/benchmarks/logistic.py [--quick]
"""

from __future__ import annotations

import argparse
import statistics
import warnings

import numpy as np
from side_by_side import Way, cpu_seconds, drawn_features, table, versions
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from biobench.probe import LogisticProbe

FOLDS = 5


def sampled(candidates: list[float], groups: int) -> list[int]:
    """Places in ``candidates`` of the middle of each group of the sorted ones."""
    order = sorted(range(len(candidates)), key=lambda i: candidates[i])
    size = len(order) // groups
    return [order[group * size + size // 2] for group in range(groups)]


class Saga:
    """Fits of saga on the folds in turn, with the fold's score as the search would take it."""

    def __init__(self, features: np.ndarray, ids: np.ndarray) -> None:
        self.features, self.ids = features, ids
        self.folds = list(StratifiedKFold(FOLDS).split(features, ids))

    def fit(self, strength: float, fold: int) -> tuple[float, int]:
        train, held = self.folds[fold]
        model = make_pipeline(
            StandardScaler(),
            LogisticRegression(
                C=strength, solver="saga", max_iter=1000, class_weight="balanced", random_state=17
            ),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(self.features[train], self.ids[train])
        predicted = model.predict(self.features[held])
        return f1_score(self.ids[held], predicted, average="macro"), int(model[-1].n_iter_.max())


def search(rows: int, features: int, classes: int, groups: int, rounds: int) -> None:
    """Both searches on one problem; ours runs after each of the first ``rounds`` fits."""
    matrix, ids = drawn_features(rows, features, classes, 0.2)
    saga = Saga(matrix, ids)
    candidates = LogisticProbe().candidates
    ours = Way("biobench", lambda: LogisticProbe().fit(matrix, ids))
    cpu, lines = [], []
    for number, place in enumerate(sampled(candidates, groups)):
        fold = number % FOLDS
        before = cpu_seconds()
        score, passes = saga.fit(candidates[place], fold)
        cpu.append(cpu_seconds() - before)
        if number < rounds:
            probe = ours.run()
        lines.append(
            [
                f"{candidates[place]:.4f}",
                str(fold),
                f"{cpu[-1]:.2f}",
                str(passes),
                f"{score:.4f}",
                f"{probe.scores_[place, fold]:.4f}",
            ]
        )
    fits = len(candidates) * FOLDS
    theirs, own = fits * statistics.mean(cpu), statistics.median(ours.cpu)
    print(f"{rows:,} x {features:,}, {classes} classes\n")
    table(
        ["search", "fits measured", "CPU s", "CPU ratio"],
        [
            [f"saga, {fits} fits", f"{groups}, the rest extrapolated", f"{theirs:.0f}", "1"],
            [f"biobench, {fits + 1} fits", "all", f"{own:.1f}", f"{theirs / own:.0f}"],
        ],
    )
    table(["C", "fold", "saga, CPU s", "passes", "fold's macro-F1", "biobench's"], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer fits and small problems")
    quick = parser.parse_args().quick
    print(versions("numpy", "scikit-learn"), end="\n\n")
    with threadpool_limits(1):
        search(2000, 512, 12, *((3, 1) if quick else (10, 3)))
        if not quick:
            search(10_000, 1024, 12, 3, 1)


if __name__ == "__main__":
    main()
