"""Section 10.4: the support vector machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from sklearn.svm import SVC

from vectors import plain
from vectors.case import Case, Section, VectorFile, refused
from vectors.drawn import Draws

OFFICIAL = {"protocol": "svm", "division": "official"}
COMPAT = {"protocol": "svm", "division": "compat"}
BOTH = {"official": OFFICIAL, "compat": COMPAT}
DRAWS = Draws("svm")
drawn = DRAWS.rows


def unit(row: list[float]) -> list[float]:
    norm = math.sqrt(plain.left_to_right([x * x for x in row]))
    return [x / norm for x in row]


def chain(train: Any, test: Any) -> tuple[list[float], Any, Any]:
    """Step 1 as plain loops: the mean, train rows and test rows."""
    units = [unit(row) for row in train]
    mean = [plain.left_to_right(column) / len(units) for column in zip(*units, strict=True)]

    def centred(row: list[float]) -> list[float]:
        return unit([x - m for x, m in zip(row, mean, strict=True)])

    return mean, [centred(row) for row in units], [centred(unit(row)) for row in test]


def rows(given: Any, output: Any) -> None:
    assert np.array_equal(np.array(given["features"], np.float32), given["features"])
    mean, train, test = chain(given["features"], given["test"])
    assert output == {"mean": mean, "features": train, "test": test}


def intercept(given: Any, output: Any) -> None:
    """The losses of a one-dimensional problem with these gaps, at all places where they bend."""
    gaps, positives = sorted(given["gaps"]), given["positives"]
    found = output["intercept"]
    assert found == (gaps[positives - 1] + gaps[positives]) / 2

    # A row of gap h has the loss max(0, h - t) if its sign is +1, else max(0, t - h). Their sum
    # depends on the signs by a constant only.
    def losses(t: float) -> float:
        return -positives * t + sum(max(0.0, t - h) for h in gaps)

    assert losses(found) <= min(losses(h) for h in gaps) + 1e-12


def votes(given: Any, output: Any) -> None:
    tie = plain.constants("svm", given["division"])["decision_tie"]
    expected = []
    for values in given["decisions"]:
        count = [0] * given["classes"]
        for value, (a, b) in zip(values, combinations(range(given["classes"]), 2), strict=True):
            count[b if value > 0 or (value == 0 and tie == "largest-id") else a] += 1
        expected.append(count.index(max(count)))
    assert output == {"classes": expected}


def violation(given: Any, output: Any) -> None:
    """Step 3 as plain loops."""
    constants = plain.constants("svm", given["division"])
    weight = [
        sum(a * y * row[j] for a, y, row in zip(*duals(given), strict=True))
        for j in range(len(given["rows"][0]))
    ]
    grow, shrink = [], []
    for a, y, row in zip(*duals(given), strict=True):
        h = y - sum(w * x for w, x in zip(weight, row, strict=True))
        if (a < constants["C"]) if y > 0 else (a > 0):
            grow.append(h)
        if (a > 0) if y > 0 else (a < constants["C"]):
            shrink.append(h)
    found = max(grow) - min(shrink)
    assert math.isclose(output["violation"], found, rel_tol=0, abs_tol=1e-13)
    dual, signs, _ = duals(given)
    is_allowed = all(0 <= a <= constants["C"] for a in dual)
    balance = abs(sum(a * y for a, y in zip(dual, signs, strict=True)))
    is_allowed &= balance <= 1e-12 * constants["C"] * len(dual)
    assert output["within"] == (is_allowed and found <= constants["violation_tolerance"])


def duals(given: Any) -> tuple[Any, Any, Any]:
    return given["dual"], given["signs"], given["rows"]


def fit(given: Any, output: Any) -> None:
    """scikit-learn's libsvm keeps kernel values in float32, so it comes near only; the duality gap
    shows that the answer is the optimum."""
    constants = {**plain.constants("svm", given["division"]), **given.get("constants", {})}
    _, train, test = (np.array(part) for part in chain(given["features"], given["test"]))
    labels = np.array(given["labels"])
    model = SVC(kernel="linear", C=constants["C"], tol=1e-7).fit(train, labels)
    sign = 1 if len(model.classes_) == 2 else -1
    assert np.allclose(output["weight"], sign * model.coef_, rtol=0, atol=2e-5)
    assert np.allclose(output["intercept"], sign * model.intercept_, rtol=0, atol=2e-5)
    values = np.array(output["decisions"])
    assert np.allclose(values, test @ np.array(output["weight"]).T + output["intercept"])
    assert np.abs(values).min() > 1e-3
    assert output["y_pred"] == model.predict(test).tolist()


def groups(given: Any, output: Any) -> None:
    constants = plain.constants("svm", given["division"])
    features, count = given["features"], len(given["train"])
    expected = []
    for place, (_, group) in enumerate(given["test"]):
        mine = [i for i, (_, other) in enumerate(given["train"]) if other == group]
        _, train, test = chain([features[i] for i in mine], [features[count + place]])
        model = SVC(kernel="linear", C=constants["C"], tol=1e-7)
        model.fit(train, [given["train"][i][0] for i in mine])
        values = np.ravel(model.decision_function(test))
        assert np.abs(values).min() > 1e-3
        expected.append(int(model.predict(test)[0]))
    assert output == {"y_pred": expected}


def near_the_tolerance(factor: float) -> dict[str, Any]:
    """Two rows whose dual variables are both 1/2, so that the violation is 2 - distance^2 / 2:
    ``factor`` times the tolerance of the official protocol."""
    wanted = factor * plain.constants("svm", "official")["violation_tolerance"]
    return {
        "rows": [[math.sqrt(2 * (2 - wanted))], [0.0]],
        "signs": [1, -1],
        "dual": [0.5, 0.5],
    }


def exact_files() -> Iterator[VectorFile]:
    file = Section("support-vector-machine", "10.4", "P", "svm").file

    some = drawn("rows", 6, 4)
    yield file(
        "rows",
        "Train and test rows of one group as its machines see them, and the train mean.",
        [
            Case(f"svm/rows/{k}", {**OFFICIAL, "features": f, "test": t}, rows)
            for k, f, t in [
                ("drawn", some, drawn("rows/test", 3, 4)),
                ("its-own-rows", some, some),
                ("two-rows", [[3.0, 4.0], [1.0, 0.0]], [[0.0, -2.0]]),
                ("length-does-not-count", [[2 * x for x in row] for row in some], some[:1]),
                ("many-rows", drawn("rows/many", 60, 2), drawn("rows/many/test", 2, 2)),
                ("mean-of-zero", [[1.0, 0.0], [-1.0, 0.0]], [[0.5, 0.5]]),
            ]
        ]
        + [
            Case(f"svm/rows/{k}", {**OFFICIAL, "features": f, "test": t}, refused)
            for k, f, t in [
                ("train-row-of-zeros", [[0.0, 0.0], [1.0, 0.0]], [[1.0, 1.0]]),
                ("test-row-of-zeros", [[0.0, 1.0], [1.0, 0.0]], [[0.0, 0.0]]),
                ("train-rows-are-the-mean", [[2.0, 0.0], [1.0, 0.0]], [[1.0, 1.0]]),
            ]
        ],
        source="plain loops",
    )
    gaps = [row[0] for row in drawn("intercept", 15, 1)]
    yield file(
        "intercept",
        "The intercept from y - w x of every row and the number of rows with y = 1.",
        [
            Case(f"svm/intercept/{k}", {**OFFICIAL, "gaps": g, "positives": p}, intercept)
            for k, g, p in [
                ("flat-part", [3.0, -1.0, 0.5, -2.0], 2),
                ("one-positive", [3.0, -1.0, 0.5, -2.0], 1),
                ("one-negative", [3.0, -1.0, 0.5, -2.0], 3),
                ("equal-gaps", [1.0, 0.25, 0.25, 0.25, -1.0], 2),
                ("two-rows", [-1.5, 0.25], 1),
                ("drawn", gaps, 6),
            ]
        ],
        source="a plain loop over the hinge losses",
    )
    yield file(
        "vote",
        "The class of each row from the decision values of the pairs (0, 1), (0, 2), ..., (1, 2), "
        "...",
        [
            Case(
                f"svm/vote/{division}-{k}",
                {**BOTH[division], "classes": c, "decisions": v},
                votes,
            )
            for division in BOTH
            for k, c, v in [
                ("two-classes", 2, [[-0.5], [0.0], [0.5]]),
                ("zeros-of-three", 3, [[0.0, 0.0, 0.0], [0.0, 1.0, -1.0], [-1.0, 0.0, 1.0]]),
                ("circle", 3, [[-1.0, 1.0, -1.0], [1.0, -1.0, 1.0]]),
                ("drawn", 5, drawn("vote", 12, 10)),
                ("tie-of-longer-ids", 11, [two_of_most()]),
            ]
        ],
        source="a plain loop",
    )


def two_of_most() -> list[float]:
    """Decision values of eleven classes of which 2 and 10 have nine votes, and no other as many."""
    found = []
    for a, b in combinations(range(11), 2):
        for_b = (b in (2, 10) and (a, b) != (0, 10)) or (a != 2 and b != 10 and (a + b) % 2 == 0)
        found.append(1.0 if for_b else -1.0)
    return found


def fitted_files() -> Iterator[VectorFile]:
    file = Section("support-vector-machine", "10.4", "P", "svm").file

    signs = [1, 1, -1, -1, 1, -1]
    points = drawn("violation", 6, 2)
    limit = plain.constants("svm", "official")["C"]
    yield file("violation", "The violation of dual variables, and whether a fit may end there.", [
            Case(
                f"svm/violation/{k}",
                {**OFFICIAL, **(v if isinstance(v, dict) else
                                {"rows": points, "signs": signs, "dual": v})},
                violation,
            )
            for k, v in {
                "all-zero": [0.0] * 6,
                "all-at-the-limit": [limit] * 6,
                "one-pair-at-the-limit": [limit, 0.0, limit, 0.0, 0.0, 0.0],
                "inside": [0.25, 0.5, 0.5, 0.25, 0.125, 0.125],
                "mixed": [limit, 0.25, 0.75, 0.5, 0.0, 0.0],
                "just-within": near_the_tolerance(0.999),
                "just-without": near_the_tolerance(1.001),
                # Both rows are at their limit and right, so nothing is violated.
                "below-zero": {"rows": [[0.5], [-0.5]], "signs": [1, -1], "dual": [limit] * 2},
                # Nothing is violated in these, and still no fit may end there.
                "sum-above-zero": {
                    "rows": [[0.5], [-0.5], [0.5]], "signs": [1, -1, 1], "dual": [limit] * 3,
                },
                "sum-below-zero": {
                    "rows": [[0.5], [-0.5], [-0.5]], "signs": [1, -1, -1], "dual": [limit] * 3,
                },
                "sum-that-is-nearly-zero": {
                    "rows": [[0.5], [-0.5], [1.0]], "signs": [1, -1, 1],
                    "dual": [limit, limit, 1e-10],
                },
                # The number of rows counts.
                "sum-within-the-rounding-of-three": {
                    "rows": [[0.5], [-0.5], [1.0]], "signs": [1, -1, 1],
                    "dual": [limit, limit, 2e-12],
                },
                "sum-of-a-last-bit": {
                    "rows": [[0.5], [-0.5], [1.0]], "signs": [1, -1, 1],
                    "dual": [limit, limit, 2.0**-50],
                },
                "above-the-limit": {
                    "rows": [[0.25], [-0.25]], "signs": [1, -1], "dual": [2 * limit] * 2,
                },
                "dual-below-zero": {
                    "rows": [[0.5], [-0.5], *([[0.25], [-0.25]] * 5)],
                    "signs": [1, -1] * 6,
                    "dual": [-limit / 2] * 2 + [limit] * 10,
                },
                "limit-not-reached": {
                    "rows": [[0.5], [-0.5]], "signs": [1, -1], "dual": [limit - 2**-20] * 2,
                },
            }.items()
        ],
        source="plain loops",
    )  # fmt: skip
    two, three, five = (
        DRAWS.labels("two", 30, 2),
        DRAWS.labels("three", 40, 3),
        DRAWS.labels("five", 50, 5),
    )
    cases = {
        "two-classes": (DRAWS.clustered("two", two, 3, 1.5, 2.0), two),
        "ids-that-are-not-next": (
            DRAWS.clustered("two", two, 3, 1.5, 2.0),
            [2 + 5 * y for y in two],
        ),
        "three-classes": (DRAWS.clustered("three", three, 4, 1.5, 2.0), three),
        "ids-that-are-no-text": (
            DRAWS.clustered("text", three[:15], 2, 1.5, 2.0),
            [(9, 10, 2)[y] for y in three[:15]],
        ),
        "five-classes": (DRAWS.clustered("five", five, 6, 1.5, 2.0), five),
        "more-features-than-rows": (DRAWS.clustered("wide", [0, 1] * 5, 24, 1.5, 2.0), [0, 1] * 5),
        "one-row-against-many": (
            DRAWS.clustered("rare", [0] * 14 + [1], 3, 1.5, 2.0),
            [0] * 14 + [1],
        ),
        "two-rows": ([[1.0, 2.0, 0.5], [2.0, -1.0, 0.25]], [0, 1]),
        "repeated-rows": (DRAWS.clustered("two", two, 3, 1.5, 2.0)[:9] * 2, two[:9] * 2),
        # The same direction, apart from its last bits, in both classes.
        "rows-that-are-nearly-equal": (
            [[k * x for x in (0.75, 1.5, 0.125)] for k in (1, 3, 5, 7, 11, 13, 19)]
            + DRAWS.clustered("two", two, 3, 1.5, 2.0)[:8],
            [i % 2 for i in range(7)] + two[:8],
        ),
    }
    # alpha + (C - alpha) is not C in some step of the first; the second ends with the steps of no
    # other share of its tolerance.
    bounds = {
        "a-bound-above-one": ("bounds-37", 7.7),
        "a-bound-below-one": ("bounds-37", 0.45),
    }
    yield file(
        "fit",
        "The machines of one group: weights and intercepts by pair of classes, decision values and "
        "predictions of the test rows.",
        [
            Case(
                f"svm/fit/{k}",
                {
                    **OFFICIAL,
                    "features": f,
                    "labels": y,
                    "test": [[2.0 + x for x in row] for row in drawn(f"{k}/test", 6, len(f[0]))],
                },
                fit,
            )
            for k, (f, y) in cases.items()
        ]
        + [
            Case(
                f"svm/fit/{k}",
                {
                    **OFFICIAL,
                    "features": [[2.0 + 0.5 * x for x in row] for row in drawn(name, 12, 2)],
                    "labels": [0, 1] * 6,
                    "test": [[2.0 + x for x in row] for row in drawn(f"{k}/test", 3, 2)],
                    "constants": {"C": bound},
                },
                fit,
            )
            for k, (name, bound) in bounds.items()
        ]
        + [
            Case(
                "svm/fit/one-class",
                {**OFFICIAL, "features": [[1.0, 0.0], [0.0, 1.0]], "labels": [3, 3],
                 "test": [[1.0, 1.0]]},
                refused,
            )
        ], source="scikit-learn SVC (libsvm), which keeps kernel values in float32",
    )  # fmt: skip
    members = [(i % 2, f"group-{i % 3}") for i in range(36)]
    asked = [(i % 2, f"group-{i // 2 % 3}") for i in range(12)]
    table = [
        [2.0 + 1.5 * (1 - 2 * label) * (j == int(group[-1])) + x for j, x in enumerate(row)]
        for (label, group), row in zip(members + asked, drawn("groups", 48, 3), strict=True)
    ]
    yield file(
        "groups",
        "Predictions of the test rows of a task with groups: features of the train rows, then of "
        "the test rows; [label, group] of each.",
        [
            Case(
                f"svm/groups/{k}",
                {**OFFICIAL, "features": f, "train": train, "test": test},
                check,
            )
            for k, f, train, test, check in [
                ("three-groups", table, members, asked, groups),
                (
                    "names-in-any-order",
                    table,
                    [(y, f"z{9 - int(g[-1])}") for y, g in members],
                    [(y, f"z{9 - int(g[-1])}") for y, g in asked],
                    groups,
                ),
                ("without-groups", table, [(y, "") for y, _ in members], [(0, "")] * 12, groups),
                (
                    "group-of-one-class",
                    table,
                    [(1 if g == "group-1" else y, g) for y, g in members],
                    asked,
                    refused,
                ),
                (
                    "group-without-train-rows",
                    table,
                    members,
                    [*asked[:-1], (0, "group-3")],
                    refused,
                ),
            ]
        ],
        source="scikit-learn SVC (libsvm), which keeps kernel values in float32",
    )


def files() -> Iterator[VectorFile]:
    yield from exact_files()
    yield from fitted_files()
