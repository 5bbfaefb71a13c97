"""Sections 12, 13 and 18 of SPEC.md as plain loops, which the vectors are checked against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from typing import Any

from vectors import plain
from vectors.traits_loss_groups import METRICS

RULES = plain.SUITE["interval"]
TESTS = plain.SUITE["comparison"]
Class = tuple[int, Any]
"""Block and name of a class."""


def _contributions(given: Any, i: int) -> list[tuple[Class, float, float, float]]:
    """Section 12.1: what item i adds to N, D and T, by block and class."""
    metric, truth = given["metric"], given["y_true"][i]
    prediction = given["y_pred"][i]
    if metric == "macro_f1":
        return _f1(0, truth, prediction)
    if metric == "traits_f1":
        pairs = zip(truth, prediction, strict=True)
        return [part for trait, (t, p) in enumerate(pairs) for part in _f1(trait, t, p)]
    if metric == "group_accuracy":
        return [((0, given["group"][i]), truth == prediction, 1, 1)]
    if metric == "user_loss":
        deadly, called = given["true_poisonous"][i], given["predicted_poisonous"][i]
        worst = (100 if truth == -1 else 10) + (1000 if deadly else 10)
        loss = 1000 * (deadly and not called) + 10 * (called and not deadly)
        if truth != prediction:
            loss += 100 if truth == -1 else 1 if prediction == -1 else 10
        return [((0, 0), worst - loss, worst, worst)]
    right: float = truth == prediction
    if metric in ("top1", "top5"):
        right = 1 <= given["first_hit"][i] <= int(metric[3:])
    if metric == "mean_average_precision":
        right = given["average_precision"][i]
    return [((0, 0), right, 1, 1)]


def _f1(block: int, truth: Any, prediction: Any) -> list[tuple[Class, float, float, float]]:
    return [
        ((block, truth), 2 * (truth == prediction), 1, 1),
        ((block, prediction), 0, 1, 0),
    ]


def cluster_names(given: Any) -> list[str]:
    """Section 12.1: the cluster of each item."""
    ids = given.get("ids", [str(i) for i in range(len(given["y_true"]))])
    return list(given.get("cluster", ids))


Sums = dict[Class, tuple[float, float, float]]


def _sums(given: Any, items: Sequence[int]) -> Sums:
    found: Sums = {}
    for i in items:
        for name, n, d, t in _contributions(given, i):
            a, b, c = found.get(name, (0, 0, 0))
            found[name] = (a + n, b + d, c + t)
    return found


@dataclass
class Clusters:
    """Section 12.2 of one model: J, w, K_eff, se and the numbers of classes."""

    J: list[float]
    w: list[float]
    classes: int
    lone: int

    @property
    def effective(self) -> float:
        return 1 / plain.left_to_right([w * w for w in self.w])

    @property
    def se(self) -> float:
        return math.sqrt(plain.left_to_right([j * j for j in self.J]))


def clusters(given: Any) -> Clusters:
    """Section 12.2."""
    names = cluster_names(given)
    whole = {c: s for c, s in _sums(given, range(len(names))).items() if s[2] > 0}
    classes = sorted(whole)
    blocks = sorted({block for block, _ in classes})
    F = {c: whole[c][0] / whole[c][1] for c in classes}
    m = {b: sum(block == b for block, _ in classes) for b in blocks}
    x = {b: plain.left_to_right([F[c] for c in classes if c[0] == b]) / m[b] for b in blocks}
    influence, weights, lone = [], [], 0
    for name in sorted(set(names)):
        own = _sums(given, [i for i, n in enumerate(names) if n == name])
        J, w = [], []
        for b in blocks:
            change = gone = share = 0.0
            lost = 0
            for c in classes:
                if c[0] != b or c not in own:
                    continue
                n, d, t = own[c]
                _, D, T = whole[c]
                if t < T:
                    change = change + (F[c] * d - n) / math.sqrt(D * (D - d))
                else:
                    gone = gone + (x[b] - F[c])
                    lost += 1
                share = share + t / T
            J.append(change / m[b] + gone / (m[b] - lost if lost < m[b] else 1))
            w.append(share / m[b])
            lone += lost
        influence.append(plain.left_to_right(J) / len(blocks))
        weights.append(plain.left_to_right(w) / len(blocks))
    return Clusters(influence, weights, len(classes), lone)


def enough(effective: float, least: float) -> bool:
    """Section 12.2: at least so many effective clusters."""
    return effective + 2.0**-20 >= least


def quantile(f: float) -> float:
    """Section 12.3: Student's t from the table."""
    table = RULES["t_quantiles"]
    if f <= table[0][0]:
        return float(table[0][1])
    if f >= table[-1][0]:
        return float(table[-1][1])
    i = max(i for i, (degrees, _) in enumerate(table) if degrees <= f)
    (f0, q0), (f1, q1) = table[i], table[i + 1]
    return float(q0 + (q1 - q0) * ((f - f0) / (f1 - f0)))


def wilson(x: float, se: float, f: float) -> tuple[float, float] | None:
    """Section 12.3: bounds."""
    s = x * (1 - x)
    if not (s > 0 and se * se > 0):
        return None
    q = quantile(f)
    n = s / (se * se)
    z = q * q / n
    h = q * math.sqrt((s + z / 4) / n)
    return max(0.0, ((x + z / 2) - h) / (1 + z)), min(1.0, ((x + z / 2) + h) / (1 + z))


def score(given: Any) -> dict[str, Any]:
    """Sections 11 and 12: the score of a task, as a result has it."""
    name, items = given["metric"], range(len(given["y_true"]))
    compat = given["division"] == "compat"
    if name in METRICS and name not in ("macro_f1", "accuracy"):
        x = METRICS[name](given, items)
    else:
        x = plain.metric(name, given, items, given["division"])
    value: dict[str, Any] = {"score": x, "interval": None, "no_interval": None, "clusters": None}
    value["metrics"] = {name: x}
    if compat:
        return {**value, "no_interval": "division"}
    found = clusters(given)
    value["clusters"] = {"count": len(found.w), "effective": found.effective}
    if not enough(found.effective, RULES["minimum_clusters"]):
        return {**value, "no_interval": "few-clusters"}
    bounds = wilson(x, found.se, found.effective - 1)
    if bounds is None:
        return {**value, "no_interval": "no-spread"}
    value["interval"] = {
        "low": bounds[0],
        "high": bounds[1],
        "level": RULES["confidence"],
        "method": RULES["method"],
        "standard_error": found.se,
        "few_clusters": not enough(found.effective, RULES["few_clusters"]),
        "lone_classes": RULES["lone_class_in"] * found.lone > found.classes,
    }
    return value


def spread_of_mean(spreads: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Section 13: se and K_eff of a mean, from those of its tasks."""
    if len(spreads) == 1:
        return spreads[0]
    T = len(spreads)
    parts = [se * se / (T * T) for se, _ in spreads]
    V = plain.left_to_right(parts)
    U = plain.left_to_right(
        [
            v * v / max(effective - 1, 2**-20) if v > 0 else 0.0
            for v, (_, effective) in zip(parts, spreads, strict=True)
        ]
    )
    if U == 0:
        return 0.0, min(effective for _, effective in spreads)
    return math.sqrt(V), V * V / U + 1


def mean_of_scores(tasks: Sequence[float]) -> float:
    return plain.left_to_right(tasks) / len(tasks)


def signs(task: str, count: int, replicates: int) -> list[list[int]]:
    """Section 18.2: the signs of each replicate."""
    words, a_replicate = plain.Words(f"signs/{task}"), -(-count // 64)
    return [
        [1 if words.word(r * a_replicate + k // 64) >> (k % 64) & 1 else -1 for k in range(count)]
        for r in range(replicates)
    ]


class Pairs:
    """Sections 18.1 and 18.2 of all models of an input ``{tasks, models}``."""

    def __init__(self, given: Any) -> None:
        self.tasks, self.names, self.R = given["tasks"], given["models"], TESTS["replicates"]
        self.effective = [
            1 / plain.left_to_right([w * w for w in task["weights"]]) for task in self.tasks
        ]

    @cached_property
    def sums(self) -> list[dict[str, tuple[list[float], list[float]]]]:
        """A and B of each task and model, which a single cluster does not have."""
        return [{name: self._sums(task, name) for name in self.names} for task in self.tasks]

    def _sums(self, task: Any, name: str) -> tuple[list[float], list[float]]:
        J, w = task["models"][name]["influence"], task["weights"]
        A, B = [0.0] * self.R, [0.0] * self.R
        for r, drawn in enumerate(signs(task["task"], len(w), self.R)):
            for s, j, v in zip(drawn, J, w, strict=True):
                A[r] = A[r] + s * j
                B[r] = B[r] + s * ((j * v) / (1 - v))
        return A, B

    def score(self, name: str) -> float:
        return mean_of_scores([task["models"][name]["score"] for task in self.tasks])

    def spread(self, a: str, b: str) -> tuple[float, float]:
        found = []
        for task, effective in zip(self.tasks, self.effective, strict=True):
            squares = [e * e for e in self._between(task, a, b)]
            found.append((math.sqrt(plain.left_to_right(squares)), effective))
        return spread_of_mean(found)

    def _between(self, task: Any, a: str, b: str) -> list[float]:
        both = (task["models"][name]["influence"] for name in (a, b))
        return [j - k for j, k in zip(*both, strict=True)]

    def u(self, a: str, b: str) -> float:
        d, (se, _) = self.score(a) - self.score(b), self.spread(a, b)
        return d * d / (se * se) if se * se > 0 else 0.0

    def flipped(self, a: str, b: str) -> list[float]:
        """u_r of each replicate."""
        T, values = len(self.tasks), []
        for r in range(self.R):
            S = V = 0.0
            for task, sums in zip(self.tasks, self.sums, strict=True):
                e, w = self._between(task, a, b), task["weights"]
                s = sums[a][0][r] - sums[b][0][r]
                c = s * (sums[a][1][r] - sums[b][1][r])
                G = plain.left_to_right([x * x / (1 - v) for x, v in zip(e, w, strict=True)])
                H = plain.left_to_right([v * v / (1 - v) for v in w])
                S, V = S + s, V + ((G - 2 * c) + s * s * H)
            S, V = S / T, V / (T * T)
            values.append(S * S / V if V > 0 else 0.0 if S == 0 else math.inf)
        return values


def difference(given: Any) -> dict[str, Any]:
    """Sections 18.1 and 18.2: models a and b."""
    pairs = Pairs(given)
    d, (se, effective) = pairs.score("a") - pairs.score("b"), pairs.spread("a", "b")
    known = enough(min(pairs.effective), RULES["minimum_clusters"])
    low = high = half = p = None
    if known and se > 0:
        half = quantile(effective - 1) * se
        low, high = d - half, d + half
    if known and enough(effective, TESTS["minimum_clusters"]):
        u = pairs.u("a", "b")
        p = (1 + sum(v >= u for v in pairs.flipped("a", "b"))) / (pairs.R + 1)
    lead = d if given.get("higher_is_better", True) else -d
    return {
        "difference": d,
        "low": low,
        "high": high,
        "level": RULES["confidence"],
        "resolution": half,
        "standard_error": se,
        "effective_clusters": effective,
        "p": p,
        "ahead": "a" if lead > 0 else "b" if lead < 0 else None,
        "few_clusters": not enough(effective, RULES["few_clusters"]),
        "lone_classes": any(
            RULES["lone_class_in"] * task.get("lone_classes", 0) > task.get("classes", 1)
            for task in pairs.tasks
        ),
    }


def ranks(given: Any) -> dict[str, Any] | None:
    """Section 18.4."""
    pairs, names = Pairs(given), given["models"]
    if not enough(min(pairs.effective), RULES["minimum_clusters"]):
        return None
    every = list(combinations(names, 2))
    spreads = {pair: pairs.spread(*pair) for pair in every}
    tested = [pair for pair in every if enough(spreads[pair][1], TESTS["minimum_clusters"])]
    if every and not tested:
        return None
    flipped = {pair: pairs.flipped(*pair) for pair in tested}
    j = math.ceil((1 - Fraction(repr(TESTS["alpha"]))) * (pairs.R + 1))
    apart: set[tuple[str, str]] = set()
    while len(apart) < len(tested) and j <= pairs.R:
        rest = [pair for pair in tested if pair not in apart]
        largest = sorted(max(flipped[pair][r] for pair in rest) for r in range(pairs.R))
        more = {pair for pair in rest if pairs.u(*pair) > largest[j - 1]}
        if not more:
            break
        apart |= more
    better = 1 if given.get("higher_is_better", True) else -1
    value = {name: better * pairs.score(name) for name in names}
    sets = {}
    for name in names:
        others = [b if a == name else a for a, b in apart if name in (a, b)]
        above = sum(value[other] > value[name] for other in others)
        sets[name] = [1 + above, len(names) - (len(others) - above)]
    halves = sorted(quantile(spreads[pair][1] - 1) * spreads[pair][0] for pair in every)
    return {
        "sets": sets,
        "may_be_best": [name for name in names if sets[name][0] == 1],
        "told_apart": len(apart),
        "pairs": len(every),
        "resolution": halves[(len(halves) - 1) // 2] if halves else None,
    }


def columns_as_models(a: Mapping[str, Any], b: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """The input of :func:`difference` from two models' predictions."""
    models, first = {}, None
    for name, columns in (("a", a), ("b", b)):
        whole = {**columns, "metric": given["metric"], "division": given["division"]}
        found = clusters(whole)
        first = first or found
        models[name] = {"score": score(whole)["score"], "influence": found.J}
    assert first is not None
    task = {"task": given["task"], "weights": first.w, "models": models}
    return {
        "models": ["a", "b"],
        "tasks": [{**task, "classes": first.classes, "lone_classes": first.lone}],
    }
