"""Rules for operators that move data: shapes, axes, parts, and what changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from biobench.models.program.document import Dim, Reference, Shape, float_bits
from biobench.models.program.lowering import Lowering, NotCarried, Operand, lowers
from biobench.models.program.values import (
    Value,
    in_order,
    plain,
    reshape,
    straight,
    with_axis,
    without_axis,
)

_END = 1 << 62


@lowers(
    "contiguous.default", "clone.default", "alias.default", "detach.default", "to.dtype",
    "to.device", "to.dtype_layout", "type_as.default", "_to_copy.default",
    "lift_fresh_copy.default",
)  # fmt: skip
def same(lowering: Lowering, x: Operand, *rest: Any, **options: Any) -> Value:
    """Nothing changes: all is float32 here."""
    dtype = getattr(lowering.stated, "dtype", None)
    if dtype is not None and "float32" not in str(dtype):
        raise NotCarried(f"a value of {dtype}")
    return lowering.value(x)


@lowers("dropout.default")
def dropout(lowering: Lowering, x: Operand, share: float, train: bool) -> Value:
    """Nothing, in eval mode."""
    if train and share:
        raise NotCarried("a dropout that is at work")
    return lowering.value(x)


@lowers(
    "view.default", "reshape.default", "flatten.using_ints", "unflatten.int", "_unsafe_view.default"
)
def shaped(lowering: Lowering, x: Operand, *rest: Any) -> Value:
    """The shape that torch states."""
    return reshape(lowering.builder, lowering.value(x), lowering.shape)


@lowers("unsqueeze.default")
def unsqueeze(lowering: Lowering, x: Operand, dim: int) -> Value:
    """A new axis of one."""
    value = lowering.value(x)
    return with_axis(lowering.builder, value, dim % (len(value.order) + 1))


@lowers("squeeze.dim", "squeeze.dims")
def squeeze(lowering: Lowering, x: Operand, dims: Any) -> Value:
    """Without the axes that have one element."""
    value = lowering.value(x)
    rank = len(value.order)
    wanted = sorted({dim % rank for dim in ([dims] if isinstance(dims, int) else dims)})
    for dim in reversed(wanted):
        if value.shape[dim] == Dim(1):
            value = without_axis(lowering.builder, value, dim)
    return value


@lowers("permute.default")
def permute(lowering: Lowering, x: Operand, dims: list[int]) -> Value:
    """Axes in another order; no data moves yet."""
    value = lowering.value(x)
    return Value(value.reference, tuple(value.order[dim] for dim in dims))


@lowers("transpose.int")
def transpose(lowering: Lowering, x: Operand, a: int, b: int) -> Value:
    """Two axes exchanged; no data moves yet."""
    value = lowering.value(x)
    order = list(value.order)
    order[a], order[b] = order[b], order[a]
    return Value(value.reference, tuple(order))


@lowers("expand.default", "expand_as.default")
def expand(lowering: Lowering, x: Operand, sizes: Any, **options: Any) -> Value:
    """Repeated along axes of one."""
    value = lowering.value(x)
    if value.shape == lowering.shape:
        return value
    reference = straight(lowering.builder, value)
    return plain(lowering.builder.operation("expand", {"x": reference}, lowering.shape))


@lowers("repeat.default", "tile.default")
def repeat(lowering: Lowering, x: Operand, sizes: Any) -> Value:
    """Repeated along axes, which may have more than one element."""
    value = lowering.value(x)
    rank = len(lowering.shape)
    whole = reshape(lowering.builder, value, (Dim(1),) * (rank - len(value.order)) + value.shape)
    for axis, (have, want) in enumerate(zip(whole.shape, lowering.shape, strict=True)):
        if have == want:
            continue
        if have == Dim(1):
            shape = (*whole.shape[:axis], want, *whole.shape[axis + 1 :])
            reference = straight(lowering.builder, whole)
            whole = plain(lowering.builder.operation("expand", {"x": reference}, shape))
            continue
        if have.batch or want.batch:
            raise NotCarried("a batch that is repeated")
        whole = _joined(lowering, [whole] * (want.factor // have.factor), axis)
    return whole


def part(lowering: Lowering, value: Value, dim: int, start: int, stop: int, step: int = 1) -> Value:
    """Elements of one axis."""
    axis = value.order[dim]
    size = value.reference.shape[axis]
    if (start, stop, step) == (0, size.factor, 1):
        return value
    if size.batch:
        raise NotCarried("a part of the batch")
    shape = list(value.reference.shape)
    shape[axis] = Dim(-(-(stop - start) // step))
    reference = lowering.builder.operation(
        "slice",
        {"x": value.reference},
        tuple(shape),
        axis=axis,
        start=start,
        end=stop,
        step=step,
    )
    return Value(reference, value.order)


def _bounds(size: Dim, start: int | None, stop: int | None) -> tuple[int, int]:
    whole = size.factor
    first, last = start or 0, _END if stop is None else stop
    first, last = (max(0, min(whole, n + whole if n < 0 else n)) for n in (first, last))
    return first, last


@lowers("slice.Tensor")
def sliced(
    lowering: Lowering,
    x: Operand,
    dim: int = 0,
    start: int | None = None,
    stop: int | None = None,
    step: int = 1,
) -> Value:
    """Elements of one axis."""
    value = lowering.value(x)
    dim %= len(value.order)
    first, last = _bounds(value.shape[dim], start, stop)
    return part(lowering, value, dim, first, last, step)


@lowers("select.int")
def select(lowering: Lowering, x: Operand, dim: int, index: int) -> Value:
    """One element of an axis, which goes."""
    value = lowering.value(x)
    dim %= len(value.order)
    index %= value.shape[dim].factor
    one = part(lowering, value, dim, index, index + 1)
    return without_axis(lowering.builder, one, dim)


@lowers("unbind.int")
def unbind(lowering: Lowering, x: Operand, dim: int = 0) -> list[Value]:
    """Each element of an axis, which goes."""
    value = lowering.value(x)
    return [select(lowering, value, dim, i) for i in range(value.shape[dim].factor)]


@lowers("chunk.default", "split.Tensor", "split_with_sizes.default")
def split(lowering: Lowering, x: Operand, sizes: Any, dim: int = 0) -> list[Value]:
    """Parts of an axis, as long as torch states."""
    value = lowering.value(x)
    dim %= len(value.order)
    parts, start = [], 0
    for stated in lowering.stated:
        stop = start + int(stated.shape[dim])
        parts.append(part(lowering, value, dim, start, stop))
        start = stop
    return parts


@lowers("cat.default")
def cat(lowering: Lowering, operands: list[Operand], dim: int = 0) -> Value:
    """Tensors beside each other; those without elements are left out."""
    filled = [x for x in operands if not isinstance(x, np.ndarray) or x.size]
    values = [lowering.value(operand) for operand in filled]
    return _joined(lowering, values, dim % len(values[0].order))


@lowers("stack.default")
def stack(lowering: Lowering, operands: list[Operand], dim: int = 0) -> Value:
    """Tensors beside each other, along a new axis."""
    values = [lowering.value(operand) for operand in operands]
    dim %= len(values[0].order) + 1
    return _joined(lowering, [with_axis(lowering.builder, value, dim) for value in values], dim)


def _joined(lowering: Lowering, values: list[Value], dim: int) -> Value:
    if len(values) == 1:
        return values[0]
    order = values[0].order
    references = [in_order(lowering.builder, value, order).reference for value in values]
    axis = order[dim]
    shape = list(references[0].shape)
    shape[axis] = Dim(sum(reference.shape[axis].factor for reference in references))
    return Value(_concatenated(lowering, references, axis, tuple(shape)), order)


def _concatenated(lowering: Lowering, parts: list[Reference], axis: int, shape: Shape) -> Reference:
    return lowering.builder.operation("concatenate", {"parts": parts}, shape, axis=axis)


@lowers("roll.default")
def roll(lowering: Lowering, x: Operand, shifts: list[int], dims: list[int]) -> Value:
    """Axes that begin elsewhere."""
    value = lowering.value(x)
    for shift, dim in zip(shifts, dims, strict=True):
        size = value.shape[dim].factor
        first = -shift % size
        if first:
            parts = [
                part(lowering, value, dim, first, size),
                part(lowering, value, dim, 0, first),
            ]
            value = _joined(lowering, parts, dim)
    return value


@lowers("pad.default", "constant_pad_nd.default")
def pad(
    lowering: Lowering,
    x: Operand,
    sides: list[int],
    mode: str = "constant",
    number: float | None = None,
) -> Value:
    """Numbers around."""
    value = lowering.value(x)
    if not any(sides):
        return value
    if not isinstance(mode, str):
        mode, number = "constant", mode
    if mode != "constant" or min(sides) < 0:
        raise NotCarried(f"a padding by {mode if mode != 'constant' else 'less than nothing'}")
    rank = len(value.order)
    before, after = [0] * rank, [0] * rank
    for i in range(len(sides) // 2):
        axis = value.order[rank - 1 - i]
        before[axis], after[axis] = sides[2 * i], sides[2 * i + 1]
    shape = tuple(
        dim if dim.batch else Dim(dim.factor + a + b)
        for dim, a, b in zip(value.reference.shape, before, after, strict=True)
    )
    reference = lowering.builder.operation(
        "pad",
        {"x": value.reference},
        shape,
        before=before,
        after=after,
        value=float_bits(number or 0.0),
    )
    return Value(reference, value.order)


@lowers("index.Tensor")
def index(lowering: Lowering, x: Operand, indices: list[Operand]) -> Value:
    """Elements of one axis by constant numbers."""
    value = lowering.value(x)
    given = [(dim, item) for dim, item in enumerate(indices) if item is not None]
    if len(given) != 1 or not isinstance(given[0][1], np.ndarray) or given[0][1].ndim != 1:
        raise NotCarried("an index along several axes")
    dim, numbers = given[0]
    axis = value.order[dim]
    size = value.reference.shape[axis].factor
    shape = list(value.reference.shape)
    shape[axis] = Dim(len(numbers))
    wanted = lowering.builder.constant((numbers.astype(np.int64) + size) % size)
    reference = lowering.builder.operation(
        "gather", {"x": value.reference, "indices": wanted}, tuple(shape), axis=axis
    )
    return Value(reference, value.order)
