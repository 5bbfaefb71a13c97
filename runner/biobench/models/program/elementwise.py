"""Rules for operators that work element by element, and for reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from biobench.models.program.document import ONE, Dim, Reference, float_bits, size_of
from biobench.models.program.lowering import Lowering, NotCarried, Operand, Rule, lowers
from biobench.models.program.values import Value, in_order, plain, reshape, straight

FUNCTIONS = {
    "relu.default": "relu",
    "silu.default": "silu",
    "sigmoid.default": "sigmoid",
    "tanh.default": "tanh",
    "exp.default": "exp",
    "erf.default": "erf",
    "sqrt.default": "sqrt",
    "neg.default": "neg",
    "hardswish.default": "hard_swish",
    "hardsigmoid.default": "hard_sigmoid",
    "relu6.default": "relu6",
}


def apply(lowering: Lowering, function: str, x: Operand) -> Value:
    """A function of each element."""
    return lowering.alike(function, lowering.value(x))


def _applying(function: str) -> Rule:
    return lambda lowering, x: apply(lowering, function, x)


for _name, _function in FUNCTIONS.items():
    lowers(_name)(_applying(_function))


@lowers("gelu.default")
def gelu(lowering: Lowering, x: Operand, approximate: str = "none") -> Value:
    """GELU by erf, or by tanh."""
    return apply(lowering, "gelu" if approximate == "none" else "gelu_tanh", x)


@lowers("hardtanh.default")
def hardtanh(lowering: Lowering, x: Operand, least: float = -1.0, most: float = 1.0) -> Value:
    """Between 0 and 6 alone."""
    if (least, most) != (0.0, 6.0):
        raise NotCarried(f"hardtanh between {least} and {most}")
    return apply(lowering, "relu6", x)


@lowers("rsqrt.default")
def rsqrt(lowering: Lowering, x: Operand) -> Value:
    """1 / sqrt(x), each rounded."""
    return binary(lowering, "div", 1.0, apply(lowering, "sqrt", x))


@lowers("pow.Tensor_Scalar")
def power(lowering: Lowering, x: Operand, exponent: float) -> Value:
    """The square alone."""
    if exponent != 2:
        raise NotCarried(f"the power {exponent}")
    return binary(lowering, "mul", x, x)


def binary(lowering: Lowering, name: str, a: Operand, b: Operand) -> Value:
    """An operation of two operands, broadcast."""
    if isinstance(a, Value) and isinstance(b, Value):
        return _two_values(lowering, name, a, b)
    whole = a if isinstance(a, Value) else b
    if isinstance(whole, Value):
        rank = max(len(whole.order), getattr(a, "ndim", 0), getattr(b, "ndim", 0))
        if rank > len(whole.order):
            added = (ONE,) * (rank - len(whole.order))
            whole = reshape(lowering.builder, whole, (*added, *whole.shape))
        left, right = (
            whole.reference if isinstance(x, Value) else lowering.like(x, whole.order)
            for x in (a, b)
        )
        return _operation(lowering, name, left, right, whole.order)
    raise NotCarried(f"{name} of constants")


def _two_values(lowering: Lowering, name: str, a: Value, b: Value) -> Value:
    builder = lowering.builder
    if len(a.order) == len(b.order):
        return _operation(
            lowering, name, a.reference, in_order(builder, b, a.order).reference, a.order
        )
    left, right = straight(builder, a), straight(builder, b)
    rank = max(len(left.shape), len(right.shape))
    return _operation(lowering, name, left, right, tuple(range(rank)))


def _operation(
    lowering: Lowering, name: str, a: Reference, b: Reference, order: tuple[int, ...]
) -> Value:
    rank = len(order)
    left, right = ((ONE,) * (rank - len(x.shape)) + x.shape for x in (a, b))
    shape = tuple(y if x == ONE else x for x, y in zip(left, right, strict=True))
    return Value(lowering.builder.operation(name, {"a": a, "b": b}, shape), order)


@lowers("add.Tensor", "add.Scalar")
def add(lowering: Lowering, a: Operand, b: Operand, *, alpha: float = 1) -> Value:
    """a + b."""
    if alpha != 1:
        raise NotCarried("an addition with a factor")
    return binary(lowering, "add", a, b)


@lowers("sub.Tensor", "sub.Scalar")
def sub(lowering: Lowering, a: Operand, b: Operand, *, alpha: float = 1) -> Value:
    """a - b."""
    if alpha != 1:
        raise NotCarried("a subtraction with a factor")
    return binary(lowering, "sub", a, b)


@lowers("mul.Tensor", "mul.Scalar")
def mul(lowering: Lowering, a: Operand, b: Operand) -> Value:
    """a * b."""
    return binary(lowering, "mul", a, b)


@lowers("div.Tensor", "div.Scalar")
def div(lowering: Lowering, a: Operand, b: Operand) -> Value:
    """a / b."""
    return binary(lowering, "div", a, b)


@lowers("addcmul.default")
def addcmul(lowering: Lowering, x: Operand, a: Operand, b: Operand, *, value: float = 1) -> Value:
    """x + a b."""
    if value != 1:
        raise NotCarried("an addition of products with a factor")
    return binary(lowering, "add", x, binary(lowering, "mul", a, b))


def bounded(lowering: Lowering, x: Value, low: float | None, high: float | None) -> Value:
    """Between two numbers, with the bits of one of the three."""
    largest = float(np.finfo(np.float32).max)
    if low is not None and low <= -largest:
        low = None
    if high is not None and high >= largest:
        high = None
    if low is not None and high is not None and low > high:
        raise NotCarried("bounds that exclude each other")
    if low == 0 and high in (None, 6):
        return apply(lowering, "relu" if high is None else "relu6", x)
    if low is not None:
        x = apply(lowering, "relu", x) if low == 0 else larger(lowering, x, low)
    if high is None:
        return x
    return apply(lowering, "neg", larger(lowering, apply(lowering, "neg", x), -high))


@lowers("clamp.default", "clamp_min.default")
def clamp(
    lowering: Lowering, x: Operand, low: float | None = None, high: float | None = None
) -> Value:
    """Between two numbers."""
    return bounded(lowering, lowering.value(x), low, high)


@lowers("clamp_max.default")
def clamp_max(lowering: Lowering, x: Operand, high: float) -> Value:
    """Lower clamp_max."""
    return bounded(lowering, lowering.value(x), None, high)


def larger(lowering: Lowering, x: Value, number: float) -> Value:
    """The larger of each element and a number, with the bits of one of them: both side by side in
    an axis of their own, of which the largest element is taken."""
    value = with_last_axis(lowering, x)
    rank = len(value.shape)
    beside = lowering.builder.operation(
        "pad",
        {"x": value.reference},
        (*value.shape[:-1], Dim(2)),
        before=[0] * rank,
        after=[0] * (rank - 1) + [1],
        value=float_bits(number),
    )
    return largest_beside(lowering, beside)


def largest_beside(lowering: Lowering, beside: Reference) -> Value:
    """The largest element of the last axis, which goes."""
    axis = len(beside.shape) - 1
    return plain(lowering.builder.operation("amax", {"x": beside}, beside.shape[:-1], axes=[axis]))


def with_last_axis(lowering: Lowering, x: Value) -> Value:
    """A new last axis of one."""
    reference = straight(lowering.builder, x)
    return reshape(lowering.builder, plain(reference), (*reference.shape, ONE))


@lowers("linalg_vector_norm.default", "norm.ScalarOpt_dim")
def vector_norm(
    lowering: Lowering, x: Operand, order: float = 2, dims: Any = None, keepdim: bool = False
) -> Value:
    """The root of the sum of squares over axes: their mean, times their number."""
    value = lowering.value(x)
    if order != 2 or not dims:
        raise NotCarried(f"a norm of order {order} over {dims}")
    squares = reduce(lowering, "mean", binary(lowering, "mul", value, value), dims)
    count = size_of([value.shape[dim] for dim in dims]).factor
    return apply(lowering, "sqrt", binary(lowering, "mul", squares, float(count)))


@lowers("mean.dim")
def mean(lowering: Lowering, x: Operand, dims: list[int], keepdim: bool = False) -> Value:
    """The mean over axes."""
    return reduce(lowering, "mean", lowering.value(x), dims)


@lowers("amax.default")
def amax(lowering: Lowering, x: Operand, dims: list[int], keepdim: bool = False) -> Value:
    """The largest element over axes."""
    return reduce(lowering, "amax", lowering.value(x), dims)


@lowers("max.dim")
def max_values(lowering: Lowering, x: Operand, dim: int, keepdim: bool = False) -> list[Any]:
    """The largest element over an axis; its place is not carried."""
    lowering.shape = tuple(d for i, d in enumerate(lowering.value(x).shape) if i != dim)
    return [reduce(lowering, "amax", lowering.value(x), [dim]), None]


@lowers("adaptive_avg_pool1d.default", "adaptive_avg_pool2d.default")
def adaptive_pool(lowering: Lowering, x: Operand, size: list[int]) -> Value:
    """The mean over all positions, or over equal parts of an image."""
    value = lowering.value(x)
    rank = len(value.order)
    if all(n == 1 for n in size):
        return reduce(lowering, "mean", value, list(range(rank - len(size), rank)))
    if rank != 4:
        raise NotCarried(f"an adaptive pooling of {rank} axes")
    images = in_order(lowering.builder, value, (0, 3, 1, 2))
    shape = tuple(lowering.shape[axis] for axis in (0, 2, 3, 1))
    pooled = lowering.builder.operation(
        "adaptive_avg_pool2d", {"x": images.reference}, shape, size=list(size)
    )
    return Value(pooled, images.order)


def reduce(lowering: Lowering, name: str, value: Value, dims: list[int]) -> Value:
    """A reduction by its name, over axes that follow one another, to the shape that is stated."""
    wanted = sorted(dim % len(value.order) for dim in dims)
    axes = [value.order[dim] for dim in wanted]
    if axes != list(range(axes[0], axes[0] + len(axes))):
        value = plain(straight(lowering.builder, value))
        axes = wanted
    kept = [axis for axis in range(len(value.order)) if axis not in axes]
    shape = tuple(value.reference.shape[axis] for axis in kept)
    reference = lowering.builder.operation(name, {"x": value.reference}, shape, axes=axes)
    order = tuple(kept.index(axis) for axis in value.order if axis not in axes)
    reduced = Value(reference, order)
    # The axes stay with one element where torch keeps them.
    return reshape(lowering.builder, reduced, lowering.shape)


@lowers("softmax.int")
def softmax(lowering: Lowering, x: Operand, dim: int, dtype: Any = None) -> Value:
    """Softmax over the last axis of torch."""
    value = lowering.value(x)
    rank = len(value.order)
    if dim % rank != rank - 1:
        raise NotCarried("a softmax over another axis than the last")
    if value.order[-1] != rank - 1:
        value = plain(straight(lowering.builder, value))
    return lowering.alike("softmax", value)


@lowers("masked_fill.Scalar")
def masked_fill(lowering: Lowering, x: Operand, mask: Operand, number: float) -> Value:
    """Nothing changes for a mask that is nowhere true; others are not carried."""
    if isinstance(mask, np.ndarray) and not mask.any():
        return lowering.value(x)
    raise NotCarried("a mask that is filled in")
