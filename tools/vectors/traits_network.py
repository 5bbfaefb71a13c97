"""Section 10.6: the traits network, exact up to the training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from vectors import plain
from vectors.case import Case, Section, VectorFile

Matrix = npt.NDArray[np.float64]
OFFICIAL = {"protocol": "traits_mlp", "division": "official"}
COMPAT = {"protocol": "traits_mlp", "division": "compat"}
LAYERS = ("hidden_weight", "hidden_bias", "output_weight", "output_bias")


def constants(given: Any) -> dict[str, Any]:
    return {**plain.constants("traits_mlp", given["division"]), **given.get("constants", {})}


def epoch(given: Any, rows: int, number: int) -> list[list[int]]:
    stream = f"traits_mlp/{given['task']}/order/{number}"
    return plain.epoch(stream, rows, constants(given)["batch_size"])


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


def factors(given: Any, step: int, places: range) -> Matrix:
    """The factors of dropout of the units, for the rows in these places of a batch."""
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


def same_traits(given: Any, output: Any) -> None:
    """Small whole numbers and halves: the logits are exact in any order."""
    c, p = constants(given), {name: np.array(given[name], float) for name in LAYERS}
    h, _ = network(c, p, np.array(given["features"], float))
    logits = h @ p["output_weight"].T + p["output_bias"]
    assert output == {"y_pred": (logits > c["threshold"]).astype(int).tolist()}


def files() -> Iterator[VectorFile]:
    file = Section("traits-network", "10.6", "P", "traits_mlp", "a plain loop").file

    yield file(
        "initial", "The first weights and biases of some units, from the task's own streams.",
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
        "dropout", "What multiplies some hidden units of some rows of a batch; without dropout 1.",
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
