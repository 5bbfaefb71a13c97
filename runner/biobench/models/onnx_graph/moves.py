"""Rules for operators of ONNX that move data, and for those that change nothing."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from biobench.models.onnx_graph.elementwise import expanded
from biobench.models.onnx_graph.node import Node, axis_of, broadcast, lowers
from biobench.models.onnx_graph.per_batch import PerBatch, entries, integers, shape_and_first
from biobench.models.program import moves as torch_moves
from biobench.models.program.document import ONE, Dim, Shape, size_of
from biobench.models.program.lowering import Lowering, NotCarried
from biobench.models.program.values import Value, reshape, without_axis

FLOAT = 1
"""The number of float32 among ONNX's types."""


@lowers("Identity")
def same(node: Node) -> Value:
    """Nothing changes."""
    return node.value(0)


@lowers("Dropout")
def dropout(node: Node) -> Value:
    """Nothing, in inference."""
    node.operand(1)
    training = node.optional(2)
    node.attribute("ratio")
    node.require(training is None or not training.any(), "a dropout that is at work")
    node.require(node.outputs == 1, "its mask")
    return node.value(0)


@lowers("Cast")
def cast(node: Node) -> Value:
    """Nothing: all is float32."""
    node.attribute("saturate")
    node.attribute("round_mode")
    node.require(node.attribute("to") == FLOAT, "a value that is not of float32")
    return node.value(0)


@lowers("CastLike")
def cast_like(node: Node) -> Value:
    """As :func:`cast`, with the type of another value."""
    other = node.operand(1)
    node.attribute("saturate")
    node.attribute("round_mode")
    floating = isinstance(other, Value) or getattr(other, "dtype", None) == np.float32
    node.require(floating, "a value that is not of float32")
    return node.value(0)


@lowers("Reshape")
def shaped(node: Node) -> Value:
    """Another shape of the same elements."""
    x = node.value(0)
    keeps = not node.attribute("allowzero", 0)
    wanted = entries(node.operand(1))
    for place, entry in enumerate(wanted):
        if entry == 0:
            node.require(keeps and place < len(x.shape), "a size of 0")
            wanted[place] = x.shape[place]
    return _reshaped(node, x, _shape(node, x.shape, wanted))


def _reshaped(node: Node, x: Value, shape: Shape) -> Value:
    """Another shape in which an image's elements are its own: as many lie before the batch."""
    before = [
        prod(dim.factor for dim in dims[: next(a for a, d in enumerate(dims) if d.batch)])
        for dims in (x.shape, shape)
        if any(dim.batch for dim in dims)
    ]
    node.require(len(set(before)) < 2, "a shape that mixes images")
    return reshape(node.lowering.builder, x, shape)


def _shape(node: Node, old: Shape, wanted: list[Any]) -> Shape:
    """The shape that is asked for, with the number that -1 stands for."""
    whole = size_of(old)
    if node.made_open:
        return _of_one(node, old, wanted)
    known = size_of([x if isinstance(x, Dim) else Dim(x) for x in wanted if x != -1])
    shape = [x if isinstance(x, Dim) else Dim(x) for x in wanted if x != -1]
    if -1 in wanted:
        node.require(wanted.count(-1) == 1 and known.factor > 0, "sizes that are not known")
        count, left = divmod(whole.factor, known.factor)
        node.require(not left and (whole.batch or not known.batch), "another number of elements")
        shape.insert(wanted.index(-1), Dim(count, batch=whole.batch and not known.batch))
    node.require(size_of(shape) == whole, "another number of elements, or a fixed batch")
    node.require(sum(dim.batch for dim in shape) < 2, "sizes that are not known")
    return tuple(shape)


def _of_one(node: Node, old: Shape, wanted: list[Any]) -> Shape:
    """As :func:`_shape`, where the file states a batch of one: the elements of an image stay
    together, so that the batch lies in the first axis that has any."""
    numbers = [x.factor if isinstance(x, Dim) else x for x in wanted]
    whole = size_of(old)
    rest = prod(n for n in numbers if n != -1)
    if -1 in numbers:
        node.require(numbers.count(-1) == 1 and rest > 0, "sizes that are not known")
        numbers[numbers.index(-1)] = whole.factor // rest
    node.require(prod(numbers) == whole.factor, "another number of elements")
    if not whole.batch:
        return tuple(map(Dim, numbers))
    place = next(axis for axis, dim in enumerate(old) if dim.batch)
    outermost = all(dim == ONE for dim in old[:place])
    node.require(outermost and bool(numbers), "images of a batch beside each other")
    return (Dim(numbers[0], batch=True), *map(Dim, numbers[1:]))


@lowers("Flatten")
def flatten(node: Node) -> Value:
    """Two axes: what lies before an axis, and the rest."""
    x = node.value(0)
    rank, axis = len(x.shape), node.attribute("axis", 1)
    node.require(-rank <= axis <= rank, f"the axis {axis}")
    axis = axis + rank if axis < 0 else axis
    return _reshaped(node, x, (size_of(x.shape[:axis]), size_of(x.shape[axis:])))


@lowers("Squeeze")
def squeeze(node: Node) -> Value:
    """Without axes of one element."""
    x, stated = node.value(0), node.numbers("axes", 1)
    rank = len(x.shape)
    if stated is None:
        node.require(not any(dim.batch for dim in x.shape), "an axis that the batch decides")
        stated = [axis for axis, dim in enumerate(x.shape) if dim == ONE]
    axes = {axis_of(axis, rank) for axis in stated}
    node.require(all(x.shape[axis] == ONE for axis in axes), "an axis of more than one element")
    for axis in sorted(axes, reverse=True):
        x = without_axis(node.lowering.builder, x, axis)
    return x


@lowers("Unsqueeze")
def unsqueeze(node: Node) -> Value:
    """New axes of one element."""
    x, stated = node.value(0), node.numbers("axes", 1)
    rank = len(x.shape) + len(stated or ())
    for axis in sorted(axis_of(axis, rank) for axis in stated or ()):
        x = torch_moves.unsqueeze(node.lowering, x, axis)
    node.require(len(x.shape) == rank, "an axis twice")
    return x


@lowers("Transpose")
def transpose(node: Node) -> Value:
    """Axes in another order; no data moves yet."""
    x = node.value(0)
    rank = len(x.shape)
    axes = node.attribute("perm") or list(range(rank))[::-1]
    node.require(sorted(axes) == list(range(rank)), "an order that does not name each axis once")
    return torch_moves.permute(node.lowering, x, [int(axis) for axis in axes])


@lowers("Expand")
def expand(node: Node) -> Value:
    """Repeated along axes of one."""
    x = node.value(0)
    wanted = tuple(n if isinstance(n, Dim) else Dim(n) for n in entries(node.operand(1)))
    node.require(all(dim.factor > 0 for dim in wanted), "a size below 1")
    return expanded(node.lowering, x, broadcast(x.shape, wanted))


@lowers("Tile")
def tile(node: Node) -> Value:
    """Repeated along axes."""
    x, counts = node.value(0), integers(node.operand(1))
    node.require(len(counts) == len(x.shape) and min(counts, default=1) > 0, "numbers of repeats")
    whole = [count for dim, count in zip(x.shape, counts, strict=True) if dim.batch]
    node.require(all(count == 1 for count in whole), "a batch that is repeated")
    for axis, count in enumerate(counts):
        if count == 1:
            continue
        if x.shape[axis] == ONE:
            x = expanded(node.lowering, x, (*x.shape[:axis], Dim(count), *x.shape[axis + 1 :]))
        else:
            node.require_small(count * x.shape[axis].factor)
            places = np.tile(np.arange(x.shape[axis].factor, dtype=np.int64), count)
            x = _gathered(node.lowering, x, axis, places)
    return x


@lowers("Concat")
def concat(node: Node) -> Value:
    """Values beside each other."""
    operands, lowering = node.all(), node.lowering
    first = next(x for x in operands if isinstance(x, Value))
    axis = axis_of(node.attribute("axis"), len(first.shape))
    values = [lowering.value(x) for x in operands if not (isinstance(x, np.ndarray) and not x.size)]
    rank = len(first.shape)
    node.require(all(len(x.shape) == rank for x in values), "parts of other axes")
    node.require(not any(x.shape[axis].batch for x in values), "a batch that grows")
    # A constant of one row stands beside every image.
    rows: Shape = (*values[0].shape[:axis], ONE, *values[0].shape[axis + 1 :])
    for x in values:
        rows = broadcast(rows, (*x.shape[:axis], ONE, *x.shape[axis + 1 :]))
    parts = []
    for x in values:
        shape = (*rows[:axis], x.shape[axis], *rows[axis + 1 :])
        apart = [a for a, b in zip(x.shape, shape, strict=True) if a != b and not b.batch]
        node.require(not apart, "parts of other shapes")
        parts.append(expanded(lowering, x, shape))
    return torch_moves.cat(lowering, parts, axis)


@lowers("Slice")
def sliced(node: Node) -> Value:
    """Parts of axes, forwards or backwards."""
    x = node.value(0)
    first, last = entries(node.operand(1)), entries(node.operand(2))
    axes, steps = node.operand(3), node.operand(4)
    along = list(range(len(first))) if axes is None else integers(axes)
    by = [1] * len(first) if steps is None else integers(steps)
    node.require(len(first) == len(last) == len(along) == len(by), "lists of unequal length")
    for start, stop, axis, step in zip(first, last, along, by, strict=True):
        x = _part(node, x, start, stop, axis_of(axis, len(x.shape)), step)
    return x


def _part(node: Node, x: Value, start: Any, stop: Any, axis: int, step: int) -> Value:
    size = x.shape[axis]
    if size.batch:
        whole = start == 0 and step == 1
        if isinstance(stop, Dim):
            whole = whole and stop == size
        elif node.made_open:
            whole = whole and stop >= size.factor
        else:
            whole = whole and stop >= (1 << 31) - 1
        node.require(whole, "a part of the batch")
        return x
    if isinstance(start, Dim) or isinstance(stop, Dim) or step == 0:
        raise NotCarried("a part that the batch decides")
    places = range(size.factor)[slice(start, stop, step)]
    node.require(len(places) > 0, "a part without elements")
    if step > 0:
        return torch_moves.part(node.lowering, x, axis, places.start, places.stop, step)
    node.require_small(len(places))
    return _gathered(node.lowering, x, axis, np.array(places, np.int64))


def _gathered(lowering: Lowering, x: Value, axis: int, places: Any) -> Value:
    """Elements of an axis by their places."""
    if x.shape[axis].batch:
        raise NotCarried("a part of the batch")
    return torch_moves.index(lowering, x, [*[None] * axis, places])


@lowers("Split")
def split(node: Node) -> list[Value]:
    """Parts of an axis."""
    x = node.value(0)
    axis = axis_of(node.attribute("axis", 0), len(x.shape))
    size, sizes = x.shape[axis].factor, node.numbers("split", 1)
    node.require(not x.shape[axis].batch, "a part of the batch")
    if sizes is None:
        count = node.attribute("num_outputs", node.outputs)
        node.require(count == node.outputs, "another number of parts than it has outputs")
        each = -(-size // count)
        sizes = [min(each, size - i * each) for i in range(count)]
        node.require(node.opset >= 18 or size % count == 0, "parts of unequal length")
    node.require(sum(sizes) == size and min(sizes) > 0, "parts that are not the whole")
    parts, start = [], 0
    for length in sizes:
        parts.append(torch_moves.part(node.lowering, x, axis, start, start + length))
        start += length
    return parts


@lowers("Gather")
def gather(node: Node) -> Value:
    """Elements of an axis by constant places."""
    x = node.value(0)
    axis = axis_of(node.attribute("axis", 0), len(x.shape))
    given = node.operand(1)
    if isinstance(given, PerBatch):
        return _in_turn(node, x, given)
    places = node.constant(1)
    size = x.shape[axis].factor
    node.require(places.dtype.kind in "iu", "places that are not integers")
    node.require(bool(((places >= -size) & (places < size)).all()), "a place beyond the axis")
    node.require(places.size > 0, "no places")
    if places.ndim == 0:
        node.require(not x.shape[axis].batch, "a part of the batch")
        return torch_moves.select(node.lowering, x, axis, int(places))
    found = _gathered(node.lowering, x, axis, places.reshape(-1))
    if places.ndim == 1:
        return found
    shape = (*x.shape[:axis], *map(Dim, places.shape), *x.shape[axis + 1 :])
    return reshape(node.lowering.builder, found, shape)


def _in_turn(node: Node, x: Value, places: PerBatch) -> Value:
    """All elements in their order, which torch's exporter writes for a view of a list."""
    node.require(len(x.shape) == 1, "places that depend on the batch")
    shape, _ = shape_and_first(places)
    node.require(size_of(shape) == x.shape[0], "places that depend on the batch")
    in_turn = all(np.array_equal(n.reshape(-1), np.arange(n.size)) for n in places.arrays)
    node.require(in_turn, "places that depend on the batch")
    return _reshaped(node, x, shape)


@lowers("Pad")
def pad(node: Node) -> Value:
    """Elements around: a number, the border, or the image in a mirror."""
    x = node.value(0)
    rank = len(x.shape)
    mode = node.attribute("mode", "constant")
    sides, number, stated = node.numbers("pads", 1) or [], node.scalar(2), node.operand(3)
    axes = list(range(rank)) if stated is None else [axis_of(n, rank) for n in integers(stated)]
    node.require(len(sides) == 2 * len(axes) and min(sides, default=0) >= 0, "a negative padding")
    before, after = [0] * rank, [0] * rank
    for place, axis in enumerate(axes):
        before[axis], after[axis] = sides[place], sides[place + len(axes)]
    for axis, dim in enumerate(x.shape):
        node.require(not dim.batch or before[axis] == after[axis] == 0, "a batch that is padded")
    if mode == "constant":
        pairs = [n for axis in reversed(range(rank)) for n in (before[axis], after[axis])]
        return torch_moves.pad(node.lowering, x, pairs, number=number or 0.0)
    modes = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}
    node.require(mode in modes, f"the mode {mode!r}")
    for axis in range(rank):
        if before[axis] or after[axis]:
            node.require_small(x.shape[axis].factor + before[axis] + after[axis])
            places: Any = np.arange(x.shape[axis].factor, dtype=np.int64)
            width = (before[axis], after[axis])
            x = _gathered(node.lowering, x, axis, np.pad(places, width, mode=modes[mode]))  # type: ignore[call-overload]
    return x


@lowers("DepthToSpace", "SpaceToDepth")
def depth_and_space(node: Node) -> Value:
    """Blocks of channels as blocks of positions, or the other way round."""
    x, lowering = node.value(0), node.lowering
    block, mode = node.attribute("blocksize"), node.attribute("mode", "DCR")
    node.require(len(x.shape) == 4 and not any(d.batch for d in x.shape[1:]), "no images")
    node.require(mode in ("DCR", "CRD"), f"the mode {mode!r}")
    rows, (channels, height, width) = x.shape[0], (dim.factor for dim in x.shape[1:])
    small, side = Dim(channels // block**2), Dim(block)
    if node.op == "SpaceToDepth":
        node.require(height % block == 0 and width % block == 0, "blocks that do not fit")
        parted: Shape = (rows, Dim(channels), Dim(height // block), side, Dim(width // block), side)
        order = [0, 1, 3, 5, 2, 4] if mode == "CRD" else [0, 3, 5, 1, 2, 4]
        shape: Shape = (rows, Dim(channels * block**2), parted[2], parted[4])
    else:
        node.require(channels % block**2 == 0, "blocks that do not fit")
        tail = (Dim(height), Dim(width))
        parted = (
            (rows, small, side, side, *tail) if mode == "CRD" else (rows, side, side, small, *tail)
        )
        order = [0, 1, 4, 2, 5, 3] if mode == "CRD" else [0, 3, 4, 1, 5, 2]
        shape = (rows, small, Dim(height * block), Dim(width * block))
    found = torch_moves.permute(lowering, reshape(lowering.builder, x, parted), order)
    return reshape(lowering.builder, found, shape)
