"""Section 12: resamples, the metric on them, bounds, and the interval of a task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, Section, VectorFile, refused

SECTION = Section("intervals", "12", "S", "interval")

LOOP = "a plain loop over the drawn items"
METRICS = ("macro_f1", "accuracy", "top1", "top5", "mean_average_precision")


def columns(name: str, sizes: list[int]) -> dict[str, Any]:
    """Predictions of as many items a class as ``sizes`` says, the classes in a drawn order."""
    stream, n = Stream(17, f"vectors/intervals/{name}"), sum(sizes)
    truth = np.repeat(np.arange(len(sizes)), sizes)[stream.permutation(n)]
    other = stream.integers(len(sizes) + 1, n, n)
    right = stream.integers(10, n, 2 * n) < 6
    prediction = np.where(right, truth, other)
    return {"y_true": truth.tolist(), "y_pred": prediction.tolist()}


def ranked(name: str, sizes: list[int]) -> dict[str, Any]:
    """The same, with the extra columns of nearest neighbours."""
    stream, n = Stream(17, f"vectors/intervals/{name}/ranks"), sum(sizes)
    return {
        **columns(name, sizes),
        "first_hit": stream.integers(9, n).tolist(),
        "average_precision": (stream.integers(1001, n, n) / 1000).tolist(),
    }


def drawn(given: Any, output: Any) -> None:
    assert output["items"] == plain.drawn_items(given["y_true"], given["task"], given["replicates"])


def values(given: Any, output: Any) -> None:
    assert output["values"] == plain.replicates(
        given["metric"], given, given["task"], given["replicates"]
    )


def nothing(given: Any, output: Any) -> bool:
    return output == {"values": None} and given["division"] == "compat"


def percentiles(given: Any, output: Any) -> None:
    low, high = plain.bounds(given["values"], given["confidence"])
    assert output == {"low": low, "high": high}


def ends(given: Any, output: Any) -> None:
    """The whole result of a task."""
    name, division = given["metric"], given["division"]
    score = plain.metric(name, given, range(len(given["y_true"])), division)
    interval = None
    if division != "compat":
        found = plain.replicates(name, given, given["task"], plain.SUITE["interval"]["replicates"])
        interval = plain.interval(found, min(given["y_true"].count(c) for c in given["y_true"]))
    assert output == {"score": score, "interval": interval, "metrics": {name: score}}


def case(kind: str, name: str, check: Any, **given: Any) -> Case:
    return Case(f"{kind}/{name}", given, check)


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "positions",
        "The items that each replicate draws, by position.",
        [
            case("positions", name, drawn, task=task, y_true=truth, replicates=count)
            for name, task, truth, count in [
                ("one-class", "beluga", [0] * 7, 3),
                ("classes-out-of-order", "plankton", [2, 0, 1, 0, 2, 2, 0, 1, 2], 4),
                ("single-items", "plantnet", [3, 1, 2, 0], 3),
                ("ids-with-gaps", "herbarium19", [900, 7, 7, 900, 7], 4),
                ("unknown-class-first", "fungiclef", [1, -1, 0, -1, 1, -1, 0], 3),
                ("one-item", "kabr", [5], 2),
                ("large-class", "iwildcam", [1] + [0] * 40, 2),
            ]
        ],
        source=LOOP,
    )
    sizes = [7, 1, 4, 12]
    yield SECTION.file("replicates", "The metric of each replicate; none in division compat.",
        [
            case(
                "replicates", metric, values,
                task="beluga", division="official", metric=metric, replicates=6,
                **ranked(metric, sizes),
            )
            for metric in METRICS
        ]
        + [
            case(
                "replicates", "open", values,
                task="my-task", division="open", metric="macro_f1", replicates=4,
                **columns("open", [3, 5]),
            ),
            case(
                "replicates", "without-predictions", values,
                task="plankton", division="official", metric="macro_f1", replicates=5,
                y_true=[0, 0, 1, 1, 2, 2], y_pred=[0, -2, 1, -1, 2, 9],
            ),
            case(
                "replicates", "compat", nothing,
                task="plankton", division="compat", metric="macro_f1", replicates=4,
                **columns("compat", [3, 5]),
            ),
        ],
        source=LOOP,
    )  # fmt: skip
    order = Stream(17, "vectors/intervals/bounds").permutation(1000)
    yield SECTION.file(
        "bounds",
        "Percentile bounds; their rank is taken on the decimal, not on a rounded product.",
        [
            case("bounds", name, percentiles, values=numbers, confidence=confidence)
            for name, numbers, confidence in [
                ("thousand-at-95", [int(v) + 1 for v in order], 0.95),
                ("forty-at-90", [int(v) for v in order[:40]], 0.9),
                ("eighty-at-95", [int(v) for v in order[:80]], 0.95),
                ("seventy-nine-at-95", [int(v) for v in order[:79]], 0.95),
                ("two-hundred-at-99", [int(v) for v in order[:200]], 0.99),
                ("six-at-50", [0.25, -0.5, 1.5, 0.75, -2.0, 0.0], 0.5),
                ("fewer-than-the-rank-needs", [0.5, 0.25, 0.75], 0.95),
                ("one-value", [0.125], 0.95),
                ("equal-values", [0.5] * 9, 0.9),
            ]
        ]
        + [
            case("bounds/error", name, refused, values=numbers, confidence=confidence)
            for name, numbers, confidence in [
                ("no-value", [], 0.95),
                ("confidence-zero", [1.0], 0.0),
                ("confidence-one", [1.0], 1.0),
            ]
        ],
        source="exact fractions",
    )
    enough, thin = [12, 10, 15], [12, 9, 15]
    yield SECTION.file(
        "score",
        "Score and interval of a task, end to end, with the constants of the suite document.",
        [
            case(
                "interval", metric, ends,
                task="beluga", division="official", metric=metric, **ranked(f"end/{metric}", thin),
            )
            for metric in METRICS
        ]
        + [
            case(
                "interval", name, ends,
                task=task, division=division, metric="macro_f1", **columns(f"end/{name}", sizes),
            )
            for name, task, division, sizes in [
                ("reliable", "herbarium19", "official", enough),
                ("one-item-too-few-to-be-reliable", "herbarium19", "official", thin),
                ("single-items", "plantnet", "official", [1, 1, 1, 1]),
                ("one-class", "plankton", "official", [11]),
                ("open", "my-task", "open", enough),
                ("compat", "plankton", "compat", enough),
            ]
        ]
        + [
            case(
                "interval/error", "no-item", refused,
                task="plankton", division="official", metric="macro_f1", y_true=[], y_pred=[],
            ),
            case(
                "interval/error", "top1-without-ranks", refused,
                task="plankton", division="official", metric="top1", y_true=[0], y_pred=[0],
            ),
        ],
        source=LOOP,
    )  # fmt: skip
