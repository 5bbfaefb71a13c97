"""Our search for C in logistic regression beside scikit-learn's random search, as a Markdown table.

The published benchmark standardises the features and lets scikit-learn search 30 values of C in 5
folds with the solver saga, at most 1,000 passes: 150 fits. Of these a sample is measured: the
values of C are sorted and cut into equal groups, and the middle one of each is fitted on one fold,
the folds in turn; its groups' mean times 150 stands for the search, and the fit on all rows at the
end is left out. On 2,000 rows the groups are of one value, so that every C is measured once. Of
ours all is measured: 150 fits and the one on all rows. lbfgs is the solver that scikit-learn takes
by itself; it is measured at its own tolerance and at ours, the largest component of the gradient
being at most 1e-9 (10,000 passes at most). One thread each, in turn; ours runs between the fits of
the others.

    python tests/benchmarks/logistic.py [--quick] [--rows 2000 | 10000]
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from side_by_side import Way, drawn_features, table, timed, versions
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from biobench.probe import LogisticProbe

FOLDS = 5
SEPARATION = 0.2


def sampled(candidates: list[float], groups: int) -> list[int]:
    """Places in ``candidates`` of the middle of each group of the sorted ones."""
    order = sorted(range(len(candidates)), key=lambda i: candidates[i])
    size = len(order) // groups
    return [order[group * size + size // 2] for group in range(groups)]


@dataclass
class Search:
    """Fits of one of scikit-learn's solvers: what they took, and how near ours they came."""

    name: str
    solver: str
    tolerance: float
    passes: int
    cpu: list[float] = field(default_factory=list)
    unfinished: int = 0
    scores: dict[tuple[int, int], float] = field(default_factory=dict)

    def fit(self, features: np.ndarray, ids: np.ndarray, place: int, fold: int, c: float) -> None:
        """Fit one C on all folds but one, and score it on that as the search would."""
        train, held = list(StratifiedKFold(FOLDS).split(features, ids))[fold]
        model = make_pipeline(
            StandardScaler(),
            LogisticRegression(
                C=c,
                solver=self.solver,
                tol=self.tolerance,
                max_iter=self.passes,
                class_weight="balanced",
                random_state=17,
            ),
        )

        def work() -> float:
            model.fit(features[train], ids[train])
            return float(f1_score(ids[held], model.predict(features[held]), average="macro"))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.scores[place, fold], cpu, _ = timed(work)
        self.cpu.append(cpu)
        self.unfinished += int(model[-1].n_iter_.max() >= self.passes)


def ours(rows: int, features: int, classes: int) -> Callable[[], np.ndarray]:
    """Work that gives the score of each C in each fold."""
    matrix, ids = drawn_features(rows, features, classes, SEPARATION)
    return lambda: LogisticProbe().fit(matrix, ids).scores_


def search(rows: int, features: int, classes: int, groups: int, rounds: int) -> None:
    """All searches on one problem; ours runs ``rounds`` times, spread over the fits."""
    matrix, ids = drawn_features(rows, features, classes, SEPARATION)
    theirs = [
        Search("saga", "saga", 1e-4, 1000),
        Search("lbfgs", "lbfgs", 1e-4, 1000),
        Search("lbfgs, our tolerance", "lbfgs", 1e-9, 10_000),
    ]
    candidates = LogisticProbe().candidates
    mine = Way.here("biobench", ours(rows, features, classes))
    for number, place in enumerate(sampled(candidates, groups)):
        for one in theirs:
            one.fit(matrix, ids, place, number % FOLDS, candidates[place])
        if number % (groups // rounds) == groups // rounds // 2:
            scores = mine.run()
    fits = len(candidates) * FOLDS
    slowest = fits * statistics.mean(theirs[0].cpu)
    lines = []
    for one in theirs:
        apart = max(abs(score - scores[key]) for key, score in one.scores.items())
        total = fits * statistics.mean(one.cpu)
        spread = f"{min(one.cpu):.2f}, {statistics.median(one.cpu):.2f}, {max(one.cpu):.2f}"
        lines.append(
            [
                one.name,
                f"{groups} of {fits}",
                spread,
                str(one.unfinished),
                f"{apart:.4f}",
                f"{total:.0f}",
                f"{slowest / total:.1f}",
            ]
        )
    total = statistics.median(mine.cpu)
    mean, times = f"{total / (fits + 1):.3f} on average", f"{slowest / total:.0f}"
    lines.append([mine.name, "all", mean, "0", "", f"{total:.1f}", times])
    print(f"{rows:,} x {features:,}, {classes:,} classes\n")
    table(
        [
            "search",
            "fits measured",
            "CPU s a fit: least, median, most",
            "stopped early",
            "largest difference of a fold's macro-F1 from ours",
            "CPU s of the search",
            "CPU ratio",
        ],
        lines,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three fits of the small problem")
    parser.add_argument("--rows", type=int, choices=[2000, 10_000], help="this problem alone")
    arguments = parser.parse_args()
    print(versions("numpy", "scikit-learn"), end="\n\n")
    problems = {2000: (512, 12, 30, 3), 10_000: (1024, 12, 5, 1)}
    if arguments.quick:
        problems = {2000: (512, 12, 3, 1)}
    with threadpool_limits(1):
        for rows, problem in problems.items():
            if arguments.rows in (None, rows):
                search(rows, *problem)


if __name__ == "__main__":
    main()
