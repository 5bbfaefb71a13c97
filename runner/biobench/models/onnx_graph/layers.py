"""Rules for layers of ONNX: products, convolutions, norms, attention and poolings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from biobench.models.onnx_graph.elementwise import binary, expanded
from biobench.models.onnx_graph.node import Node, axis_of, broadcast, lowers
from biobench.models.program import layers as torch_layers
from biobench.models.program import moves as torch_moves
from biobench.models.program.document import ONE, Dim, Shape, float_bits, size_of
from biobench.models.program.lowering import Lowering, NotCarried, as_float
from biobench.models.program.values import Value, in_order, reshape


@lowers("MatMul")
def matmul(node: Node) -> Value:
    """Products of matrices, as NumPy has them; a constant right one is a linear layer."""
    lowering = node.lowering
    right = node.operand(1)
    if isinstance(right, np.ndarray) and right.ndim >= 2 and right[..., 0, 0].size == 1:
        left = node.value(0)
        if len(left.shape) >= max(right.ndim, 2):
            matrix = as_float(right.reshape(right.shape[-2:]))
            _fits(left.shape[-1], Dim(len(matrix)))
            return torch_layers.linear(lowering, left, np.ascontiguousarray(matrix.T))
    a, b = node.value(0), node.value(1)
    single = [len(x.shape) == 1 for x in (a, b)]
    if single[0]:
        a = reshape(lowering.builder, a, (ONE, *a.shape))
    if single[1]:
        b = reshape(lowering.builder, b, (*b.shape, ONE))
    found = _product(lowering, a, b)
    shape = found.shape
    if single[1]:
        shape = shape[:-1]
    if single[0]:
        shape = (*shape[:-2], shape[-1]) if not single[1] else shape[:-1]
    return reshape(lowering.builder, found, shape)


def _fits(a: Dim, b: Dim) -> None:
    if a != b or a.batch:
        raise NotCarried("factors that do not fit, or a sum over the batch")


def _product(lowering: Lowering, a: Value, b: Value) -> Value:
    """A product of matrices whose outer axes are broadcast."""
    _fits(a.shape[-1], b.shape[-2])
    if a.shape[-2].batch or b.shape[-1].batch:
        raise NotCarried("a product along the batch with a value")
    outer = broadcast(a.shape[:-2], b.shape[:-2])
    left = expanded(lowering, a, (*outer, *a.shape[-2:]))
    right = expanded(lowering, b, (*outer, *b.shape[-2:]))
    lowering.shape = (*outer, a.shape[-2], b.shape[-1])
    return torch_layers.matmul(lowering, left, right)


@lowers("Gemm")
def gemm(node: Node) -> Value:
    """alpha A B + beta C."""
    lowering = node.lowering
    alpha, beta = node.attribute("alpha", 1.0), node.attribute("beta", 1.0)
    a, added = node.value(0), node.operand(2)
    right = node.operand(1)
    if node.attribute("transA", 0):
        a = torch_moves.transpose(lowering, a, 0, 1)
    turned = bool(node.attribute("transB", 0))
    node.require(len(a.shape) == 2 and not a.shape[1].batch, "a sum over the batch")
    if isinstance(right, np.ndarray):
        node.require(right.ndim == 2, "a factor that is not a matrix")
        matrix = np.ascontiguousarray(as_float(right if turned else right.T))
        _fits(a.shape[1], Dim(matrix.shape[1]))
        plainly = isinstance(added, np.ndarray) and added.shape == matrix.shape[:1]
        if plainly and alpha == beta == 1.0:
            return torch_layers.linear(lowering, a, matrix, added)
        found = torch_layers.linear(lowering, a, matrix)
    else:
        b = node.value(1)
        found = _product(lowering, a, torch_moves.transpose(lowering, b, 0, 1) if turned else b)
    if alpha != 1.0:
        found = binary(lowering, "mul", found, alpha)
    if added is None:
        return found
    if beta != 1.0:
        given = node.value(2)
        added = binary(lowering, "mul", given, beta)
    shape = found.shape
    total = binary(lowering, "add", found, added)
    node.require(total.shape == shape, "an addition that changes the shape")
    return total


def _of_images(node: Node, rule: Callable[[Value], Value]) -> Value:
    """A rule for images; a sequence (batch, channels, places) becomes an image of one row."""
    x, builder = node.value(0), node.lowering.builder
    if len(x.shape) == 4:
        return rule(x)
    node.require(len(x.shape) == 3, f"images of {len(x.shape)} axes")
    found = rule(reshape(builder, x, (*x.shape[:2], ONE, x.shape[2])))
    return reshape(builder, found, (*found.shape[:2], found.shape[3]))


class _Window:
    """The windows of a convolution or a pooling over an image of (rows, columns)."""

    def __init__(self, node: Node, x: Value, kernel: list[int]) -> None:
        self.flat = len(kernel) == 1
        self.kernel = self._two(kernel, 1)
        self.stride = self._two(node.attribute("strides"), 1)
        self.dilation = self._two(node.attribute("dilations"), 1)
        self.size = [dim.factor for dim in x.shape[2:]]
        node.require(not any(dim.batch for dim in x.shape[1:]) and min(self.kernel) > 0, "windows")
        self.span = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)]
        pads = node.attribute("pads")
        self.sides = self._padding(node, pads)
        node.require(min(self.sides) >= 0, "a negative padding")

    def _two(self, stated: Any, default: int) -> list[int]:
        given = [int(n) for n in stated] if stated else [default] * (1 if self.flat else 2)
        if len(given) != (1 if self.flat else 2):
            raise NotCarried("windows of another number of axes than the images")
        return [default, *given] if self.flat else given

    def _padding(self, node: Node, pads: Any) -> list[int]:
        auto = node.attribute("auto_pad", "NOTSET")
        if auto == "NOTSET":
            given = [int(n) for n in pads or [0] * (2 if self.flat else 4)]
            if len(given) != (2 if self.flat else 4):
                raise NotCarried("a padding of another number of axes than the images")
            return [0, given[0], 0, given[1]] if self.flat else given
        if auto == "VALID":
            return [0, 0, 0, 0]
        node.require(auto in ("SAME_UPPER", "SAME_LOWER"), f"the padding {auto}")
        whole = [
            max((-(-n // step) - 1) * step + span - n, 0)
            for n, step, span in zip(self.size, self.stride, self.span, strict=True)
        ]
        less = [n // 2 for n in whole]
        more = [n - m for n, m in zip(whole, less, strict=True)]
        return [*less, *more] if auto == "SAME_UPPER" else [*more, *less]

    def count(self, *, ceil: bool = False) -> list[int]:
        """The number of windows along each side; with ``ceil`` the padding grows for a last one
        that would leave the image."""
        found = []
        for side in (0, 1):
            length = self.size[side] + self.sides[side] + self.sides[side + 2]
            left = length - self.span[side]
            if left < 0:
                raise NotCarried("windows larger than the images")
            windows = left // self.stride[side] + 1
            if ceil and left % self.stride[side]:
                if windows * self.stride[side] >= self.size[side] + self.sides[side]:
                    raise NotCarried("a last window beyond the image")
                self.sides[side + 2] += self.stride[side] - left % self.stride[side]
                windows += 1
            found.append(windows)
        return found


@lowers("Conv")
def conv(node: Node) -> Value:
    """A convolution of images or sequences."""
    weight = as_float(node.constant(1))
    bias = node.optional(2)
    groups = node.attribute("group", 1)
    stated = node.attribute("kernel_shape")
    kernel = list(weight.shape[2:])
    node.require(stated is None or list(stated) == kernel, "a kernel of another shape")

    def rule(x: Value) -> Value:
        fits = x.shape[1] == Dim(weight.shape[1] * groups) and len(weight) % groups == 0
        node.require(fits and len(kernel) in (1, 2), "weights that do not fit the images")
        window = _Window(node, x, kernel)
        rows, columns = window.count()
        node.lowering.shape = (x.shape[0], Dim(len(weight)), Dim(rows), Dim(columns))
        return torch_layers.conv2d(
            node.lowering,
            x,
            weight.reshape(*weight.shape[:2], *window.kernel),
            bias,
            window.stride,
            window.sides,
            window.dilation,
            groups,
        )

    return _of_images(node, rule)


@lowers("MaxPool", "AveragePool")
def pool(node: Node) -> Value:
    """The largest element or the mean of each window."""
    mean = node.op == "AveragePool"
    node.attribute("storage_order")  # of the places of the largest elements, which are not given
    kernel = [int(n) for n in node.attribute("kernel_shape")]
    padded = bool(node.attribute("count_include_pad", 0)) if mean else False
    ceil = bool(node.attribute("ceil_mode", 0))

    def rule(x: Value) -> Value:
        window = _Window(node, x, kernel)
        before = list(window.sides)
        rows, columns = window.count(ceil=ceil)
        node.require(
            not padded or window.sides == before, "a mean whose last windows leave the padding"
        )
        inside = all(n < span for n, span in zip(before, [*window.span] * 2, strict=True))
        node.require(inside, "a padding as large as the windows")
        node.lowering.shape = (x.shape[0], x.shape[1], Dim(rows), Dim(columns))
        counted = {"count_padding": int(padded)} if mean else {}
        return torch_layers.pool(
            node.lowering,
            "avg_pool2d" if mean else "max_pool2d",
            x,
            window.kernel,
            window.stride,
            window.sides,
            window.dilation,
            ceil_mode=False,
            **counted,
        )

    return _of_images(node, rule)


@lowers("BatchNormalization")
def batch_norm(node: Node) -> Value:
    """Batch normalisation with the statistics of the training."""
    node.require(not node.attribute("training_mode", 0), "statistics of the batch")
    node.require(node.outputs == 1, "statistics as outputs")
    x = node.value(0)
    weight, bias, mean, variance = (node.constant(place) for place in (1, 2, 3, 4))
    node.require(len(x.shape) > 1 and x.shape[1] == Dim(len(mean)), "other channels than x has")
    eps = node.attribute("epsilon", 1e-5)
    return torch_layers.batch_norm(
        node.lowering, x, weight, bias, mean, variance, training=False, eps=eps
    )


def _row_norm(node: Node, rule: Callable[[Value, Any, Any, int], Value]) -> Value:
    """A norm over the axes from one on, which become one."""
    x, builder = node.value(0), node.lowering.builder
    node.require(node.attribute("stash_type", 1) == 1, "sums that are not of float32")
    axis = axis_of(node.attribute("axis", -1), len(x.shape))
    inner = x.shape[axis:]
    node.require(not any(dim.batch for dim in inner), "a norm over the batch")
    size = size_of(inner).factor
    node.require_small(size)

    def vector(place: int) -> Any:
        given = node.optional(place)
        if given is None:
            return None
        whole = np.broadcast_to(as_float(given), [dim.factor for dim in inner])
        return np.ascontiguousarray(whole.reshape(-1))

    try:
        weight, bias = vector(1), vector(2)
    except ValueError as error:
        raise NotCarried("weights that do not fit") from error
    if len(inner) == 1:
        return rule(x, weight, bias, size)
    joined = reshape(builder, x, (*x.shape[:axis], Dim(size)))
    return reshape(builder, rule(joined, weight, bias, size), x.shape)


@lowers("LayerNormalization")
def layer_norm(node: Node) -> Value:
    """Layer normalisation over the last axes."""
    eps = node.attribute("epsilon", 1e-5)
    return _row_norm(
        node, lambda x, w, b, n: torch_layers.layer_norm(node.lowering, x, [n], w, b, eps)
    )


@lowers("RMSNormalization")
def rms_norm(node: Node) -> Value:
    """Root mean square normalisation over the last axes."""
    eps = node.attribute("epsilon", 1e-5)
    return _row_norm(node, lambda x, w, _, n: torch_layers.rms_norm(node.lowering, x, [n], w, eps))


@lowers("GroupNormalization", "InstanceNormalization")
def group_norm(node: Node) -> Value:
    """Normalisation of groups of channels of an image, or of each channel."""
    x, lowering = node.value(0), node.lowering
    scale, bias = as_float(node.constant(1)), as_float(node.constant(2))
    rank, channels = len(x.shape), len(scale)
    node.require(rank > 2 and x.shape[1] == Dim(channels), "a scale that is not one a channel")
    node.require(not any(dim.batch for dim in x.shape[1:]), "a norm over the batch")
    if node.op == "InstanceNormalization":
        groups = channels
    else:
        node.require(node.opset >= 21, "scales of groups")
        node.require(node.attribute("stash_type", 1) == 1, "sums that are not of float32")
        groups = node.attribute("num_groups")
    node.require(bool(groups) and channels % groups == 0, "groups that do not divide the channels")
    value = in_order(lowering.builder, x, (0, rank - 1, *range(1, rank - 1)))
    inputs = {"weight": lowering.builder.constant(scale), "bias": lowering.builder.constant(bias)}
    return lowering.alike(
        "group_norm", value, inputs, groups=groups, eps=float_bits(node.attribute("epsilon", 1e-5))
    )


@lowers("Attention")
def attention(node: Node) -> Value:
    """softmax(q k^T scale + mask) v, for each head."""
    lowering = node.lowering
    values = [node.value(place) for place in (0, 1, 2)]
    node.require(not node.attribute("softcap", 0.0), "scores that are capped")
    node.require(node.attribute("softmax_precision", 1) == 1, "a softmax that is not of float32")
    node.attribute("qk_matmul_output_mode")
    heads, shared = node.attribute("q_num_heads"), node.attribute("kv_num_heads")
    scale, causal = node.attribute("scale"), bool(node.attribute("is_causal", 0))
    flat = len(values[0].shape) == 3
    if flat:
        node.require(bool(heads) and heads == shared, "heads that share keys")
        values = [_heads(lowering, x, heads) for x in values]
    node.require(all(len(x.shape) == 4 for x in values), "values of other axes")
    q, k, v = (x.shape for x in values)
    fits = q[:2] == k[:2] == v[:2] and q[3] == k[3] and k[2] == v[2]
    node.require(fits and not any(d.batch for x in (q, k, v) for d in x[1:]), "shapes or heads")
    mask = _mask(node, q, k, causal=causal)
    lowering.shape = (*q[:3], v[3])
    factor = 1.0 / math.sqrt(q[3].factor) if scale is None else scale
    found = torch_layers.attention(lowering, values[0], values[1], values[2], mask, scale=factor)
    if not flat:
        return found
    rows = torch_moves.transpose(lowering, found, 1, 2)
    return reshape(lowering.builder, rows, (q[0], q[2], q[1] * v[3]))


def _heads(lowering: Lowering, x: Value, heads: int) -> Value:
    """(batch, rows, heads x width) as (batch, heads, rows, width)."""
    width, left = divmod(x.shape[2].factor, heads)
    if left:
        raise NotCarried("a width that heads do not divide")
    parted = reshape(lowering.builder, x, (*x.shape[:2], Dim(heads), Dim(width)))
    return torch_moves.transpose(lowering, parted, 1, 2)


def _mask(node: Node, q: Shape, k: Shape, *, causal: bool) -> Any:
    """The mask as a constant; None where there is none."""
    given = node.optional(3)
    node.require_small(q[2].factor * k[2].factor)
    if causal:
        node.require(given is None and q[2] == k[2], "a causal mask beside another one")
        given = np.tril(np.ones((q[2].factor, k[2].factor), np.bool_))
    if given is None:
        return None
    node.require(given.ndim <= 4, "a mask of more than four axes")
    shape = (1,) * (4 - given.ndim) + given.shape
    node.require(shape[0] == 1 or Dim(shape[0]) == q[0], "a mask of other rows")
    node.require(shape[1] in (1, q[1].factor), "a mask of other heads")
    # ONNX masks the keys beyond its end; to broadcast it would let them in.
    node.require(shape[3] >= k[2].factor, "a mask shorter than the keys")
    try:
        mask = np.broadcast_to(given.reshape(shape), (*shape[:2], q[2].factor, k[2].factor)).copy()
    except ValueError as error:
        raise NotCarried("a mask of another shape") from error
    seen = mask if mask.dtype == np.bool_ else mask > -np.inf
    node.require(bool(seen.any(axis=-1).all()), "a query whose keys are all masked")
    return mask
