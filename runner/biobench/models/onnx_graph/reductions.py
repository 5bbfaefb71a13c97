"""Rules for operators of ONNX that reduce axes, and for softmax."""

from __future__ import annotations

from biobench.models.onnx_graph.elementwise import apply, binary, magnitude
from biobench.models.onnx_graph.node import Node, axis_of, lowers
from biobench.models.program import elementwise as torch_rules
from biobench.models.program import moves as torch_moves
from biobench.models.program.document import ONE, Shape, size_of
from biobench.models.program.lowering import Lowering, NotCarried
from biobench.models.program.values import Value, reshape


@lowers(
    "ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceSumSquare", "ReduceL1", "ReduceL2"
)
def reduce(node: Node) -> Value:
    """A reduction over axes."""
    x, lowering = node.value(0), node.lowering
    stated = node.numbers("axes", 1)
    keep = node.attribute("keepdims", 1)
    nothing = node.attribute("noop_with_empty_axes", 0)
    if not stated and nothing:
        raise NotCarried("a reduction over no axes")
    rank = len(x.shape)
    node.require(rank > 0, "a reduction of a number")
    axes = sorted({axis_of(axis, rank) for axis in (stated or range(rank))})
    return reduced(lowering, node.op.removeprefix("Reduce"), x, axes, keep=bool(keep))


def reduced(lowering: Lowering, kind: str, x: Value, axes: list[int], *, keep: bool) -> Value:
    """A reduction by the end of its name in ONNX."""
    if kind == "Min":
        negative = apply(lowering, "neg", x)
        return apply(lowering, "neg", reduced(lowering, "Max", negative, axes, keep=keep))
    if kind == "L2":
        squares = reduced(lowering, "SumSquare", x, axes, keep=keep)
        return apply(lowering, "sqrt", squares)
    if kind == "SumSquare":
        return reduced(lowering, "Sum", binary(lowering, "mul", x, x), axes, keep=keep)
    if kind == "L1":
        return reduced(lowering, "Sum", magnitude(lowering, x), axes, keep=keep)
    if kind == "Sum":
        # The engine has means; their division is undone.
        count = size_of([x.shape[axis] for axis in axes]).factor
        mean = reduced(lowering, "Mean", x, axes, keep=keep)
        return binary(lowering, "mul", mean, float(count))
    return _reduce(lowering, "mean" if kind == "Mean" else "amax", x, axes, keep=keep)


def _reduce(lowering: Lowering, name: str, x: Value, axes: list[int], *, keep: bool) -> Value:
    if any(x.shape[axis].batch for axis in axes):
        raise NotCarried("a reduction over the batch")
    shape: Shape = tuple(
        ONE if axis in axes else dim for axis, dim in enumerate(x.shape) if keep or axis not in axes
    )
    if axes == list(range(axes[0], axes[0] + len(axes))):
        lowering.shape = shape
        return torch_rules.reduce(lowering, name, x, axes)
    # The engine reduces axes that follow one another.
    kept = [axis for axis in range(len(x.shape)) if axis not in axes]
    turned = torch_moves.permute(lowering, x, [*kept, *axes])
    lowering.shape = tuple(x.shape[axis] for axis in kept)
    found = torch_rules.reduce(
        lowering, name, turned, list(range(len(kept), len(kept) + len(axes)))
    )
    return reshape(lowering.builder, found, shape)


@lowers("GlobalAveragePool", "GlobalMaxPool")
def global_pool(node: Node) -> Value:
    """The mean or the maximum of all positions."""
    x = node.value(0)
    node.require(len(x.shape) > 2, "a pooling without positions")
    kind = "Mean" if node.op == "GlobalAveragePool" else "Max"
    return reduced(node.lowering, kind, x, list(range(2, len(x.shape))), keep=True)


@lowers("Softmax")
def softmax(node: Node) -> Value:
    """Softmax over an axis."""
    x = node.value(0)
    rank = len(x.shape)
    axis = axis_of(node.attribute("axis", -1 if node.opset >= 13 else 1), rank)
    # Before version 13 it runs over all axes from there on.
    node.require(node.opset >= 13 or axis == rank - 1, "a softmax over several axes")
    node.require(not x.shape[axis].batch, "a softmax over the batch")
    if axis == rank - 1:
        return torch_rules.softmax(node.lowering, x, axis)
    turned = torch_moves.transpose(node.lowering, x, axis, rank - 1)
    found = torch_rules.softmax(node.lowering, turned, rank - 1)
    return torch_moves.transpose(node.lowering, found, axis, rank - 1)
