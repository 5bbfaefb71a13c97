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


def attended(mask: np.ndarray, opset: int) -> np.ndarray:
    """Attention of the rows of ``x`` as keys and values, four of width 1, under a mask."""
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["q"]),
        helper.make_node("Attention", ["q", "q", "q", "mask"], ["y"]),
    ]
    return answer(nodes, opset, shape=np.array([-1, 1, 4, 1]), mask=mask)


@pytest.mark.parametrize("opset", [23, 24])
@pytest.mark.parametrize("shape", [(4, 1), (1, 1), (1, 1, 4, 3), (4, 2), (2,)])
@pytest.mark.parametrize("kind", [np.bool_, np.float32])
def test_a_mask_shorter_than_the_keys_is_refused(
    kind: Any, shape: tuple[int, ...], opset: int
) -> None:
    """ONNX masks the keys beyond its end: to repeat it along the keys would let all of them in."""
    with pytest.raises(NotCarried, match="a mask shorter than the keys"):
        attended(np.ones(shape, kind), opset)


@pytest.mark.parametrize("shape", [(4, 4), (1, 4), (4,), (1, 1, 4, 4)])
def test_a_mask_of_all_keys_may_be_repeated_over_queries(shape: tuple[int, ...]) -> None:
    """The other axes are broadcast, as ONNX says: a mask of zeros changes nothing."""
    whole = attended(np.ones((1, 1, 4, 4), np.bool_), 23)
    np.testing.assert_array_equal(attended(np.zeros(shape, np.float32), 23), whole)
