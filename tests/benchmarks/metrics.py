"""Bootstrap replicates of every metric at its data set's size, as Markdown tables.

First two models on the same 1,000 resamples of 150,000 predictions in 1,000 classes, beside a loop
that draws rows within each class and asks scikit-learn for the macro-F1: ours measured whole, the
loop on a few replicates, the rest extrapolated. Then the other metrics, ours alone. One thread
each.

    python tests/benchmarks/metrics.py [--quick]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import numpy as np
from side_by_side import Way, alternate, ratio, table, versions
from sklearn.metrics import f1_score
from threadpoolctl import threadpool_limits

from biobench.metric import bootstrap
from biobench.metric.traits_f1 import trait_codes
from biobench.metric.user_loss import losses
from biobench.spec.generator import Stream

STREAM = Stream(17, "benchmark")
RANDOM = np.random.Generator(np.random.PCG64(1))


def predicted(truth: np.ndarray, classes: int, right: float) -> np.ndarray:
    """Predictions of which about the share ``right`` are right."""
    guess = RANDOM.integers(0, classes, truth.size)
    return np.where(RANDOM.random(truth.size) < right, truth, guess)


def loop(truth: np.ndarray, models: list[np.ndarray], replicates: int) -> list[list[float]]:
    """Each model's macro-F1 on the same resamples, drawn and counted one at a time."""
    order = np.argsort(truth, kind="stable")
    strata = np.split(order, np.cumsum(np.bincount(truth))[:-1])
    values = []
    for _ in range(replicates):
        rows = np.concatenate([RANDOM.choice(stratum, stratum.size) for stratum in strata])
        values.append([f1_score(truth[rows], p[rows], average="macro") for p in models])
    return values


def drawn() -> tuple[np.ndarray, list[np.ndarray]]:
    """Truth and two models' predictions: 150,000 items in 1,000 classes."""
    truth = RANDOM.permutation(np.arange(150_000) % 1000)
    return truth, [predicted(truth, 1000, right) for right in (0.6, 0.62)]


def ours(replicates: int) -> Callable[[], list[np.ndarray]]:
    """Work that gives each model's macro-F1 on the same resamples."""
    truth, models = drawn()
    return lambda: [bootstrap.macro_f1_replicates(truth, p, STREAM, replicates) for p in models]


def paired(replicates: int, sample: int, rounds: int) -> None:
    """Two models on the same resamples."""
    truth, models = drawn()
    theirs = Way.here("scikit-learn in a loop", lambda: loop(truth, models, sample))
    mine = Way.here("biobench", ours(replicates))
    alternate([theirs, mine], rounds)
    for times in (theirs.cpu, theirs.wall):
        times[:] = [seconds * replicates / sample for seconds in times]
    table(
        [
            "two models, 150,000 x 1,000 classes",
            "replicates measured",
            "CPU s",
            "wall s",
            "CPU ratio",
        ],
        [
            [
                way.name,
                str(measured),
                f"{statistics.median(way.cpu):.1f}",
                f"{statistics.median(way.wall):.1f}",
                f"{ratio(theirs.cpu, way.cpu):.0f}",
            ]
            for way, measured in (
                (theirs, f"{sample} of {replicates:,}"),
                (mine, f"{replicates:,}"),
            )
        ],
    )


def metrics(replicates: int) -> dict[str, Callable[[], np.ndarray]]:
    """The replicated statistic, with the number of items, by the task whose metric it is."""
    # FishNet's test rows and traits.
    traits = (RANDOM.random((18_901, 9)) < 0.3).astype(np.int64)
    codes = trait_codes(traits, np.where(RANDOM.random(traits.shape) < 0.8, traits, 1 - traits))
    # FungiCLEF's observations: 1,604 known classes and the unknown one.
    fungi = np.sort(RANDOM.integers(-1, 1604, 30_000))
    poisonous = np.arange(-1, 1604) % 20 == 5
    guess = predicted(fungi, 1604, 0.5)
    loss, worst = losses(fungi, guess, poisonous[fungi + 1], poisonous[guess + 1])
    # NeWT: 164 tasks of two classes.
    groups = np.sort(RANDOM.integers(0, 164, 18_000))
    strata = 2 * groups + RANDOM.integers(0, 2, groups.size)
    right = RANDOM.random(groups.size) < 0.8
    # iNat21's validation rows.
    inat = np.arange(100_000) % 10_000
    hit = RANDOM.random(inat.size) < 0.5
    whales = RANDOM.integers(0, 788, 5902)
    share = RANDOM.random(whales.size)
    return {
        f"traits_f1, {len(codes):,} x 9 traits": lambda: bootstrap.traits_f1_replicates(
            codes, STREAM, replicates
        ),
        f"user_loss, {fungi.size:,} observations": lambda: bootstrap.user_loss_replicates(
            fungi, loss, worst, STREAM, replicates
        ),
        f"group_accuracy, {groups.size:,} in 164 groups": lambda: (
            bootstrap.group_accuracy_replicates(strata, groups, right, STREAM, replicates)
        ),
        f"accuracy, {inat.size:,} in 10,000 classes": lambda: bootstrap.share_replicates(
            inat, hit, STREAM, replicates
        ),
        f"mean average precision, {whales.size:,} queries": lambda: bootstrap.mean_replicates(
            whales, share, STREAM, replicates
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round")
    rounds = 1 if parser.parse_args().quick else 3
    print(versions("numpy", "scikit-learn"), end="\n\n")
    with threadpool_limits(1):
        paired(1000, 4, rounds)
        ways = [Way.here(name, work) for name, work in metrics(1000).items()]
        alternate(ways, rounds)
    table(
        ["1,000 replicates of", "CPU s", "wall s"],
        [
            [way.name, f"{statistics.median(way.cpu):.2f}", f"{statistics.median(way.wall):.2f}"]
            for way in ways
        ],
    )


if __name__ == "__main__":
    main()
