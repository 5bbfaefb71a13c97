"""Section 10.6: training the traits network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, Section, VectorFile, refused
from vectors.traits_network import (
    COMPAT,
    LAYERS,
    OFFICIAL,
    Matrix,
    constants,
    epoch,
    factors,
    network,
    start,
)


def trained(given: Any) -> dict[str, Matrix]:
    """The layers of the text in float64."""
    c = constants(given)
    x, y = np.array(given["features"]), np.array(given["traits"], float)
    p = start(given, x.shape[1], y.shape[1])
    optimiser = plain.AdamW(c, p)
    decayed = [name.replace(".", "_") for name in c["weight_decay_on"]]
    t = number = 0
    while t < c["steps"]:
        for batch in epoch(given, len(x), number):
            if t == c["steps"]:
                break
            h, slope = network(c, p, x[batch])
            mask = factors(given, t, range(len(batch))) if c["dropout"] else np.ones_like(h)
            logits = (h * mask) @ p["output_weight"].T + p["output_bias"]
            g = (1 / (1 + np.exp(-logits)) - y[batch]) / logits.size
            back = (g @ p["output_weight"]) * mask * slope
            gradient = {
                "hidden_weight": back.T @ x[batch],
                "hidden_bias": back.sum(axis=0),
                "output_weight": g.T @ (h * mask),
                "output_bias": g.sum(axis=0),
            }
            optimiser.update(gradient, plain.rate(c, t), t, decayed)
            t += 1
        number += 1
    return p


def same_rates(given: Any, output: Any) -> None:
    c = constants(given)
    np.testing.assert_allclose(output["rates"], [plain.rate(c, t) for t in given["steps"]], 1e-13)


def layers_within(bound: float) -> Any:
    """A check of the layers against float64, whose sums have another order and rounding."""

    def check(given: Any, output: Any) -> None:
        c, p = constants(given), trained(given)
        for name in LAYERS:
            np.testing.assert_allclose(output[name], p[name], 0, bound / 5, err_msg=name)
        h, _ = network(c, p, np.array(given["test"]))
        logits = h @ p["output_weight"].T + p["output_bias"]
        np.testing.assert_allclose(output["logits"], logits, 0, bound)
        assert (np.abs(logits - c["threshold"]) > 10 * bound).all(), "a logit is too close"
        assert output["y_pred"] == (logits > c["threshold"]).astype(int).tolist()

    return check


def fish(name: str, rows: int, width: int, traits: int) -> dict[str, Any]:
    """Features in multiples of 2^-8, and traits that they decide up to some noise."""
    stream = Stream(17, f"vectors/traits_mlp/{name}")
    features = (stream.integers(1025, rows * width).reshape(rows, width) - 512) / 256
    weights = stream.integers(5, width * traits, 10_000).reshape(width, traits) - 2
    noise = (stream.integers(513, rows * traits, 20_000).reshape(rows, traits) - 256) / 256
    return {
        "features": features.tolist(),
        "traits": (features @ weights + noise > 0).astype(int).tolist(),
        "test": features[: min(rows, 6)].tolist(),
    }


def files() -> Iterator[VectorFile]:
    file = Section(
        "traits-network", "10.6", "P", "traits_mlp",
        "a plain loop in float64, to within its rounding",
    ).file  # fmt: skip

    yield file("rates", "The learning rate of some steps.", [
            Case(f"traits-network/rates/{name}", {**division, **given}, same_rates)
            for name, division, given in [
                ("official", OFFICIAL, {"steps": [0, 1, 19, 20, 2500, 5000, 9998, 9999]}),
                ("compat", COMPAT, {"steps": [0, 1, 19, 20, 39, 40, 400, 15_000]}),
                ("three-steps", OFFICIAL, {"steps": [0, 1, 2], "constants": {"steps": 3}}),
                ("both", OFFICIAL, {"steps": [0, 2, 3, 8], "constants": {"steps": 9,
                                                                       "halving_steps": 3}}),
            ]
        ])  # fmt: skip

    few = {**fish("few", 9, 3, 2), "task": "fishnet"}
    many = {**fish("many", 30, 4, 3), "task": "my-fish"}
    # Features so small that the gradient of their weights is of the size of epsilon.
    gentle = {
        "task": "fishnet",
        "features": [[1, 2.0**-24], [-2, 2.0**-23], [3, 2.0**-22], [-1, 2.0**-23]],
        "traits": [[1, 0], [0, 0], [1, 1], [0, 1]],
        "test": [[1, 2.0**-24], [-2, 2.0**-23]],
    }
    # The first row puts unit 1 of this task's start at exactly 0, where its slope is 0; the others
    # put it below. So nothing moves the unit.
    corner = {
        "task": "corner-32978",
        "features": [[0.9428863525390625], [1.5], [2.5]],
        "traits": [[1, 0], [0, 0], [0, 1]],
        "test": [[0.9428863525390625], [0.25]],
    }
    small = {"hidden": 6}
    quick = {"learning_rate": 0.05, **small}
    first = 1e-5
    yield file(
        "first_steps",
        "The layers after a few steps, and logits and traits of test rows.",
        [
            Case(
                f"traits-network/first-steps/{name}",
                {**division, **data, "constants": stated},
                layers_within(first),
            )
            for name, division, data, stated in [
                ("one-step", OFFICIAL, few, {"steps": 1, **small}),
                ("two-steps", OFFICIAL, few, {"steps": 2, **small}),
                ("three-steps", OFFICIAL, few, {"steps": 3, **small}),
                ("compat", COMPAT, few, {"steps": 3, **small}),
                ("four-quick-steps", OFFICIAL, few, {"steps": 4, **quick}),
                ("quick-compat", COMPAT, many, {"steps": 4, **quick}),
                ("batches", OFFICIAL, many, {"steps": 10, "batch_size": 8, **quick}),
                ("batches-with-dropout", COMPAT, many, {"steps": 6, "batch_size": 8, **quick}),
                ("gradients-like-epsilon", OFFICIAL, gentle, {"steps": 3, **quick}),
                ("gradients-like-epsilon-compat", COMPAT, gentle, {"steps": 3, **quick}),
                ("unit-at-zero", OFFICIAL, corner, {"steps": 1, **quick}),
                ("halved-twice", OFFICIAL, few, {"steps": 5, "halving_steps": 2, **quick}),
            ]
        ]
        + [
            Case(
                f"traits-network/first-steps/error/{name}",
                {**OFFICIAL, **few, "traits": traits, "constants": {"steps": 1, **small}},
                refused,
            )
            for name, traits in [
                ("a-trait-of-two", [[0, 2]] * 9),
                ("classes-and-not-traits", [0, 1, 0, 1, 0, 1, 0, 1, 0]),
                ("traits-of-other-rows", [[0, 1]] * 8),
            ]
        ]
        + [
            Case(
                "traits-network/first-steps/error/parameters-beyond-float32",
                {**OFFICIAL, **few, "constants": {"steps": 2, "learning_rate": 1e38, **small}},
                refused,
            )
        ],
        operation="train",
    )
    whole = 2e-3
    yield file(
        "training",
        "The layers after all steps of the document, and logits and traits of test rows.",
        [
            Case(
                f"traits-network/training/{division['division']}",
                {**division, **fish("whole", 12, 3, 2), "task": "fishnet", "constants": small},
                layers_within(whole),
            )
            for division in (OFFICIAL, COMPAT)
        ],
        operation="train",
    )
