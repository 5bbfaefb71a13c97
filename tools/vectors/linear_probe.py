"""Section 10.1: the linear probe, from the rows to the trained layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, Section, VectorFile, refused

Matrix = npt.NDArray[np.float64]
OFFICIAL = {"protocol": "linear_probe", "division": "official"}
COMPAT = {"protocol": "linear_probe", "division": "compat"}


def constants(given: Any) -> dict[str, Any]:
    return {**plain.constants("linear_probe", given["division"]), **given.get("constants", {})}


def float32(values: Any) -> Any:
    """Rounded to float32, as nested lists of float64."""
    return np.array(values, np.float32).astype(np.float64).tolist()


def standardised(features: list[list[float]], epsilon: float) -> list[list[float]]:
    rows = []
    for x in features:
        m = plain.left_to_right(x) / len(x)
        q = plain.left_to_right([(v - m) * (v - m) for v in x]) / len(x)
        rows.append([(v - m) / math.sqrt(q + epsilon) for v in x])
    return float32(rows)  # type: ignore[no-any-return]


def epoch(given: Any, rows: int, number: int) -> list[list[int]]:
    stream = f"linear_probe/{given['task']}/order/{number}"
    return plain.epoch(stream, rows, constants(given)["batch_size"])


def start(given: Any, classes: int, width: int) -> tuple[list[list[float]], list[float]]:
    weight, bias = (plain.Words(f"linear_probe/{given['task']}/{n}") for n in ("weight", "bias"))

    def value(u: float) -> float:
        return (2 * u - 1) / math.sqrt(width)

    rows = [[value(weight.unit(i * width + j)) for j in range(width)] for i in range(classes)]
    return float32(rows), float32([value(bias.unit(i)) for i in range(classes)])


def trained(given: Any) -> tuple[Matrix, Matrix]:
    """The layer of the text in float64, with g and b in it."""
    c = constants(given)
    z = np.array(standardised(given["features"], c["normalisation_epsilon"]))
    ids, (n, d) = np.array(given["labels"]), z.shape
    weight, bias = start(given, given["classes"], d)
    p = {
        "linear.weight": np.array(weight),
        "linear.bias": np.array(bias),
        "norm.weight": np.full(d, c["normalisation_initial_weight"]),
        "norm.bias": np.full(d, c["normalisation_initial_bias"]),
    }
    optimiser = plain.AdamW(c, p)
    t = number = 0
    while t < c["steps"]:
        for batch in epoch(given, n, number):
            if t == c["steps"]:
                break
            h = z[batch] * p["norm.weight"] + p["norm.bias"]
            logits = h @ p["linear.weight"].T + p["linear.bias"]
            soft = np.exp(logits - logits.max(axis=1, keepdims=True))
            soft /= soft.sum(axis=1, keepdims=True)
            soft[np.arange(len(batch)), ids[batch]] -= 1
            g = soft / len(batch)
            back = g @ p["linear.weight"]
            gradient = {
                "linear.weight": g.T @ h,
                "linear.bias": g.sum(axis=0),
                "norm.weight": (back * z[batch]).sum(axis=0),
                "norm.bias": back.sum(axis=0),
            }
            optimiser.update(gradient, plain.rate(c, t), t, c["weight_decay_on"])
            t += 1
        number += 1
    return (
        p["linear.weight"] * p["norm.weight"],
        p["linear.weight"] @ p["norm.bias"] + p["linear.bias"],
    )


def same_rows(given: Any, output: Any) -> None:
    epsilon = constants(given)["normalisation_epsilon"]
    assert np.array_equal(np.array(given["features"], np.float32), given["features"])
    assert output == {"rows": standardised(given["features"], epsilon)}


def same_start(given: Any, output: Any) -> None:
    weight, bias = start(given, given["classes"], given["width"])
    assert output == {"weight": weight, "bias": bias}


def same_batches(given: Any, output: Any) -> None:
    assert output == {"epochs": [epoch(given, given["rows"], e) for e in given["epochs"]]}


def same_rates(given: Any, output: Any) -> None:
    values = constants(given)
    np.testing.assert_allclose(
        output["rates"], [plain.rate(values, t) for t in given["steps"]], 1e-13
    )


def same_tie(given: Any, output: Any) -> None:
    bias = given["bias"]
    assert not np.any(given["weight"])
    assert output == {"y_pred": [bias.index(max(bias))] * len(given["features"])}


def layer_within(bound: float) -> Any:
    """A check of weight and bias against float64, whose sums have another order and rounding."""

    def check(given: Any, output: Any) -> None:
        weight, bias = trained(given)
        z = np.array(standardised(given["test"], constants(given)["normalisation_epsilon"]))
        logits = z @ weight.T + bias
        np.testing.assert_allclose(output["weight"], weight, 0, bound / 5)
        np.testing.assert_allclose(output["bias"], bias, 0, bound / 5)
        first, second = np.sort(logits, axis=1)[:, :-3:-1].T
        assert (first - second > 5 * bound).all(), "a prediction is too close to a tie"
        assert output["y_pred"] == logits.argmax(axis=1).tolist()

    return check


def clusters(name: str, rows: int, width: int, classes: int, apart: int = 2) -> dict[str, Any]:
    """Features in multiples of 2^-8 around drawn centres, every class among the labels."""
    stream = Stream(17, f"vectors/linear_probe/{name}")
    centres = stream.integers(2049, classes * width).reshape(classes, width) - 1024
    noise = stream.integers(2049, rows * width, 10_000).reshape(rows, width) - 1024
    labels = np.arange(rows) % classes
    features = (apart * centres[labels] + noise) / 256
    return {"classes": classes, "features": features.tolist(), "labels": labels.tolist()}


def with_test(data: dict[str, Any]) -> dict[str, Any]:
    """The first train rows are the test rows too."""
    return {**data, "test": data["features"][:8]}


def exact_files() -> Iterator[VectorFile]:
    file = Section("linear-probe", "10.1", "P", "linear_probe", "a plain loop").file

    rows = clusters("rows", 3, 19, 3)["features"]
    narrow = (np.array(clusters("narrow", 2, 6, 2)["features"]) * 2.0**-10).tolist()
    matrices = {
        "nineteen-features": rows,
        "variance-below-epsilon": narrow,
        "constant-row": [[0.5, 0.5, 0.5, 0.5], [0, 0, 0, 0], [-3, -3, -3, -3]],
        "one-feature": [[2.5], [0], [-1]],
        "large-offset": [[1e6, 1e6 + 1, 1e6 + 2], [-1e6, -1e6, 1e6]],
    }
    yield file(
        "standardise",
        "Rows less their mean, over the root of their variance and epsilon, to the bit.",
        [
            Case(f"linear-probe/standardise/{name}", {**OFFICIAL, "features": matrix}, same_rows)
            for name, matrix in matrices.items()
        ]
        + [Case("linear-probe/standardise/compat", {**COMPAT, "features": narrow}, same_rows)],
    )
    yield file(
        "initial",
        "The first weight and bias, from the task's own streams.",
        [
            Case(
                f"linear-probe/initial/{name}",
                {**division, "task": task, "classes": classes, "width": width},
                same_start,
            )
            for name, division, task, classes, width in [
                ("three-by-five", OFFICIAL, "plankton", 3, 5),
                ("another-task", OFFICIAL, "herbarium19", 2, 7),
                ("one-feature", OFFICIAL, "plantnet", 4, 1),
                ("compat", COMPAT, "iwildcam", 2, 3),
            ]
        ],
    )
    three = {"constants": {"batch_size": 3}}
    yield file(
        "batches",
        "The train rows of each batch of some epochs, ascending within a batch.",
        [
            Case(
                f"linear-probe/batches/{name}",
                {**division, "task": "plankton", "rows": n, "epochs": epochs, **stated},
                same_batches,
            )
            for name, division, n, epochs, stated in [
                ("short-last-batch", OFFICIAL, 8, [0, 1, 2], three),
                ("whole-batches", OFFICIAL, 6, [0, 10], three),
                ("one-batch", OFFICIAL, 3, [0, 1], three),
                ("fewer-rows-than-a-batch", OFFICIAL, 2, [5], three),
                ("batch-of-the-document", OFFICIAL, 2051, [0, 1], {}),
                ("one-batch-of-the-document", COMPAT, 2048, [0], {}),
                ("compat", COMPAT, 2049, [3], {}),
            ]
        ],
    )
    yield file(
        "predict",
        "Equal largest logits: the smallest id.",
        [
            Case(
                f"linear-probe/predict/{name}",
                {
                    **OFFICIAL,
                    "weight": [[0, 0]] * len(bias),
                    "bias": bias,
                    "features": [[1, 2], [4, 1]],
                },
                same_tie,
            )
            for name, bias in [
                ("all-equal", [0.5, 0.5, 0.5]),
                ("two-largest", [-1, 2, 0, 2]),
                ("last-is-largest", [0, 0, 0.25]),
            ]
        ],
    )


def training_files() -> Iterator[VectorFile]:
    file = Section(
        "linear-probe", "10.1", "P", "linear_probe",
        "a plain loop in float64, to within its rounding",
    ).file  # fmt: skip

    # At steps 313 and 766 the order of product and quotient shows.
    steps = [0, 1, 2, 313, 766, 2500, 5000, 7499, 9998, 9999]
    yield file(
        "rates",
        "The learning rate of some steps.",
        [
            Case("linear-probe/rates/official", {**OFFICIAL, "steps": steps}, same_rates),
            Case("linear-probe/rates/compat", {**COMPAT, "steps": steps}, same_rates),
            Case(
                "linear-probe/rates/three-steps",
                {**OFFICIAL, "steps": [0, 1, 2], "constants": {"steps": 3}},
                same_rates,
            ),
        ],
    )

    few = with_test({**clusters("few", 10, 4, 3), "task": "plankton"})
    many = with_test({**clusters("many", 30, 5, 4), "task": "herbarium19"})
    # The third feature lies so near to its row's mean that its gradient is of the size of epsilon.
    gentle = {
        "task": "plantnet",
        "classes": 2,
        "features": [[1, -1, 2.0**-24], [-2, 2, 2.0**-23], [3, -3, 2.0**-22]],
        "labels": [0, 1, 0],
        "test": [[1, -1, 2.0**-24], [-2, 2, 2.0**-23]],
    }
    unseen = {**few, "classes": 5}
    # More classes than a sum has lanes.
    wide = with_test({**clusters("wide", 40, 21, 19), "task": "plankton"})
    quick = {"learning_rate": 0.05}
    first = 1e-5
    yield file(
        "first_steps",
        "The layer after a few steps, and predictions of test rows.",
        [
            Case(
                f"linear-probe/first-steps/{name}",
                {**division, **data, "constants": stated},
                layer_within(first),
            )
            for name, division, data, stated in [
                ("one-step", OFFICIAL, few, {"steps": 1}),
                ("two-steps", OFFICIAL, few, {"steps": 2}),
                ("three-steps", OFFICIAL, few, {"steps": 3}),
                ("compat", COMPAT, few, {"steps": 3}),
                ("three-quick-steps", OFFICIAL, few, {"steps": 3, **quick}),
                ("quick-compat", COMPAT, many, {"steps": 4, **quick}),
                ("batches", OFFICIAL, many, {"steps": 10, "batch_size": 8, **quick}),
                ("gradients-like-epsilon", OFFICIAL, gentle, {"steps": 3, **quick}),
                ("classes-without-a-train-row", OFFICIAL, unseen, {"steps": 3, **quick}),
                ("nineteen-classes", OFFICIAL, wide, {"steps": 3, "batch_size": 16, **quick}),
            ]
        ]
        + [
            Case(
                "linear-probe/first-steps/error/one-label",
                {**OFFICIAL, **few, "labels": [1] * 10, "constants": {"steps": 1}},
                refused,
            ),
            Case(
                "linear-probe/first-steps/error/parameters-beyond-float32",
                {**OFFICIAL, **few, "constants": {"steps": 2, "learning_rate": 1e39}},
                refused,
            ),
            # The parameters are numbers of float32, their products are not.
            Case(
                "linear-probe/first-steps/error/layer-beyond-float32",
                {**OFFICIAL, **few, "constants": {"steps": 1, "learning_rate": 1e25}},
                refused,
            ),
        ],
        operation="train",
    )
    whole = 2e-3
    yield file(
        "training",
        "The layer after all steps of the document, and predictions of test rows.",
        [
            Case(
                f"linear-probe/training/{division['division']}",
                {**division, **with_test(clusters("whole", 12, 4, 3)), "task": "plankton"},
                layer_within(whole),
            )
            for division in (OFFICIAL, COMPAT)
        ],
        operation="train",
    )


def files() -> Iterator[VectorFile]:
    yield from exact_files()
    yield from training_files()
