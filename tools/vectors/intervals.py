"""Section 12: what each cluster moves a metric by, quantiles, and the interval of a task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from biobench.spec.generator import Stream
from vectors import plain_clusters
from vectors.case import Case, Section, VectorFile, refused
from vectors.traits_loss_groups import fish, flagged, fungi, pictures

LOOP = "a plain loop over items and clusters"
SECTION = Section("intervals", "12", "S", "interval", LOOP)
RANKED = ("macro_f1", "accuracy", "top1", "top5", "mean_average_precision")


def columns(name: str, sizes: list[int], clusters: int = 0) -> dict[str, Any]:
    """Predictions of as many items a class as ``sizes`` says, the classes in a drawn order, in
    drawn clusters of unequal sizes."""
    stream, n = Stream(17, f"vectors/intervals/{name}"), sum(sizes)
    truth = np.repeat(np.arange(len(sizes)), sizes)[stream.permutation(n)]
    other = stream.integers(len(sizes) + 1, n, n)
    right = stream.integers(10, n, 2 * n) < 6
    prediction = np.where(right, truth, other)
    found = {"y_true": truth.tolist(), "y_pred": prediction.tolist()}
    return {**found, **places(name, n, clusters)} if clusters else found


def places(name: str, items: int, clusters: int) -> dict[str, Any]:
    """Clusters of which the first are the largest; each has an item while there are items."""
    stream = Stream(17, f"vectors/intervals/{name}/clusters")
    drawn = np.minimum(stream.integers(clusters, items), stream.integers(clusters, items, items))
    drawn[:clusters] = np.arange(clusters)[: drawn[:clusters].size]
    return {"cluster": [f"camera {i}" for i in drawn]}


def ranked(name: str, sizes: list[int], clusters: int = 0) -> dict[str, Any]:
    """The same, with the extra columns of nearest neighbours."""
    stream, n = Stream(17, f"vectors/intervals/{name}/ranks"), sum(sizes)
    return {
        **columns(name, sizes, clusters),
        "first_hit": stream.integers(9, n).tolist(),
        "average_precision": (stream.integers(1001, n, n) / 1000).tolist(),
    }


def same_influences(given: Any, output: Any) -> None:
    found = plain_clusters.clusters(given)
    assert output == {"influence": found.J, "weights": found.w}


def nothing(given: Any, output: Any) -> bool:
    return output == {"influence": None, "weights": None}


def same_quantile(given: Any, output: Any) -> None:
    assert output == {"quantile": plain_clusters.quantile(given["freedom"])}


def same_score(given: Any, output: Any) -> None:
    assert output == plain_clusters.score(given)


SMALL: dict[str, dict[str, Any]] = {
    # Class 2 lies in cluster b alone; class 0 in two clusters, class 1 in all three.
    "class-in-one-cluster": {
        "y_true": [0, 1, 2, 2, 1, 0, 1, 1], "y_pred": [0, 1, 2, 0, 0, 0, 1, 2],
        "cluster": [*"aabbbcca"],
    },
    "every-class-in-one-cluster": {
        "y_true": [0, 0, 1, 1, 2, 2], "y_pred": [0, 1, 1, 1, 2, 0], "cluster": [*"aabbcc"],
    },
    "class-that-is-only-predicted": {
        "y_true": [0, 1, 0, 1], "y_pred": [7, 1, 0, 9], "cluster": [*"aabb"],
    },
    "predicted-where-it-does-not-occur": {
        "y_true": [0, 0, 1, 1, 0], "y_pred": [1, 0, 1, 1, 1], "cluster": [*"aabbc"],
    },
    "without-predictions": {
        "y_true": [0, 0, 1, 1, 2, 2], "y_pred": [0, -2, 1, -1, 2, 9], "cluster": [*"ababab"],
    },
    "one-cluster": {"y_true": [0, 1, 0, 1], "y_pred": [0, 1, 1, 1], "cluster": [*"aaaa"]},
    "by-code-point": {
        "y_true": [0, 1, 0, 1, 0, 1], "y_pred": [0, 1, 1, 1, 0, 0],
        "cluster": ["\ufb33", "\U0001f600", "Z", "a", "\ufb33", "10"],
    },
    "items-are-clusters": {"y_true": [0, 1, 0, 1, 1, 0], "y_pred": [0, 1, 1, 1, 0, 0]},
    "ids-order-the-clusters": {
        "y_true": [0, 1, 0, 1], "y_pred": [0, 1, 1, 1], "ids": ["d", "a", "c", "b"],
    },
    "clusters-come-before-ids": {
        "y_true": [0, 1, 0, 1, 0], "y_pred": [0, 1, 1, 1, 0], "ids": [*"edcba"],
        "cluster": [*"xyxzz"],
    },
    # As text 10 and 100 come before 2 and 9, and classes 10 and 2 lie in one cluster.
    "ids-of-one-and-more-digits": {
        "y_true": [10, 9, 100, 2, 11, 9, 100, 2, 11, 10, 3, 3, 9, 11],
        "y_pred": [10, 9, 9, 2, 11, 100, 100, 11, 9, 3, 3, 10, 9, 100],
        "cluster": [*"abcdabbdcacacd"],
    },
    "ids-with-gaps": {
        "y_true": [900, 7, 7, 900, 7], "y_pred": [900, 7, 900, 7, 7], "cluster": [*"abcab"],
    },
}  # fmt: skip


def other_metrics(name: str) -> dict[str, dict[str, Any]]:
    """Traits, losses and groups in clusters."""
    observed = flagged(fungi(name, {-1: 16, 0: 15, 1: 24, 2: 1}), [1])
    grouped = pictures(name, {"b": [14, 13], "a": [15, 2, 12]})
    some = fish(name, [18, 1, 32, 40], 40)
    unread = {**some, "y_pred": [[-2] * 4, *some["y_pred"][1:]]}
    return {
        "traits-f1": {"task": "fishnet", "metric": "traits_f1", **some},
        "traits-without-a-prediction": {"task": "fishnet", "metric": "traits_f1", **unread},
        "user-loss": {"task": "fungiclef", "metric": "user_loss", **observed},
        "group-accuracy": {"task": "newt", "metric": "group_accuracy", **grouped},
        "accuracy-with-groups": {"task": "newt", "metric": "accuracy", **grouped},
        "macro-f1-with-groups": {"task": "newt", "metric": "macro_f1", **grouped},
    }


def without_interval(given: Any, output: Any) -> bool:
    return output["interval"] is None and output["no_interval"] == "metric"


def influences() -> Iterator[Case]:
    official = {"division": "official"}
    for name, given in SMALL.items():
        rest = {"task": "beluga", **official, "metric": "macro_f1"}
        yield Case(f"influences/{name}", {**rest, **given}, same_influences)
    for metric in RANKED:
        given = {"task": "beluga", **official, "metric": metric, **ranked(metric, [7, 1, 4, 12], 6)}
        yield Case(f"influences/{metric}", given, same_influences)
    for name, given in other_metrics("influences").items():
        place = places(f"influences/{name}", len(given["y_true"]), 7)
        yield Case(f"influences/{name}", {**official, **given, **place}, same_influences)
    # More than ten classes, some of which lie in one cluster.
    thirteen = columns("thirteen", [3, 1, 5, 2, 1, 4, 2, 6, 1, 3, 2, 4, 3], 6)
    given = {"task": "beluga", **official, "metric": "macro_f1", **thirteen}
    yield Case("influences/class-of-thirteen-alone", given, same_influences)
    unread = {"y_true": [-1, 0, 1, -1, 2, 0], "y_pred": [-2, -2, -1, -1, 2, 10]}
    lossy = {"metric": "user_loss", **flagged(unread, [1]), "cluster": [*"aabbcc"]}
    given = {"task": "fungiclef", **official, **lossy}
    yield Case("influences/user-loss-without-a-prediction", given, same_influences)
    given = {"task": "beluga", **official, "metric": "accuracy", **unread, "cluster": [*"aabbcc"]}
    yield Case("influences/accuracy-of-the-unknown", given, same_influences)
    far = ["\ufb33", "\U0001f41f", "z"]
    given = {"task": "newt", "metric": "group_accuracy", **official}
    for name, sizes in {"groups-by-code-point": [9, 11, 13], "lone-groups": [3, 4, 5]}.items():
        found = pictures(name, {group: [n, 3] for group, n in zip(far, sizes, strict=True)})
        place = {"cluster": [f"c{i % 4}" for i in range(len(found["group"]))]}
        if name == "lone-groups":
            place = {"cluster": [*found["group"][:-1], "z"]}
        yield Case(f"influences/{name}", {**given, **found, **place}, same_influences)
    compat = {"task": "plankton", "division": "compat", "metric": "macro_f1"}
    yield Case("influences/compat", {**compat, **columns("compat", [3, 5])}, nothing)
    silent = {"task": "plankton", **official, "metric": "macro_f1", "interval": None}
    yield Case("influences/metric-without", {**silent, **columns("compat", [3, 5])}, nothing)


def scores() -> Iterator[Case]:
    official = {"division": "official"}
    for metric in RANKED:
        given = {"task": "beluga", **official, "metric": metric}
        yield Case(f"interval/{metric}", {**given, **ranked(metric, [30, 20, 25], 20)}, same_score)
    given = ranked("mean_average_precision", [30, 20, 25], 20)
    rest = {"task": "beluga", **official, "metric": "mean_average_precision"}
    missed = {"average_precision": [0.0, *given["average_precision"][1:]]}
    yield Case("interval/precision-of-0", {**rest, **given, **missed}, same_score)
    for name, given in other_metrics("end").items():
        place = places(f"end/{name}", len(given["y_true"]), 18)
        yield Case(f"interval/{name}", {**official, **given, **place}, same_score)
    equal = [f"{i % 5}" for i in range(40)]
    five, ten = columns("five", [20, 20]), columns("ten", [30, 30])
    half = {"y_true": [0, 1] * 6, "y_pred": [0, 1] * 5 + [1, 0]}
    for name, division, given in [
        ("open", "open", columns("open", [20, 30], 15)),
        ("items-are-clusters", "official", columns("items", [20, 30])),
        ("compat", "compat", columns("compat-end", [20, 30], 15)),
        # One item moved makes K_eff of five equal clusters less than 5.
        ("five-equal-clusters", "official", {**equally(five, 5)}),
        ("less-than-five-effective-clusters", "official", {**five, "cluster": [*equal[:-1], "0"]}),
        ("ten-equal-clusters", "official", {**equally(ten, 10)}),
        ("less-than-ten-effective-clusters", "official", columns("nine", [30, 30], 11)),
        ("one-cluster", "official", {**five, "cluster": ["a"] * 40}),
        ("all-right", "official", {**five, "y_pred": five["y_true"]}),
        ("few-clusters-without-spread", "official", {
            **five, "y_pred": five["y_true"], "cluster": [f"{i % 3}" for i in range(40)],
        }),
        ("all-wrong", "official", {**five, "y_pred": [2] * 40}),
        ("single-items", "official", {"y_true": list(range(9)), "y_pred": [*range(8), 0]}),
        # Of ten classes one lies in one cluster, and then two.
        ("a-tenth-of-the-classes-alone", "official", lone(1)),
        ("more-than-a-tenth-of-the-classes-alone", "official", lone(2)),
        ("high-score", "official", half),
        ("one-class", "official", {"y_true": [0] * 11, "y_pred": [0] * 9 + [1, 2]}),
    ]:  # fmt: skip
        rest = {"task": "plankton", "division": division, "metric": "macro_f1"}
        yield Case(f"interval/{name}", {**rest, **given}, same_score)
    for count in (1, 2):
        given = {"task": "fishnet", **official, "metric": "traits_f1", **lone_traits(count)}
        yield Case(f"interval/{count}-of-twelve-values-alone", given, same_score)
    silent = {"task": "plankton", **official, "metric": "macro_f1", "interval": None}
    given = columns("compat-end", [20, 30], 15)
    yield Case("interval/metric-without", {**silent, **given}, without_interval)
    both = {**silent, "division": "compat"}
    yield Case("interval/compat-of-a-metric-without", {**both, **given}, same_score)
    rest = {"task": "plankton", **official, "y_true": [], "y_pred": []}
    yield Case("interval/error/no-item", {**rest, "metric": "macro_f1"}, refused)
    rest = {"task": "plankton", **official, "y_true": [0], "y_pred": [0]}
    yield Case("interval/error/top1-without-ranks", {**rest, "metric": "top1"}, refused)
    whole = {"task": "plankton", **official, "y_true": [0, 1] * 6, "y_pred": [0, 1] * 6}
    flags = {"true_poisonous": [False] * 12, "predicted_poisonous": [True] * 12}
    for name, metric, extra in [
        ("ranks-of-fewer-items", "top1", {"first_hit": [1] * 11}),
        ("ranks-of-more-items", "top5", {"first_hit": [1] * 13}),
        ("precisions-of-fewer-items", "mean_average_precision", {"average_precision": [0.5] * 11}),
        ("groups-of-fewer-items", "group_accuracy", {"group": ["a"] * 11}),
        ("clusters-of-fewer-items", "macro_f1", {"cluster": [*"abcdefghijk"]}),
        ("clusters-of-more-items", "macro_f1", {"cluster": [*"abcdefghijklm"]}),
        ("ids-of-fewer-items", "macro_f1", {"ids": [*"abcdefghijk"]}),
        ("id-twice", "macro_f1", {"ids": [*"abcdefghijkk"]}),
        ("another-column-of-fewer-items", "macro_f1", {"first_hit": [1] * 11}),
        ("flags-of-fewer-items", "user_loss", {**flags, "true_poisonous": [False] * 11}),
        (
            "predicted-flags-of-more-items",
            "user_loss",
            {**flags, "predicted_poisonous": [True] * 13},
        ),
    ]:
        yield Case(f"interval/error/{name}", {**whole, "metric": metric, **extra}, refused)
    unknown = {**whole, **flags, "y_true": [-1, *whole["y_true"][1:]], "metric": "user_loss"}
    unknown["true_poisonous"] = [True, *flags["true_poisonous"][1:]]
    yield Case("interval/error/unknown-class-as-poisonous", unknown, refused)
    called = {**whole, **flags, "y_pred": [-1, *whole["y_pred"][1:]], "metric": "user_loss"}
    yield Case("interval/error/unknown-prediction-as-poisonous", called, refused)
    unread = {**called, "y_pred": [-2, *called["y_pred"][1:]]}
    yield Case("interval/error/prediction-of-none-as-poisonous", unread, refused)


def equally(given: dict[str, Any], clusters: int) -> dict[str, Any]:
    """Clusters that share the items of every class equally."""
    seen: dict[Any, int] = {}
    names = []
    for label in given["y_true"]:
        names.append(f"place {seen.get(label, 0) % clusters}")
        seen[label] = seen.get(label, 0) + 1
    return {**given, "cluster": names}


def lone(classes: int) -> dict[str, Any]:
    """Ten classes of six items in six clusters, of which the first lie in one cluster."""
    truth = [c for c in range(10) for _ in range(6)]
    names = [f"{c if c < classes else i % 6}" for i, c in enumerate(truth)]
    prediction = [(c + 1) % 10 if i % 7 == 0 else c for i, c in enumerate(truth)]
    return {"y_true": truth, "y_pred": prediction, "cluster": names}


def lone_traits(traits: int) -> dict[str, Any]:
    """Six traits of items in ten clusters; the first traits lie in one cluster."""
    place = [i % 10 for i in range(60)]
    truth = [
        [int(k == 0) if t < traits else (i // 10 + t) % 2 for t in range(6)]
        for i, k in enumerate(place)
    ]
    prediction = [
        [v ^ ((7 * i + t) % 5 == 0) for t, v in enumerate(row)] for i, row in enumerate(truth)
    ]
    return {"y_true": truth, "y_pred": prediction, "cluster": [f"{k}" for k in place]}


def files() -> Iterator[VectorFile]:
    file = SECTION.file
    yield file(
        "influences",
        "J and w of each cluster, in code-point order of the clusters' names.",
        influences(),
        number="12.2",
    )
    freedoms = [
        0.5,
        4,
        4.5,
        5,
        7.25,
        29.999,
        30,
        31,
        34.5,
        65.5,
        72,
        196.38,
        9999.5,
        10000,
        123456.7,
    ]
    yield file(
        "quantile",
        "Student's t, linear between the entries of the table.",
        [Case(f"quantile/{f}", {"freedom": f}, same_quantile) for f in freedoms],
        number="12.3",
    )
    yield file(
        "score",
        "Score and interval of a task, end to end, with the constants of the suite document.",
        scores(),
    )
