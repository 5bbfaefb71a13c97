"""Section 10.6: the traits network, exact up to the training and tolerant from there on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.spec.generator import Stream
from vectors import plain
from vectors.case import Case, VectorFile
from vectors.metrics import refused

Matrix = npt.NDArray[np.float64]
OFFICIAL = {"protocol": "traits_mlp", "division": "official"}
COMPAT = {"protocol": "traits_mlp", "division": "compat"}
LAYERS = ("hidden_weight", "hidden_bias", "output_weight", "output_bias")


def constants(given: Any) -> dict[str, Any]:
    return {**plain.constants("traits_mlp", given["division"]), **given.get("constants", {})}


def start(given: Any, width: int, traits: int) -> dict[str, Any]:
    """The initial layers, rounded to float32, as arrays of float64."""
    hidden = constants(given)["hidden"]
    shapes = {
        "hidden_weight": ((hidden, width), width),
        "hidden_bias": ((hidden,), width),
        "output_weight": ((traits, hidden), hidden),
        "output_bias": ((traits,), hidden),
    }
    layers = {}
    for name, (shape, inputs) in shapes.items():
        words = plain.Words(f"traits_mlp/{given['task']}/{name.replace('_', '/')}")
        values = [(2 * words.unit(i) - 1) / math.sqrt(inputs) for i in range(math.prod(shape))]
        layers[name] = np.array(values, np.float32).astype(np.float64).reshape(shape)
    return layers


def epoch(given: Any, rows: int, number: int) -> list[list[int]]:
    size = constants(given)["batch_size"]
    if rows <= size:
        return [list(range(rows))]
    order = plain.Words(f"traits_mlp/{given['task']}/order/{number}").permutation(rows)
    return [sorted(order[i : i + size]) for i in range(0, rows, size)]


def rate(c: dict[str, Any], t: int) -> float:
    first = c["learning_rate"]
    final = first * c["final_learning_rate_ratio"]
    value = final + (first - final) * (1 + math.cos(math.pi * t / c["steps"])) / 2
    if c["halving_steps"]:
        value *= 2.0 ** -(t // c["halving_steps"])
    return value  # type: ignore[no-any-return]


def factors(given: Any, step: int, places: range) -> Matrix:
    """What dropout multiplies the units of the rows in these places of a batch by."""
    c = constants(given)
    words = plain.Words(f"traits_mlp/{given['task']}/dropout/{step}")
    kept = float(np.float32(1 / (1 - c["dropout"])))
    return np.array(
        [
            [0.0 if words.unit(r * c["hidden"] + i) < c["dropout"] else kept
             for i in range(c["hidden"])]
            for r in places
        ]
    )  # fmt: skip


def network(c: dict[str, Any], p: dict[str, Matrix], x: Matrix) -> tuple[Matrix, Matrix]:
    """The units before dropout and where their slope is 1."""
    a = x @ p["hidden_weight"].T + p["hidden_bias"]
    if c["activation"] == "none":
        return a, np.ones_like(a)
    return np.maximum(a, 0), (a > 0).astype(float)


def trained(given: Any) -> dict[str, Matrix]:
    """The layers of the text in float64."""
    c = constants(given)
    x, y = np.array(given["features"]), np.array(given["traits"], float)
    p = start(given, x.shape[1], y.shape[1])
    m = {name: np.zeros_like(value) for name, value in p.items()}
    v = {name: np.zeros_like(value) for name, value in p.items()}
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
            r = rate(c, t)
            for name, a in gradient.items():
                if name.replace("_", ".") in c["weight_decay_on"]:
                    p[name] *= 1 - r * c["weight_decay"]
                m[name] = c["beta1"] * m[name] + (1 - c["beta1"]) * a
                v[name] = c["beta2"] * v[name] + (1 - c["beta2"]) * a * a
                first = m[name] / (1 - c["beta1"] ** (t + 1))
                second = v[name] / (1 - c["beta2"] ** (t + 1))
                p[name] -= r * first / (np.sqrt(second) + c["epsilon"])
            t += 1
        number += 1
    return p


def same_start(given: Any, output: Any) -> None:
    layers, units = start(given, given["width"], given["traits"]), given["units"]
    assert output == {
        "hidden": constants(given)["hidden"],
        "hidden_weight": layers["hidden_weight"][units].tolist(),
        "hidden_bias": layers["hidden_bias"][units].tolist(),
        "output_weight": layers["output_weight"][:, units].tolist(),
        "output_bias": layers["output_bias"].tolist(),
    }


def same_batches(given: Any, output: Any) -> None:
    assert output == {"epochs": [epoch(given, given["rows"], e) for e in given["epochs"]]}


def same_end(given: Any, output: Any) -> None:
    steps, rows = constants(given)["steps"], given["rows"]
    each = math.ceil(rows / constants(given)["batch_size"])
    last = epoch(given, rows, (steps - 1) // each)[(steps - 1) % each]
    assert output == {"steps": steps, "last": last}


def same_factors(given: Any, output: Any) -> None:
    places = range(given["place"], given["place"] + given["rows"])
    assert output == {"factors": factors(given, given["step"], places)[:, given["units"]].tolist()}


def same_rates(given: Any, output: Any) -> None:
    c = constants(given)
    np.testing.assert_allclose(output["rates"], [rate(c, t) for t in given["steps"]], 1e-13)


def same_traits(given: Any, output: Any) -> None:
    """Small whole numbers and halves: the logits are exact in any order."""
    c, p = constants(given), {name: np.array(given[name], float) for name in LAYERS}
    h, _ = network(c, p, np.array(given["features"], float))
    logits = h @ p["output_weight"].T + p["output_bias"]
    assert output == {"y_pred": (logits > c["threshold"]).astype(int).tolist()}


def layers_within(bound: float) -> Any:
    """A check of the layers against float64, with a fifth of what the vectors allow."""

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


def exact_files() -> Iterator[VectorFile]:
    def file(name: str, about: str, cases: list[Case]) -> VectorFile:
        return VectorFile(
            "traits-network", name, "10.6", "P", f"traits_mlp.{name}", about, cases,
            source="a plain loop",
        )  # fmt: skip

    yield file(
        "initial",
        "The first weights and biases of some units, from the task's own streams.",
        [
            Case(
                f"traits-network/initial/{name}",
                {**division, "task": task, "width": width, "traits": traits, "units": units,
                 **stated},
                same_start,
            )
            for name, division, task, width, traits, units, stated in [
                ("units-of-the-document", OFFICIAL, "fishnet", 3, 9, [0, 1, 511], {}),
                ("another-task", OFFICIAL, "my-fish", 2, 4, [0, 300], {}),
                ("five-units", OFFICIAL, "fishnet", 7, 2, [0, 1, 2, 3, 4],
                 {"constants": {"hidden": 5}}),
                ("one-feature-one-trait", OFFICIAL, "fishnet", 1, 1, [2],
                 {"constants": {"hidden": 3}}),
                ("compat", COMPAT, "fishnet", 2, 3, [5, 510], {}),
            ]
        ],
    )  # fmt: skip
    three = {"constants": {"batch_size": 3}}
    yield file(
        "batches",
        "The train rows of each batch of some epochs, ascending within a batch.",
        [
            Case(
                f"traits-network/batches/{name}",
                {**division, "task": "fishnet", "rows": rows, "epochs": epochs, **stated},
                same_batches,
            )
            for name, division, rows, epochs, stated in [
                ("short-last-batch", OFFICIAL, 8, [0, 1, 12], three),
                ("whole-batches", OFFICIAL, 6, [0, 3], three),
                ("fewer-rows-than-a-batch", OFFICIAL, 2, [5], three),
                ("batch-of-the-document", OFFICIAL, 1026, [0], {}),
                ("one-batch-of-the-document", OFFICIAL, 1024, [1], {}),
                ("compat", COMPAT, 1025, [2], {}),
            ]
        ],
    )
    yield file(
        "last_batch",
        "How many batches are trained on, and the rows of the last of them.",
        [
            Case(
                f"traits-network/last-batch/{name}",
                {**division, "task": "fishnet", "rows": rows, "constants": stated},
                same_end,
            )
            for name, division, rows, stated in [
                ("official", OFFICIAL, 5, {"batch_size": 2}),
                ("compat", COMPAT, 7, {"batch_size": 4}),
                ("within-an-epoch", OFFICIAL, 9, {"batch_size": 2, "steps": 8}),
                ("end-of-an-epoch", OFFICIAL, 9, {"batch_size": 2, "steps": 10}),
            ]
        ],
    )
    few = [0, 1, 2, 3]
    yield file(
        "dropout",
        "What multiplies some hidden units of some rows of a batch; without dropout 1.",
        [
            Case(
                f"traits-network/dropout/{name}",
                {**division, "task": "fishnet", "step": step, "place": place, "rows": rows,
                 "units": units, **stated},
                same_factors,
            )
            for name, division, step, place, rows, units, stated in [
                ("none-in-official", OFFICIAL, 0, 0, 2, [0, 1, 511], {}),
                ("compat", COMPAT, 0, 0, 4, [0, 1, 2, 3, 4, 5, 510, 511], {}),
                ("later-step", COMPAT, 2999, 0, 3, [0, 1, 2, 3, 4, 5, 6, 7], {}),
                ("later-rows", COMPAT, 0, 512, 3, [0, 1, 2, 3, 4, 5, 6, 511], {}),
                ("a-tenth", OFFICIAL, 7, 1, 6, few, {"constants": {"hidden": 4, "dropout": 0.1}}),
                ("nine-tenths", COMPAT, 7, 0, 6, few, {"constants": {"hidden": 4, "dropout": 0.9}}),
            ]
        ],
    )  # fmt: skip
    same = {"hidden_weight": [[1, 0], [0, 1]], "hidden_bias": [0, 0]}
    both = {**same, "output_weight": [[1, 1], [1, -1]], "output_bias": [0, 0]}
    corner = [[1, 2], [-1, 2], [-3, -2], [2, -4], [0, 0], [0.25, 0.25], [0.5, 0], [0.5, 0.25]]
    shifted = {**both, "hidden_bias": [-1, 0.5], "output_bias": [0.5, -0.25]}
    # Beside the threshold by 2^-10, at 0 in division official and at 0.5 in compat.
    beside = {**same, "output_weight": [[1, 0], [1, 0]], "output_bias": [2.0**-10, -(2.0**-10)]}
    cut = {**same, "output_weight": [[-1, 0], [0, -1], [0, 0]], "output_bias": [0, 0.5, 0.75]}
    yield file(
        "predict",
        "Traits by given layers: the rectifier, and logits at the threshold and beside it.",
        [
            Case(
                f"traits-network/predict/{name}-{division['division']}",
                {**division, **layers, "features": corner},
                same_traits,
            )
            for name, layers in [
                ("plain", both), ("with-biases", shifted), ("negative", cut),
                ("beside-the-threshold", beside),
            ]
            for division in (OFFICIAL, COMPAT)
        ],
    )  # fmt: skip


def tolerant_files() -> Iterator[VectorFile]:
    def file(
        name: str, operation: str, about: str, cases: list[Case], tolerance: dict[str, Any]
    ) -> VectorFile:
        return VectorFile(
            "traits-network-training", name, "10.6", "T", f"traits_mlp.{operation}", about, cases,
            source="a plain loop in float64", tolerance=tolerance,
        )  # fmt: skip

    yield file(
        "rates",
        "rates",
        "The learning rate of some steps.",
        [
            Case(f"traits-network/rates/{name}", {**division, **given}, same_rates)
            for name, division, given in [
                ("official", OFFICIAL, {"steps": [0, 1, 19, 20, 2500, 5000, 9998, 9999]}),
                ("compat", COMPAT, {"steps": [0, 1, 19, 20, 39, 40, 400, 15_000]}),
                ("three-steps", OFFICIAL, {"steps": [0, 1, 2], "constants": {"steps": 3}}),
                ("both", OFFICIAL, {"steps": [0, 2, 3, 8], "constants": {"steps": 9,
                                                                       "halving_steps": 3}}),
            ]
        ],
        {"/rates": {"relative": 1e-12}},
    )  # fmt: skip

    def layers(bound: float) -> dict[str, Any]:
        bounds = {f"/{name}": {"absolute": bound} for name in LAYERS}
        share = plain.SUITE["tolerance"]["equal_predictions"]
        return {**bounds, "/logits": {"absolute": 5 * bound}, "/y_pred": {"equal_share": share}}

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
        "train",
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
        ],
        layers(first),
    )
    whole = 2e-3
    yield file(
        "training",
        "train",
        "The layers after all steps of the document, and logits and traits of test rows.",
        [
            Case(
                f"traits-network/training/{division['division']}",
                {**division, **fish("whole", 12, 3, 2), "task": "fishnet", "constants": small},
                layers_within(whole),
            )
            for division in (OFFICIAL, COMPAT)
        ],
        layers(whole),
    )


def files() -> Iterator[VectorFile]:
    yield from exact_files()
    yield from tolerant_files()
