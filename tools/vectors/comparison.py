"""Section 18: two models, families of comparisons, ties for best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, Section, VectorFile, refused
from vectors.intervals import columns

LOOP = "a plain loop"
ALPHA = plain.SUITE["comparison"]["alpha"]


def compared(a: Any, b: Any, higher: bool, reliable: bool) -> dict[str, Any]:
    """Section 18.1 for two scores with replicates."""
    differences = [x - y for x, y in zip(a["replicates"], b["replicates"], strict=True)]
    count = len(differences)
    least, most = sum(d <= 0 for d in differences), sum(d >= 0 for d in differences)
    low, high = plain.bounds(differences, plain.CONFIDENCE)
    d = a["score"] - b["score"]
    ahead = None if d == 0 else "a" if (d > 0) == higher else "b"
    return {
        "difference": d,
        "low": low,
        "high": high,
        "level": plain.CONFIDENCE,
        "p": min(count + 1, 2 * (min(least, most) + 1)) / (count + 1),
        "ahead": ahead,
        "replicates": count,
        "reliable": reliable,
    }


def corrected(p: list[float]) -> list[float]:
    """Section 18.2, as one finds the smallest that is left."""
    left, found, least = list(range(len(p))), [0.0] * len(p), 0.0
    while left:
        i = min(left, key=lambda i: (p[i], i))
        least = min(1.0, max(least, len(left) * p[i]))
        found[i] = least
        left.remove(i)
    return found


def two(given: Any, output: Any) -> None:
    reliable = all(given[m].get("reliable", True) for m in "ab")
    assert output == compared(given["a"], given["b"], given["higher_is_better"], reliable)


def two_means(given: Any, output: Any) -> None:
    means = []
    for tasks in (given["a"], given["b"]):
        rows = zip(*(task["replicates"] for task in tasks), strict=True)
        n = len(tasks)
        score = plain.left_to_right([task["score"] for task in tasks]) / n
        replicates = [plain.left_to_right(row) / n for row in rows]
        means.append({"score": score, "replicates": replicates})
    reliable = all(t.get("reliable", True) for t in given["a"] + given["b"])
    assert output == compared(*means, True, reliable)


def two_models(given: Any, output: Any) -> None:
    name, count = given["metric"], plain.SUITE["comparison"]["replicates"]
    sides = []
    for model in (given["a"], given["b"]):
        score = plain.metric(name, model, range(len(model["y_true"])), "official")
        replicates = plain.replicates(name, model, given["task"], count)
        sides.append({"score": score, "replicates": replicates})
    truth = given["a"]["y_true"]
    enough = plain.SUITE["interval"]["reliable_items_per_class"]
    reliable = min(truth.count(c) for c in truth) >= enough
    assert output == compared(*sides, given.get("higher_is_better", True), reliable)


def family(given: Any, output: Any) -> None:
    assert output == {"corrected": corrected(given["p"])}


def ties(given: Any, output: Any) -> None:
    models, higher = given["models"], given["higher_is_better"]
    scores = [model["score"] for model in models]
    best = models[scores.index(max(scores) if higher else min(scores))]
    others = [model for model in models if model is not best]
    found = corrected([compared(best, model, higher, True)["p"] for model in others])
    p = {model["name"]: value for model, value in zip(others, found, strict=True)}
    names = [m["name"] for m in models if m is best or p[m["name"]] > ALPHA]
    reliable = all(model.get("reliable", True) for model in models)
    assert output == {"best": best["name"], "ties": names, "p": p, "reliable": reliable}


def column(name: str, centre: int, width: int, count: int = 99) -> dict[str, Any]:
    """A score with replicates around it, all of them multiples of a thousandth."""
    drawn = Stream(17, f"vectors/comparison/{name}").integers(2 * width + 1, count) - width
    return {"score": centre / 1000, "replicates": [int(v + centre) / 1000 for v in drawn]}


def pair(name: str, gap: int, width: int) -> dict[str, Any]:
    return {"a": column(f"{name}/a", 500 + gap, width), "b": column(f"{name}/b", 500, width)}


def flat(score: float, replicates: list[float], **more: Any) -> dict[str, Any]:
    return {"score": score, "replicates": replicates, **more}


def differences() -> Iterator[Case]:
    same = column("same", 400, 50)
    pairs: dict[str, tuple[Mapping[str, Any], bool]] = {
        "clear": (pair("clear", 200, 40), True),
        "close": (pair("close", 20, 60), True),
        "behind": (pair("behind", -50, 60), True),
        "lower-is-better": (pair("lower", 30, 40), False),
        "the-same-model": ({"a": same, "b": same}, True),
        "equal-scores-other-replicates": (pair("equal", 0, 60), True),
        "differences-of-zero-are-in-both-tails": (
            {
                "a": flat(0.5, [0.5, 0.5, 0.5, 0.75, 0.75, 0.25, 0.5, 0.75]),
                "b": flat(0.25, [0.5] * 8),
            },
            True,
        ),
        "one-replicate": ({"a": flat(0.75, [0.75]), "b": flat(0.5, [0.5])}, True),
        "bounds-of-a-hundred": (
            {"a": column("hundred/a", 520, 90, 100), "b": column("hundred/b", 500, 90, 100)},
            True,
        ),
        "unreliable": (
            {"a": flat(0.5, [0.5] * 9, reliable=False), "b": flat(0.25, [0.25] * 9)},
            True,
        ),
    }
    for name, (sides, higher) in pairs.items():
        yield Case(f"comparison/{name}", {**sides, "higher_is_better": higher}, two)
    wrong = {
        "unequal-replicates": {"a": flat(0.5, [0.5, 0.5]), "b": flat(0.5, [0.5])},
        "no-replicate": {"a": flat(0.5, []), "b": flat(0.5, [])},
        "unequal-directions": {
            "a": flat(0.5, [0.5], higher_is_better=True),
            "b": flat(0.5, [0.5], higher_is_better=False),
        },
    }
    for name, sides in wrong.items():
        yield Case(f"comparison/error/{name}", {**sides, "higher_is_better": True}, refused)


def means() -> Iterator[Case]:
    names = ["beluga", "kabr", "plankton"]
    tenths = [flat(v, [v, 2 * v]) for v in (0.1, 0.2, 0.3)]
    cases = {
        "three-tasks": (
            [column(f"mean/a/{n}", 480 + 30 * i, 80) for i, n in enumerate(names)],
            [column(f"mean/b/{n}", 500, 80) for n in names],
        ),
        "order-of-the-suite": (tenths, tenths[::-1]),
        "one-unreliable-task": (
            [flat(0.5, [0.5, 0.25]), flat(0.75, [0.75, 0.5], reliable=False)],
            [flat(0.25, [0.5, 0.25]), flat(0.5, [0.5, 0.75], reliable=False)],
        ),
    }
    for name, (a, b) in cases.items():
        yield Case(f"comparison-mean/{name}", {"a": a, "b": b}, two_means)
    wrong = {
        "unequal-replicates": [flat(0.5, [0.5]), flat(0.5, [0.5, 0.5])],
        "unequal-directions": [flat(0.5, [0.5]), flat(0.5, [0.5], higher_is_better=False)],
        "no-task": [],
    }
    for name, tasks in wrong.items():
        yield Case(f"comparison-mean/error/{name}", {"a": tasks, "b": tasks}, refused)


def models() -> Iterator[Case]:
    a, thin = columns("models", [11, 10, 12]), columns("models/thin", [9, 10, 11])
    better = {**a, "y_pred": list(a["y_pred"])}
    wrong = [i for i, t in enumerate(a["y_true"]) if t != a["y_pred"][i]]
    for i in wrong[:5]:
        better["y_pred"][i] = a["y_true"][i]
    other = {**a, "y_pred": a["y_pred"][1:] + a["y_pred"][:1]}
    for name, task, metric, one, two in [
        ("better-on-five-items", "plankton", "macro_f1", better, a),
        ("another-model", "plantnet", "macro_f1", a, other),
        ("accuracy", "kabr", "accuracy", a, better),
        ("single-items-are-unreliable", "beluga", "macro_f1", thin, {**thin, "y_pred": [0] * 30}),
    ]:
        given = {"task": task, "division": "official", "metric": metric, "a": one, "b": two}
        yield Case(f"comparison-models/{name}", given, two_models)
    ids = [f"item-{i}" for i in range(33)]
    swapped = [ids[1], ids[0], *ids[2:]]
    relabelled = {**a, "y_true": [(a["y_true"][0] + 1) % 3, *a["y_true"][1:]]}
    for name, division, one, two in [
        ("other-items", "official", {**a, "ids": ids}, {**a, "ids": ["x", *ids[1:]]}),
        ("another-order", "official", {**a, "ids": ids}, {**a, "ids": swapped}),
        ("another-truth", "official", a, relabelled),
        ("compat", "compat", a, better),
    ]:
        given = {"task": "plankton", "division": division, "metric": "macro_f1"}
        yield Case(f"comparison-models/error/{name}", {**given, "a": one, "b": two}, refused)


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
        "many": (Stream(17, "vectors/comparison/holm").integers(1002, 40) / 10_001).tolist(),
    }
    for name, p in cases.items():
        yield Case(f"holm/{name}", {"p": p}, family)
    for name, p in {"negative": [-0.1, 0.5], "above-one": [0.5, 1.5]}.items():
        yield Case(f"holm/error/{name}", {"p": p}, refused)


def bests() -> Iterator[Case]:
    def named(**scores: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"name": name, **value} for name, value in scores.items()]

    rising = [flat(0.3 + 0.1 * i, (np.arange(4) / 10 + 0.1 * i).tolist()) for i in range(3)]
    cases = {
        "two-tie": (
            named(
                ant=column("best/ant", 700, 60),
                bee=column("best/bee", 690, 60),
                cow=column("best/cow", 400, 60),
                doe=column("best/doe", 300, 60),
            ),
            True,
        ),
        "lower-is-better": (
            named(ant=column("best/ant", 700, 60), cow=column("best/cow", 400, 60)),
            False,
        ),
        "first-of-equal-scores": (
            named(low=flat(0.1, [0.1] * 99), one=flat(0.5, [0.5] * 99), two=flat(0.5, [0.5] * 99)),
            True,
        ),
        "first-of-equal-losses": (
            named(one=flat(0.5, [0.5] * 99), two=flat(0.5, [0.5] * 99), high=flat(1, [1.0] * 99)),
            False,
        ),
        "correction-makes-a-tie": (
            named(**{f"m{i}": flat(i / 10, [i / 10] * 99) for i in range(5)}),
            True,
        ),
        # 2 / 40 is alpha itself, and a tie needs more.
        "p-is-exactly-alpha": (
            named(one=flat(0.5, [0.5] * 39), two=flat(0.25, [0.25] * 39)),
            True,
        ),
        "a-family-that-can-reject-nothing": (named(a=rising[0], b=rising[1], c=rising[2]), True),
        "one-model": (named(only=column("best/only", 500, 9, 9)), True),
        "unreliable": (
            named(a=flat(0.5, [0.5] * 99, reliable=False), b=flat(0.25, [0.25] * 99)),
            True,
        ),
        "one-that-is-not-the-best-is-unreliable": (
            named(
                a=flat(0.5, [0.5] * 99),
                b=flat(0.25, [0.25] * 99, reliable=False),
                c=flat(0.125, [0.125] * 99),
            ),
            True,
        ),
    }
    for name, (given, higher) in cases.items():
        yield Case(f"best/{name}", {"models": given, "higher_is_better": higher}, ties)
    unequal = named(a=flat(0.5, [0.5] * 3), b=flat(0.4, [0.4] * 4))
    for name, given in {"no-model": [], "unequal-replicates": unequal}.items():
        yield Case(f"best/error/{name}", {"models": given, "higher_is_better": True}, refused)


file = Section("comparison", "18.1", "S", "comparison", LOOP).file


def files() -> Iterator[VectorFile]:
    yield file("difference", "Two scores with their replicates.", differences())
    yield file("mean", "Two models' means over tasks, replicate by replicate.", means())
    yield file("models", "Two models' predictions, end to end.", models())
    yield file("holm", "Holm's correction, with ties.", families(), number="18.2")
    yield file(
        "ties_for_best", "The best model and those that tie with it.", bests(), number="18.3"
    )
