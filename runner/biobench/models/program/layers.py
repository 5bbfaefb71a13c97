"""Rules for layers: products, convolutions, norms, attention and poolings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from biobench.models.program.document import ONE, Dim, Reference, Shape, float_bits
from biobench.models.program.lowering import (
    Lowering,
    NotCarried,
    Operand,
    as_float,
    constant,
    lowers,
    optional,
)
from biobench.models.program.values import Value, in_order, plain, reshape, straight

CHANNELS_LAST = (0, 3, 1, 2)
"""torch's (batch, channels, rows, columns) where the program has the channels last."""
HEADS_BY_WIDTH = (0, 2, 1, 3)
"""torch's (batch, heads, rows, width) where the program has (batch, rows, heads, width)."""
WINDOWS_AND_HEADS = (0, 3, 1, 2, 4)
"""torch's (batch, heads, windows, rows, width) where the program has (batch, windows, rows, heads,
width)."""


def _vector(lowering: Lowering, operand: Operand) -> Any:
    found = optional(operand)
    return None if found is None else lowering.builder.constant(as_float(found))


@lowers("linear.default")
def linear(lowering: Lowering, x: Operand, weight: Operand, bias: Operand = None) -> Value:
    """x W^T + b."""
    return _linear(lowering, x, weight, bias)


def _linear(lowering: Lowering, x: Operand, weight: Operand, bias: Operand) -> Value:
    value = _last_axis(lowering, x)
    matrix = as_float(constant(weight))
    shape = (*value.reference.shape[:-1], Dim(len(matrix)))
    inputs = {
        "x": value.reference,
        "weight": lowering.builder.constant(matrix),
        "bias": _vector(lowering, bias),
    }
    return Value(lowering.builder.operation("linear", inputs, shape), value.order)


def _last_axis(lowering: Lowering, x: Operand) -> Value:
    """A value whose last axis is the same for torch and the program."""
    value = lowering.value(x)
    if value.order[-1] == len(value.order) - 1:
        return value
    return plain(straight(lowering.builder, value))


@lowers("matmul.default", "bmm.default")
def matmul(lowering: Lowering, a: Operand, b: Operand) -> Value:
    """Products of matrices; a constant right one is a linear layer."""
    if isinstance(b, np.ndarray) and b.ndim == 2:
        return _linear(lowering, a, np.ascontiguousarray(b.T), None)
    left, right = lowering.straight(a), lowering.straight(b)
    if len(left.shape) != len(right.shape):
        raise NotCarried("products of matrices that are broadcast")
    return plain(lowering.builder.operation("matmul", {"a": left, "b": right}, lowering.shape))


@lowers("conv2d.default", "conv2d.padding")
def conv2d(
    lowering: Lowering,
    x: Operand,
    weight: Operand,
    bias: Operand = None,
    stride: Any = (1, 1),
    padding: Any = (0, 0),
    dilation: Any = (1, 1),
    groups: int = 1,
) -> Value:
    """A convolution, its image with the channels last."""
    value = in_order(lowering.builder, lowering.value(x), CHANNELS_LAST)
    kernel = as_float(constant(weight))
    inputs = {
        "x": value.reference,
        "weight": lowering.builder.constant(kernel),
        "bias": _vector(lowering, bias),
    }
    spread = _pair(dilation)
    reference = lowering.builder.operation(
        "conv2d",
        inputs,
        _image_shape(lowering.shape),
        stride=_pair(stride),
        padding=_sides(padding, kernel.shape[2:], spread),
        dilation=spread,
        groups=groups,
    )
    return Value(reference, CHANNELS_LAST)


def _image_shape(shape: Shape) -> Shape:
    return (shape[0], shape[2], shape[3], shape[1])


def _pair(value: Any) -> list[int]:
    pair = [value] if isinstance(value, int) else list(value)
    return pair * 2 if len(pair) == 1 else pair


def _sides(padding: Any, kernel: tuple[int, ...], dilation: list[int]) -> list[int]:
    """Rows above, columns to the left, rows below, columns to the right."""
    if padding == "valid":
        return [0, 0, 0, 0]
    if padding == "same":
        whole = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        before = [n // 2 for n in whole]
        return [*before, *(n - b for n, b in zip(whole, before, strict=True))]
    pair = _pair(padding)
    return pair if len(pair) == 4 else [*pair, *pair]


@lowers("batch_norm.default")
def batch_norm(
    lowering: Lowering,
    x: Operand,
    weight: Operand,
    bias: Operand,
    mean: Operand,
    variance: Operand,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn: bool = False,
) -> Value:
    """Batch normalisation with the statistics of the training."""
    del momentum, cudnn
    if training:
        raise NotCarried("a batch normalisation that is still learning")
    value = lowering.value(x)
    rank = len(value.order)
    channels = (0, rank - 1, *range(1, rank - 1))
    value = in_order(lowering.builder, value, channels)
    center, spread = constant(mean), constant(variance)
    scale = np.ones_like(center) if weight is None else constant(weight)
    shift = np.zeros_like(center) if bias is None else constant(bias)
    inputs = {
        name: lowering.builder.constant(as_float(array))
        for name, array in (
            ("mean", center), ("variance", spread), ("weight", scale), ("bias", shift)
        )
    }  # fmt: skip
    return lowering.alike("batch_norm", value, inputs, eps=float_bits(eps))


@lowers("layer_norm.default")
def layer_norm(
    lowering: Lowering,
    x: Operand,
    normalised: list[int],
    weight: Operand = None,
    bias: Operand = None,
    eps: float = 1e-5,
    cudnn: bool = True,
) -> Value:
    """Layer normalisation over the last axis."""
    del cudnn
    if len(normalised) != 1:
        raise NotCarried("a layer normalisation over several axes")
    value = _last_axis(lowering, x)
    if (weight is None) != (bias is None):
        size = normalised[0]
        weight = np.ones(size, np.float32) if weight is None else weight
        bias = np.zeros(size, np.float32) if bias is None else bias
    inputs = {
        "weight": _vector(lowering, weight),
        "bias": _vector(lowering, bias),
    }
    return lowering.alike("layer_norm", value, inputs, eps=float_bits(eps))


@lowers("rms_norm.default")
def rms_norm(
    lowering: Lowering,
    x: Operand,
    normalised: list[int],
    weight: Operand = None,
    eps: float | None = None,
) -> Value:
    """Root mean square normalisation over the last axis."""
    if len(normalised) != 1:
        raise NotCarried("a root mean square normalisation over several axes")
    value = _last_axis(lowering, x)
    inputs = {"weight": _vector(lowering, weight)}
    epsilon = float(np.finfo(np.float32).eps) if eps is None else eps
    return lowering.alike("rms_norm", value, inputs, eps=float_bits(epsilon))


@lowers("scaled_dot_product_attention.default")
def attention(
    lowering: Lowering,
    q: Operand,
    k: Operand,
    v: Operand,
    mask: Operand = None,
    dropout: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Value:
    """softmax(q k^T scale + mask) v, for each head."""
    if dropout or is_causal or enable_gqa:
        raise NotCarried("attention with dropout, a causal mask or shared heads")
    builder = lowering.builder
    values = [lowering.value(operand) for operand in (q, k, v)]
    rank = len(values[0].order)
    if rank == 3:
        values = [reshape(builder, x, (x.shape[0], ONE, *x.shape[1:])) for x in values]
    elif rank not in (4, 5) or (rank == 5 and mask is not None):
        raise NotCarried(f"attention of {rank} axes")
    order = WINDOWS_AND_HEADS if rank == 5 else HEADS_BY_WIDTH
    parts = [in_order(builder, x, order).reference for x in values]
    outer = parts[0].shape[: len(order) - 3]
    if rank == 5:
        parts = [_joined_windows(lowering, x) for x in parts]
    queries, keys, rows = parts
    inputs = {"q": queries, "k": keys, "v": rows, "bias": _attention_bias(lowering, mask)}
    shape = (*queries.shape[:3], rows.shape[3])
    factor = 1.0 / math.sqrt(queries.shape[3].factor) if scale is None else scale
    found = builder.operation("attention", inputs, shape, scale=float_bits(factor))
    if rank == 5:
        found = builder.operation("reshape", {"x": found}, (*outer, *shape[1:]))
    result = Value(found, order)
    return reshape(builder, result, lowering.shape) if rank == 3 else result


def _joined_windows(lowering: Lowering, x: Reference) -> Reference:
    """(batch, windows, rows, heads, width) with the windows in the batch."""
    shape = (x.shape[0] * x.shape[1], *x.shape[2:])
    return lowering.builder.operation("reshape", {"x": x}, shape)


def _attention_bias(lowering: Lowering, mask: Operand) -> Any:
    """A constant mask as (rows, heads or 1, queries, keys); None for one that masks nothing."""
    if mask is None:
        return None
    array = constant(mask)
    if array.dtype == np.bool_:
        if array.all():
            return None
        array = np.where(array, np.float32(0), np.float32(-np.inf))
    if array.ndim > 4:
        raise NotCarried("a mask of more than four axes")
    return lowering.builder.constant(as_float(array.reshape((1,) * (4 - array.ndim) + array.shape)))


@lowers("max_pool2d.default")
def max_pool2d(
    lowering: Lowering,
    x: Operand,
    kernel: Any,
    stride: Any = (),
    padding: Any = (0, 0),
    dilation: Any = (1, 1),
    ceil_mode: bool = False,
) -> Value:
    """The largest element of each window."""
    return pool(lowering, "max_pool2d", x, kernel, stride, padding, dilation, ceil_mode)


@lowers("avg_pool2d.default")
def avg_pool2d(
    lowering: Lowering,
    x: Operand,
    kernel: Any,
    stride: Any = (),
    padding: Any = (0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Value:
    """The mean of each window."""
    if divisor_override is not None:
        raise NotCarried("an average pooling with a divisor of its own")
    return pool(
        lowering, "avg_pool2d", x, kernel, stride, padding, (1, 1), ceil_mode,
        count_padding=int(count_include_pad),
    )  # fmt: skip


def pool(
    lowering: Lowering,
    name: str,
    x: Operand,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    **attributes: int,
) -> Value:
    """A pooling by its name; ``padding`` is that of rows and columns, or of all four sides."""
    value = in_order(lowering.builder, lowering.value(x), CHANNELS_LAST)
    size, steps = _pair(kernel), _pair(stride or kernel)
    shape = _image_shape(lowering.shape)
    sides = _sides(padding, tuple(size), [1, 1])
    if ceil_mode and _windows(value, sides, size, steps) != [shape[1].factor, shape[2].factor]:
        raise NotCarried("a pooling whose last windows leave the image")
    reference = lowering.builder.operation(
        name,
        {"x": value.reference},
        shape,
        kernel=size,
        stride=steps,
        padding=sides,
        dilation=_pair(dilation),
        **attributes,
    )
    return Value(reference, CHANNELS_LAST)


def _windows(value: Value, sides: list[int], size: list[int], steps: list[int]) -> list[int]:
    """Whole windows along rows and columns."""
    lengths = [value.reference.shape[axis].factor for axis in (1, 2)]
    return [(lengths[i] + sides[i] + sides[i + 2] - size[i]) // steps[i] + 1 for i in range(2)]
