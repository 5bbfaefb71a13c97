"""Simulated coverage of the intervals of SPEC.md, section 12, for the shapes of the nine tasks.

    python tools/interval_coverage.py [SHAPE ...] [--trials N] [--seed N]

Each trial draws a whole new test set of one design: clusters, their sizes, the items' classes, and
the predictions of two models with effects of cluster, of class in cluster and of burst on the logit
of a right prediction, and confusions of which half go by cluster. The interval of a score covers
where it holds the mean score over all trials, that of a difference where it holds the mean
difference. The table is the one of docs/intervals.md.

The draws are NumPy's, and so are the table's digits; no score depends on them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biobench.metric.cells import Cells, class_cells, ratio_cells, trait_cells
from biobench.metric.half_jackknife import (
    enough,
    half_jackknife,
    standard_error,
    t_quantile,
    wilson,
)
from biobench.metric.macro_f1 import macro_f1
from biobench.metric.traits_f1 import trait_codes, traits_f1
from biobench.metric.user_loss import losses, score_of
from biobench.spec.load import load_spec

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
SEED = 20_270_101
RULES = load_spec().suites["biobench"].interval


@dataclass(frozen=True)
class Shape:
    """The design of a test set.

    Attributes:
        items: Number of items.
        clusters: Number of clusters; 0 where each item is its own.
        classes: Number of classes of the population.
        spread: Standard deviation of the logarithm of a cluster's size.
        mixture: Concentration of a cluster's classes: few classes a cluster where it is small,
            those of the population where it is infinite.
        tail: Exponent of the classes' frequencies by rank; 0 for equal ones.
        fixed: True where each class has the same number of items in every test set.
        burst: Items of one class and one effect that follow each other.
        cluster_effect: Standard deviation of a cluster's effect, on the logit of being right.
        class_effect: That of a class in a cluster.
        burst_effect: That of a burst.
    """

    items: int
    clusters: int
    classes: int
    spread: float = 1.0
    mixture: float = 3.0
    tail: float = 1.0
    fixed: bool = False
    burst: int = 1
    cluster_effect: float = 0.5
    class_effect: float = 0.5
    burst_effect: float = 0.0
    metric: str = "macro_f1"


SHAPES = {
    "beluga": Shape(5902, 788, 788, metric="neighbours"),
    "fishnet": Shape(18015, 7000, 9, cluster_effect=1.0, metric="traits_f1"),
    "fungiclef": Shape(30000, 6000, 1604, mixture=30, cluster_effect=0.7, metric="user_loss"),
    "herbarium19": Shape(2679, 0, 683, tail=0, fixed=True),
    "iwildcam": Shape(
        42791, 48, 182, spread=1.2, mixture=2, tail=1.2, burst=4, burst_effect=0.7
    ),
    "kabr, 12 videos": Shape(500, 12, 8, spread=0.5, mixture=8),
    "kabr, 24 videos": Shape(500, 24, 8, spread=0.5, mixture=8),
    "mammalnet": Shape(5000, 4000, 12, spread=0.5, mixture=1, cluster_effect=1.0),
    "plankton": Shape(20000, 120, 50, mixture=10, tail=1.2),
    "plantnet": Shape(31118, 6000, 1081, mixture=30, cluster_effect=0.7),
    "8 unequal clusters": Shape(800, 8, 10, mixture=10, cluster_effect=0.6, class_effect=0.4),
    "15 unequal clusters": Shape(1500, 15, 10, mixture=10, cluster_effect=0.6, class_effect=0.4),
    "48 clusters, strong effects": Shape(
        42791, 48, 182, spread=1.2, mixture=2, tail=1.2, burst=4, cluster_effect=1.0,
        class_effect=1.0, burst_effect=0.7,
    ),
    "two items a class": Shape(200, 0, 100, tail=0, fixed=True),
    "ten items a class": Shape(1000, 0, 100, tail=0, fixed=True),
}  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One test set: each model's score, standard error and interval, and those of the difference;
    None where no interval is published."""

    scores: tuple[float, float]
    errors: tuple[float, float]
    interval: tuple[float, float] | None
    difference: tuple[float, float] | None
    effective: float
    lone: float


def simulate(shape: Shape, trials: int, seed: int) -> Iterator[Trial]:
    """Draw test sets one after the other."""
    fixed = np.random.Generator(np.random.PCG64([seed, 0]))
    draw = {"neighbours": _neighbours, "traits_f1": _traits}.get(shape.metric, _labels)(
        shape, fixed
    )
    for number in range(1, trials + 1):
        scores, cells = draw(np.random.Generator(np.random.PCG64([seed, number])))
        a, b = (half_jackknife(of) for of in cells)
        effective = a.effective_clusters
        interval = difference = None
        if enough(effective, RULES.minimum_clusters):
            quantile = t_quantile(RULES.t_quantiles, effective - 1)
            interval = wilson(scores[0], a.standard_error, quantile)
            half = quantile * standard_error(a.influence - b.influence)
            between = scores[0] - scores[1]
            difference = (between - half, between + half)
        lone = a.lone_classes / a.classes
        errors = (a.standard_error, b.standard_error)
        yield Trial(scores, errors, interval, difference, effective, lone)


Drawn = tuple[tuple[float, float], tuple[Cells, Cells]]
Draw = Callable[[np.random.Generator], Drawn]


def _labels(shape: Shape, fixed: np.random.Generator) -> Draw:
    """Draws of classes: macro-F1 or user loss of two models of nearly equal quality."""
    frequency = (1.0 + np.arange(shape.classes)) ** -shape.tail
    frequency /= frequency.sum()
    ease = np.stack([fixed.normal(0.6, 1.0, shape.classes)] * 2)
    ease[1] += fixed.normal(0.1, 0.3, shape.classes)
    taken_for = fixed.integers(0, shape.classes, (shape.classes, 3))
    poisonous = fixed.random(shape.classes) < 0.1

    def draw(random: np.random.Generator) -> Drawn:
        clusters, truth, bursts = _items(shape, frequency, random)
        count = int(clusters.max()) + 1
        effects = _effects(shape, clusters, truth, bursts, count, random)
        scores, cells = [], []
        for model in range(2):
            right = random.random(truth.size) < 1 / (
                1 + np.exp(-ease[model][truth] - effects[model])
            )
            # Half of the confusions are those of the place.
            choice = random.integers(0, 3, (2, truth.size))
            choice[0] = random.integers(0, 3, count)[clusters]
            near = taken_for[truth, np.where(random.random(truth.size) < 0.5, *choice)]
            far = random.choice(shape.classes, truth.size, p=frequency)
            other = np.where(random.random(truth.size) < 0.6, near, far)
            other = np.where(other == truth, (truth + 1) % shape.classes, other)
            guess = np.where(right, truth, other)
            if shape.metric == "user_loss":
                # The most frequent class stands for the unknown one.
                loss, worst = losses(truth - 1, guess - 1, poisonous[truth], poisonous[guess])
                scores.append(score_of(loss, worst))
                cells.append(
                    ratio_cells(clusters, (worst - loss).astype(float), worst.astype(float))
                )
            else:
                scores.append(macro_f1(truth, guess))
                cells.append(class_cells(clusters, truth, guess))
        return (scores[0], scores[1]), (cells[0], cells[1])

    return draw


def _items(shape: Shape, frequency: Floats, random: np.random.Generator) -> tuple[Ids, Ids, Ids]:
    """Cluster, class and burst of each item."""
    if shape.fixed:
        per_class = shape.items // shape.classes
        sizes = np.full(shape.classes, per_class)
        sizes[: shape.items - sizes.sum()] += 1
        truth = np.repeat(np.arange(shape.classes), sizes)
        return np.arange(truth.size), truth, np.arange(truth.size)
    bursts = shape.items // shape.burst
    weight = np.exp(random.normal(0, shape.spread, shape.clusters))
    cluster = np.sort(random.choice(shape.clusters, bursts, p=weight / weight.sum()))
    cluster = np.unique(cluster, return_inverse=True)[1]
    truth = np.empty(bursts, np.int64)
    for start in range(0, int(cluster.max()) + 1, 256):
        of = np.flatnonzero((cluster >= start) & (cluster < start + 256))
        own = (
            random.standard_gamma(np.broadcast_to(shape.mixture * frequency, (256, shape.classes)))
            + 1e-300
        )
        ends = np.cumsum(own, axis=1)
        row = ends[cluster[of] - start]
        truth[of] = (row < (random.random(of.size) * row[:, -1])[:, None]).sum(axis=1)
    burst = np.repeat(np.arange(bursts), shape.burst)
    return cluster[burst], truth[burst], burst


def _effects(
    shape: Shape, clusters: Ids, truth: Ids, bursts: Ids, count: int, random: np.random.Generator
) -> list[Floats]:
    """Of each item, two models' effects, which correlate by .6 between the models."""

    def pair(size: int, deviation: float) -> list[Floats]:
        common, own = random.normal(0, deviation, size), random.normal(0, deviation, size)
        return [common, 0.6 * common + 0.8 * own]

    if shape.fixed:
        return [np.zeros(truth.size)] * 2
    cells, place = np.unique(clusters * shape.classes + truth, return_inverse=True)
    place_effects = pair(count, shape.cluster_effect)
    class_effects = pair(cells.size, shape.class_effect)
    burst_effects = pair(int(bursts.max()) + 1, shape.burst_effect)
    return [
        place_effects[model][clusters] + class_effects[model][place] + burst_effects[model][bursts]
        for model in range(2)
    ]


def _traits(shape: Shape, fixed: np.random.Generator) -> Draw:
    """Draws of nine traits that all images of a species share; species are the clusters."""
    chance = fixed.uniform(0.1, 0.9, shape.classes)
    ease = np.stack([fixed.normal(1.2, 0.5, shape.classes)] * 2)
    ease[1] += fixed.normal(0.02, 0.05, shape.classes)

    def draw(random: np.random.Generator) -> Drawn:
        weight = np.exp(random.normal(0, shape.spread, shape.clusters))
        cluster = random.choice(shape.clusters, shape.items, p=weight / weight.sum())
        cluster = np.unique(cluster, return_inverse=True)[1]
        count = int(cluster.max()) + 1
        truth = (random.random((count, shape.classes)) < chance)[cluster].astype(np.int64)
        common = random.normal(0, shape.cluster_effect, (count, shape.classes))
        scores, cells = [], []
        for model in range(2):
            own = random.normal(0, shape.cluster_effect, (count, shape.classes))
            effect = common if model == 0 else 0.6 * common + 0.8 * own
            logit = ease[model] + effect[cluster]
            right = random.random(truth.shape) < 1 / (1 + np.exp(-logit))
            guess = np.where(right, truth, 1 - truth)
            scores.append(traits_f1(truth, guess))
            cells.append(trait_cells(cluster, trait_codes(truth, guess)))
        return (scores[0], scores[1]), (cells[0], cells[1])

    return draw


def _neighbours(shape: Shape, fixed: np.random.Generator) -> Draw:
    """Draws of individuals with encounters, each image named as its nearest other image."""
    del fixed
    dim = 10

    def draw(random: np.random.Generator) -> Drawn:
        weight = np.exp(random.normal(0, shape.spread, shape.clusters))
        extra = random.choice(
            shape.clusters, shape.items - 2 * shape.clusters, p=weight / weight.sum()
        )
        truth = np.sort(np.concatenate([np.repeat(np.arange(shape.clusters), 2), extra]))
        encounter = np.cumsum(random.random(truth.size) < 0.4)
        encounter = np.unique(encounter + truth * truth.size, return_inverse=True)[1]
        centres = random.normal(0, 1, (shape.clusters, dim))
        places = random.normal(0, 0.45, (int(encounter.max()) + 1, dim))
        base = centres[truth] + places[encounter]
        scores, cells = [], []
        for noise in (0.5, 0.52):
            features = (base + random.normal(0, noise, base.shape)).astype(np.float32)
            half = (features * features).sum(axis=1) / 2
            guess = np.empty(truth.size, np.int64)
            for start in range(0, truth.size, 512):
                rows = slice(start, start + 512)
                nearness = features[rows] @ features.T - half
                own = np.arange(start, min(start + 512, truth.size))
                nearness[own - start, own] = -np.inf
                guess[rows] = truth[nearness.argmax(axis=1)]
            scores.append(macro_f1(truth, guess))
            cells.append(class_cells(truth, truth, guess))
        return (scores[0], scores[1]), (cells[0], cells[1])

    return draw


@dataclass(frozen=True)
class Coverage:
    """Outcome of a shape's trials: how often an interval held its target, and the mean widths."""

    trials: int
    published: int
    score: float
    score_width: float
    difference: float
    difference_width: float
    effective: float
    lone: float
    deviation: float


def coverage(trials: list[Trial]) -> Coverage:
    """Coverage of the mean score and of the mean difference, where intervals are published."""
    scores = np.array([trial.scores for trial in trials])
    target, between = scores[:, 0].mean(), (scores[:, 0] - scores[:, 1]).mean()
    ours = np.array([trial.interval for trial in trials if trial.interval is not None])
    theirs = np.array([trial.difference for trial in trials if trial.difference is not None])

    def held(bounds: Floats, value: float) -> float:
        return float(((bounds[:, 0] <= value) & (value <= bounds[:, 1])).mean())

    return Coverage(
        trials=len(trials),
        published=len(ours),
        score=held(ours, target),
        score_width=float((ours[:, 1] - ours[:, 0]).mean()),
        difference=held(theirs, between),
        difference_width=float((theirs[:, 1] - theirs[:, 0]).mean()),
        effective=float(np.median([trial.effective for trial in trials])),
        lone=float(np.mean([trial.lone for trial in trials])),
        deviation=float(scores[:, 0].std(ddof=1)),
    )


HEAD = (
    "| shape | trials | with an interval | K_eff | lone classes | sd | score: coverage / width "
    "| difference: coverage / width |\n|---|---|---|---|---|---|---|---|"
)


def line(name: str, made: Coverage) -> str:
    """One row of the table."""
    return (
        f"| {name} | {made.trials} | {made.published} | {made.effective:.0f} "
        f"| {made.lone:.0%} | {made.deviation:.4f} | {made.score:.3f} / {made.score_width:.3f} "
        f"| {made.difference:.3f} / {made.difference_width:.3f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help=f"of {', '.join(SHAPES)}")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    unknown = [name for name in given.shapes if name not in SHAPES]
    if unknown or given.trials < 2:
        parser.error(f"no shape {unknown[0]!r}" if unknown else "give 2 trials or more")
    print(HEAD, flush=True)
    for name in given.shapes or SHAPES:
        started = time.perf_counter()
        found = coverage(list(simulate(SHAPES[name], given.trials, given.seed)))
        print(line(name, found), f"{time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
