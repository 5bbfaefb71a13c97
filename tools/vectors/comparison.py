"""Section 18: signs, two models, families and sets of ranks."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from biobench.spec.generator import Stream
from vectors import plain_clusters
from vectors.case import Case, Section, VectorFile, refused
from vectors.intervals import columns

LOOP = "a plain loop"


def same_signs(given: Any, output: Any) -> None:
    drawn = plain_clusters.signs(given["task"], given["clusters"], given["replicates"])
    assert output == {"signs": drawn}


def same_difference(given: Any, output: Any) -> None:
    assert output == plain_clusters.difference(given)


def same_models(given: Any, output: Any) -> None:
    made = plain_clusters.columns_as_models(given["a"], given["b"], given)
    assert output == plain_clusters.difference(made)


def same_ranks(given: Any, output: Any) -> None:
    assert output == {"ranks": plain_clusters.ranks(given)}


def family(given: Any, output: Any) -> None:
    p = given["p"]
    order = sorted((i for i in range(len(p)) if p[i] is not None), key=lambda i: (p[i], i))
    least, expected = 0.0, [None if x is None else 0.0 for x in p]
    for place, i in enumerate(order):
        least = min(1.0, max(least, (len(order) - place) * p[i]))
        expected[i] = least
    assert output == {"corrected": expected}


def drawn(
    task: str,
    clusters: int,
    models: dict[str, float],
    noise: float = 0.02,
    *,
    unequal: bool = False,
) -> dict[str, Any]:
    """A task: models of given scores whose influences share half of their spread; weights that are
    equal or fall from the first cluster on."""
    stream = Stream(17, f"vectors/comparison/{task}/{clusters}")

    def spread(place: int) -> np.ndarray[Any, Any]:
        return (stream.integers(2001, clusters, place * clusters) - 1000) / 1000

    weights = np.ones(clusters)
    if unequal:
        weights = 1.0 / (1 + np.arange(clusters))
    common = spread(0)
    return {
        "task": task,
        "weights": (weights / weights.sum()).tolist(),
        "models": {
            name: {
                "score": score,
                "influence": ((common + spread(1 + i)) * noise / clusters**0.5).tolist(),
            }
            for i, (name, score) in enumerate(models.items())
        },
    }


def given_of(tasks: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"models": list(tasks[0]["models"]), "tasks": list(tasks), **more}


def pair(task: str, clusters: int, gap: float, **more: Any) -> dict[str, Any]:
    return drawn(task, clusters, {"a": 0.5 + gap, "b": 0.5}, **more)


def differences() -> Iterator[Case]:
    same = pair("beluga", 12, 0.0)
    same["models"]["b"] = same["models"]["a"]
    still = pair("beluga", 12, 0.25)
    for model in still["models"].values():
        model["influence"] = [0.0] * 12
    alone = pair("kabr", 1, 0.1)
    for model in alone["models"].values():
        model["influence"] = [0.0]
    nine = [pair(name, 9 + i, 0.01) for i, name in enumerate(("beluga", "kabr", "plankton"))]
    cases = {
        "clear": given_of([pair("beluga", 40, 0.2)]),
        "close": given_of([pair("iwildcam", 48, 0.01)]),
        "behind": given_of([pair("kabr", 12, -0.03)]),
        "lower-is-better": given_of([pair("kabr", 12, 0.03)], higher_is_better=False),
        "unequal-clusters": given_of([pair("plankton", 60, 0.02, unequal=True)]),
        "the-same-model": given_of([same]),
        "equal-scores": given_of([pair("herbarium19", 20, 0.0)]),
        "no-cluster-moves-either": given_of([still]),
        "sixty-four-clusters": given_of([pair("fishnet", 64, 0.02)]),
        "sixty-five-clusters": given_of([pair("fishnet", 65, 0.02)]),
        "too-few-clusters": given_of([pair("kabr", 4, 0.2)]),
        "five-clusters": given_of([pair("kabr", 5, 0.2)]),
        "seven-clusters": given_of([pair("kabr", 7, 0.2)]),
        "eight-clusters": given_of([pair("kabr", 8, 0.2)]),
        "lone-classes": given_of([{**pair("kabr", 12, 0.1), "classes": 10, "lone_classes": 2}]),
        "a-tenth-of-lone-classes": given_of(
            [{**pair("kabr", 12, 0.1), "classes": 10, "lone_classes": 1}]
        ),
        "mean": given_of(nine),
        "mean-in-another-order": given_of(nine[::-1]),
        "mean-with-lone-classes": given_of([nine[0], {**nine[1], "lone_classes": 1}]),
        "mean-with-a-task-of-too-few-clusters": given_of([nine[0], pair("kabr", 4, 0.1)]),
        "mean-with-a-task-of-one-cluster": given_of([nine[0], alone]),
        "mean-of-few-clusters": given_of([pair("kabr", 5, 0.1, noise=0.1), nine[0]]),
        "mean-without-spread": given_of([same, still]),
    }
    for name, given in cases.items():
        yield Case(f"comparison/{name}", given, same_difference)
    # Every influence is the same, so that a replicate of equal signs has no variance.
    rigid = pair("kabr", 8, 0.4)
    for model, moved in (("a", 2.0**-10), ("b", 0.0)):
        rigid["models"][model]["influence"] = [moved] * 8
    yield Case("comparison/replicates-without-variance", given_of([rigid]), same_difference)
    mixed = [{**nine[0], "higher_is_better": False}, nine[1]]
    other = copy.deepcopy(nine[0])
    other["models"]["b"]["weights"] = [*other["weights"][1:], 0.5]
    turned = pair("plankton", 12, 0.02, unequal=True)
    turned["models"]["b"]["weights"] = turned["weights"][::-1]
    fewer, shorter, longer, partly = (pair("kabr", 9, 0.02) for _ in range(4))
    fewer["models"]["b"]["weights"] = fewer["weights"][:-1]
    shorter["models"]["b"]["influence"].pop()
    longer["models"]["b"]["influence"].append(0.5)
    partly["models"] = {"a": partly["models"]["a"]}
    for name, given in {
        "unequal-directions": given_of(mixed),
        "unequal-weights": given_of([other]),
        "weights-in-another-order": given_of([turned]),
        "fewer-weights": given_of([fewer]),
        "fewer-influences": given_of([shorter]),
        "more-influences": given_of([longer]),
        "task-that-a-model-lacks": given_of([nine[0], partly]),
        "no-task": {"models": ["a", "b"], "tasks": []},
    }.items():
        yield Case(f"comparison/error/{name}", given, refused)


def models() -> Iterator[Case]:
    a = columns("models", [31, 30, 32], 17)
    thin = columns("models/thin", [9, 10, 11])
    better = {**a, "y_pred": list(a["y_pred"])}
    wrong = [i for i, t in enumerate(a["y_true"]) if t != a["y_pred"][i]]
    for i in wrong[:9]:
        better["y_pred"][i] = a["y_true"][i]
    other = {**a, "y_pred": a["y_pred"][1:] + a["y_pred"][:1]}
    for name, task, metric, one, two in [
        ("better-on-nine-items", "plankton", "macro_f1", better, a),
        ("another-model", "plantnet", "macro_f1", a, other),
        ("accuracy", "kabr", "accuracy", a, better),
        ("items-are-clusters", "beluga", "macro_f1", thin, {**thin, "y_pred": [0] * 30}),
    ]:
        given = {"task": task, "division": "official", "metric": metric, "a": one, "b": two}
        yield Case(f"comparison-models/{name}", given, same_models)
    # The clusters keep their weights: two items of one cluster change their labels.
    place = next(n for n in a["cluster"] if len({t for t, c in labelled(a) if c == n}) > 1)
    first = next(i for i, (_, c) in enumerate(labelled(a)) if c == place)
    last = next(i for i, (t, c) in enumerate(labelled(a)) if c == place and t != a["y_true"][first])
    exchanged = {**a, "y_true": list(a["y_true"])}
    exchanged["y_true"][first], exchanged["y_true"][last] = a["y_true"][last], a["y_true"][first]
    renamed = {**a, "cluster": [name.replace("camera", "trap") for name in a["cluster"]]}
    ids = [f"item-{i}" for i in range(93)]
    swapped = [ids[1], ids[0], *ids[2:]]
    relabelled = {**a, "y_true": [(a["y_true"][0] + 1) % 3, *a["y_true"][1:]]}
    moved = {**a, "cluster": ["elsewhere", *a["cluster"][1:]]}
    for name, division, one, two in [
        ("other-items", "official", {**a, "ids": ids}, {**a, "ids": ["x", *ids[1:]]}),
        ("another-order", "official", {**a, "ids": ids}, {**a, "ids": swapped}),
        ("another-truth", "official", a, relabelled),
        ("other-clusters", "official", a, moved),
        ("another-truth-of-equal-weights", "official", a, exchanged),
        ("clusters-of-other-names", "official", a, renamed),
        ("clusters-of-one-model-alone", "official", a, {k: v for k, v in a.items() if k[0] == "y"}),
        ("compat", "compat", a, better),
    ]:
        given = {"task": "plankton", "division": division, "metric": "macro_f1"}
        yield Case(f"comparison-models/error/{name}", {**given, "a": one, "b": two}, refused)
    given = {"task": "plankton", "division": "official", "metric": "macro_f1", "interval": None}
    yield Case("comparison-models/error/metric-without", {**given, "a": a, "b": better}, refused)
    groups = {"group": [f"task {i % 3}" for i in range(93)]}
    others = {"group": [f"task {i % 3}" for i in range(1, 94)]}
    harmful = {"predicted_poisonous": [False] * 93}
    for name, metric, one, two in [
        ("other-groups", "group_accuracy", groups, others),
        ("other-poisonous-items", "user_loss", {**harmful, "true_poisonous": [True] * 93},
         {**harmful, "true_poisonous": [False] * 93}),
    ]:  # fmt: skip
        given = {"task": "plankton", "division": "official", "metric": metric}
        both = {"a": {**a, **one}, "b": {**a, **two}}
        yield Case(f"comparison-models/error/{name}", {**given, **both}, refused)


def labelled(given: dict[str, Any]) -> list[tuple[int, str]]:
    """Truth and cluster of each item."""
    return list(zip(given["y_true"], given["cluster"], strict=True))


def families() -> Iterator[Case]:
    cases = {
        "ascending": [0.01, 0.02, 0.03, 0.04],
        "descending": [0.04, 0.03, 0.02, 0.01],
        "ties": [0.02, 0.01, 0.02, 0.01, 0.5],
        "all-equal": [0.3, 0.3, 0.3],
        "never-falling": [0.01, 0.011, 0.011, 0.9],
        "capped-at-one": [0.6, 0.4, 1.0, 0.5],
        "zero": [0.0, 0.0, 1.0],
        "rounded-products": [0.1, 0.3, 0.7, 0.2, 1 / 3],
        "one": [0.04],
        "none": [],
        "null-is-in-no-family": [0.02, None, 0.03, None, 0.5],
        "nulls-alone": [None, None],
        "many": (Stream(17, "vectors/comparison/holm").integers(1002, 40) / 10_001).tolist(),
    }
    for name, p in cases.items():
        yield Case(f"holm/{name}", {"p": p}, family)
    for name, p in {"negative": [-0.1, 0.5], "above-one": [0.5, 1.5]}.items():
        yield Case(f"holm/error/{name}", {"p": p}, refused)


def sets() -> Iterator[Case]:
    spread = {"ant": 0.7, "bee": 0.69, "cow": 0.4, "doe": 0.3}
    three = {"ant": 0.62, "bee": 0.6, "cow": 0.58}
    tasks = [drawn(task, 20 + i, spread) for i, task in enumerate(("beluga", "kabr", "plankton"))]
    # Ant and bee differ by the six clusters of one task alone, and too few for signs.
    uneven = [drawn("beluga", 20, three), drawn("kabr", 6, {**three, "ant": 0.95, "bee": 0.2})]
    for name in ("ant", "bee"):
        uneven[0]["models"][name]["influence"] = [0.001] * 20
    uneven[1]["models"]["cow"]["influence"] = uneven[1]["models"]["ant"]["influence"]
    cases = {
        "two-that-may-be-best": given_of([drawn("plankton", 30, spread)]),
        "lower-is-better": given_of([drawn("plankton", 30, spread)], higher_is_better=False),
        "none-told-apart": given_of([drawn("kabr", 9, three, noise=0.5)]),
        "all-told-apart": given_of([drawn("beluga", 60, spread, noise=0.001)]),
        "stepdown": given_of([drawn("iwildcam", 12, {**spread, "eel": 0.65, "fox": 0.6}, 0.05)]),
        "equal-scores": given_of([drawn("iwildcam", 12, {"ant": 0.5, "bee": 0.5})]),
        "unequal-clusters": given_of([drawn("plantnet", 40, spread, 0.1, unequal=True)]),
        "mean": given_of(tasks),
        "mean-with-a-pair-of-few-clusters": given_of(uneven),
        "one-model": given_of([drawn("kabr", 9, {"only": 0.5})]),
        "one-model-of-too-few-clusters": given_of([drawn("kabr", 4, {"only": 0.5})]),
        "seven-clusters": given_of([drawn("kabr", 7, spread)]),
        "eight-clusters": given_of([drawn("kabr", 8, spread)]),
    }
    # Of two equal models no replicate has a variance, nor a difference.
    equal = drawn("kabr", 12, three, noise=0.001)
    equal["models"]["bee"] = equal["models"]["ant"]
    cases["two-equal-models"] = given_of([equal])
    for side in ("below", "above"):
        cases[f"just-{side}-the-critical-value"] = given_of([at_the_critical_value(side)])
    for name, given in cases.items():
        yield Case(f"ranks/{name}", given, same_ranks)
    yield Case("ranks/error/no-model", {"models": [], "tasks": tasks}, refused)


def at_the_critical_value(side: str) -> dict[str, Any]:
    """Two models whose difference lies between the critical value and the next smaller or larger
    of the replicates' values."""
    task = drawn("beluga", 16, {"ant": 0.5, "bee": 0.5})
    pairs = plain_clusters.Pairs(given_of([task]))
    values = sorted(pairs.flipped("ant", "bee"))
    place = math.ceil((1 - Fraction(repr(plain_clusters.TESTS["alpha"]))) * (pairs.R + 1))
    near = values[place - 1]
    next_one = max(v for v in values if v < near) if side == "below" else min(
        v for v in values if v > near
    )  # fmt: skip
    assert values.count(near) == 1
    error, _ = pairs.spread("ant", "bee")
    task["models"]["ant"]["score"] = 0.5 + math.sqrt((near + next_one) / 2) * error
    return task


file = Section("comparison", "18.1", "S", "comparison", LOOP).file


def files() -> Iterator[VectorFile]:
    counts = [("beluga", 3, 4), ("kabr", 64, 2), ("plankton", 65, 3), ("my-task", 130, 2)]
    yield file(
        "signs",
        "The sign of each cluster in each replicate.",
        [
            Case(f"signs/{k}", {"task": task, "clusters": k, "replicates": r}, same_signs)
            for task, k, r in counts
        ],
        number="18.2",
    )
    yield file("difference", "Two models' scores with the influences of clusters.", differences())
    yield file("models", "Two models' predictions, end to end.", models())
    yield file("holm", "Holm's correction, with ties.", families(), number="18.3")
    yield file("ranks", "Sets of ranks that hold all at once.", sets(), number="18.4")
