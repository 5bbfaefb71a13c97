"""Operands of ONNX nodes: each counts as often as it is named, and a mask covers every key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from onnx import helper

from biobench import _native
from biobench.models.onnx_graph.lower import Walk
from biobench.models.program.document import Dim
from biobench.models.program.lowering import Lowering, NotCarried
from biobench.models.program.values import plain, straight
from biobench.spec.canonical import canonical_json

X = np.array([[-2, 0, 1, 3], [8, -16, 5, -7]], np.float32)
C = np.array([4, -8, 2, 1], np.float32)


def answer(nodes: Sequence[Any], opset: int = 17, **constants: np.ndarray) -> np.ndarray:
    """The value ``y`` of nodes that read ``x``, by the engine, one image a row."""
    lowering = Lowering((Dim(1, batch=True), *(Dim(n) for n in X.shape[1:])))
    results: dict[str, Any] = {"x": plain(lowering.builder.input), **constants}
    walk = Walk(lowering, opset, 1 << 20)
    for node in nodes:
        walk.node(node, results)
    document = lowering.builder.document(straight(lowering.builder, results["y"]))
    program = _native.Program(canonical_json(document).decode(), lowering.builder.data.get)
    return program.run(_native.Engine(1), X)


@pytest.mark.parametrize(
    ("op", "names", "expected"),
    [
        ("Sum", "xx", X + X),
        ("Sum", "xxx", X + X + X),
        ("Sum", "cxcx", C + X + C + X),
        ("Mean", "xx", X),
        ("Mean", "xcx", (X + C + X) / np.float32(3)),
        ("Max", "xx", X),
        ("Max", "cxx", np.maximum(X, C)),
        ("Min", "xcx", np.minimum(X, C)),
        ("Concat", "xx", np.concatenate([X, X], axis=1)),
        ("Add", "xx", X + X),
        ("Mul", "xx", X * X),
        ("Sub", "xx", X - X),
    ],
)
def test_a_repeated_operand_counts_each_time(op: str, names: str, expected: np.ndarray) -> None:
    """`Sum(x, x)` is 2 x: an operand is known by its place and not by its value."""
    attributes = {"axis": 1} if op == "Concat" else {}
    node = helper.make_node(op, [*names], ["y"], **attributes)
    np.testing.assert_array_equal(answer([node], c=C), expected)


@pytest.mark.parametrize("op", ["Identity", "Dropout"])
@pytest.mark.parametrize(("many", "times"), [("Sum", 2), ("Mean", 1), ("Max", 1)])
def test_a_copy_counts_too(op: str, many: str, times: int) -> None:
    """Nodes that change nothing hand the same value on, which stays an operand of its own."""
    nodes = [helper.make_node(op, ["x"], ["z"]), helper.make_node(many, ["x", "z"], ["y"])]
    np.testing.assert_array_equal(answer(nodes), np.float32(times) * X)
