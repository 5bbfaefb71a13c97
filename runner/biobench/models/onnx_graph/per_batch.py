"""Parts of an ONNX graph that depend on no image: computed when the program is made.

In: a node and arrays. Out: arrays. Sizes of an open batch are computed for batches of several sizes
beside each other; a number that is the same for all of them is one, and one that grows as the
batch does is a multiple of it. ONNX's reference implementation computes, and only operators whose
results have one value by IEEE 754 or that move data; the engine computes sines and cosines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.models.program.document import Dim, Shape
from biobench.models.program.fold import OWN
from biobench.models.program.lowering import NotCarried

Array = npt.NDArray[Any]
BATCHES = (1, 7, 13)
EXACT = frozenset({
    "Shape", "Size", "Gather", "Slice", "Concat", "Reshape", "Squeeze", "Unsqueeze", "Transpose",
    "Cast", "CastLike", "Add", "Sub", "Mul", "Div", "Neg", "Sqrt", "Abs", "Floor", "Ceil", "Equal",
    "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Not", "And", "Or", "Where", "Expand",
    "Tile", "ConstantOfShape", "Range", "Split", "Pad", "Min", "Max", "Identity", "Flatten",
    "Trilu", "ReduceProd", "Mod",
})  # fmt: skip
_MOVES = ("Concat", "Reshape", "Slice", "Split", "Squeeze", "Unsqueeze", "Transpose", "Flatten")
_OWN: Mapping[str, Callable[..., Array]] = {"Sin": OWN["sin.default"], "Cos": OWN["cos.default"]}


@dataclass(frozen=True)
class PerBatch:
    """An array for each of :data:`BATCHES`."""

    arrays: tuple[Array, ...]


def of_shape(shape: Shape, *, made_open: bool) -> Array | PerBatch:
    """The sizes of a value, as int64; those of a batch of one where the file states that."""
    batches = (1, 1, 1) if made_open else BATCHES
    return collapsed([np.array([dim.factor * (n if dim.batch else 1) for dim in shape], np.int64)
                      for n in batches])  # fmt: skip


def collapsed(arrays: Sequence[Array]) -> Array | PerBatch:
    """One array where all are equal."""
    first = arrays[0]
    if all(x.dtype == first.dtype and np.array_equal(x, first) for x in arrays[1:]):
        return first
    return PerBatch(tuple(arrays))


def entries(operand: Any) -> list[int | Dim]:
    """The numbers of a constant list, with those that are multiples of the batch as such."""
    if isinstance(operand, np.ndarray):
        _integers(operand)
        return [int(n) for n in operand.reshape(-1)]
    if not isinstance(operand, PerBatch):
        raise NotCarried("sizes that depend on the image")
    for array in operand.arrays:
        _integers(array)
    columns = {array.reshape(-1).shape for array in operand.arrays}
    if len(columns) != 1:
        raise NotCarried("a list of sizes whose length is that of the batch")
    return [_entry(list(numbers)) for numbers in zip(*map(np.ravel, operand.arrays), strict=True)]


def repeated(operand: PerBatch) -> tuple[Array, Shape]:
    """Numbers that are the same for each image, as those of one image and the whole shape.

    Raises:
        NotCarried: The numbers differ between images.
    """
    shape, first = shape_and_first(operand)
    axes = [axis for axis, dim in enumerate(shape) if dim.batch]
    same = len(axes) == 1 and all(
        np.array_equal(np.broadcast_to(first, x.shape), x) for x in operand.arrays
    )
    if not same or shape[axes[0]] != Dim(1, batch=True):
        raise NotCarried("numbers that differ between images or batches")
    return first, shape


def shape_and_first(operand: PerBatch) -> tuple[Shape, Array]:
    """The shape with the batch, and the array of the smallest batch."""
    sizes = collapsed([np.array(x.shape, np.int64) for x in operand.arrays])
    shape = tuple(n if isinstance(n, Dim) else Dim(n) for n in entries(sizes))
    return shape, operand.arrays[0]


def _integers(array: Array) -> None:
    if array.dtype.kind not in "iu":
        raise NotCarried(f"sizes of {array.dtype}")


def _entry(numbers: list[Any]) -> int | Dim:
    first = int(numbers[0])
    if all(n == first for n in numbers):
        return first
    if first > 0 and all(n == first * batch for n, batch in zip(numbers, BATCHES, strict=True)):
        return Dim(first, batch=True)
    raise NotCarried("a size that is not a multiple of the batch")


def integers(operand: Any) -> list[int]:
    """As :func:`entries`, none of which may grow with the batch."""
    found = entries(operand)
    if any(isinstance(n, Dim) for n in found):
        raise NotCarried("a number that depends on the batch")
    return [n for n in found if isinstance(n, int)]


class Folder:
    """Computes nodes on constants, within a number of bytes."""

    def __init__(self, opset: int, most_bytes: int) -> None:
        self._opset = opset
        self._left = most_bytes

    def folds(self, op: str) -> bool:
        """True for an operator that is computed here."""
        return op in EXACT or op in _OWN

    def run(self, proto: Any, operands: Sequence[Any]) -> list[Array | PerBatch]:
        """The outputs of a node whose operands are constants.

        Raises:
            NotCarried: They would take too much memory, or the node does not fit its operands.
        """
        if not any(isinstance(x, PerBatch) for x in operands):
            return list(self._once(proto, operands))
        runs = [
            self._once(proto, [x.arrays[i] if isinstance(x, PerBatch) else x for x in operands])
            for i in range(len(BATCHES))
        ]
        return [collapsed(arrays) for arrays in zip(*runs, strict=True)]

    def _once(self, proto: Any, arrays: Sequence[Array | None]) -> Sequence[Array]:
        given = [x for x in arrays if x is not None]
        size = _elements(proto, arrays) if given else 0
        item = max((x.dtype.itemsize for x in given), default=8)
        self._left -= 8 * size if proto.op_type == "ConstantOfShape" else item * size
        if self._left < 0:
            raise NotCarried("constants that need far more memory than the file has bytes")
        own = _OWN.get(proto.op_type)
        if own is not None:
            return [own(*given)]
        self._refuse_rounding(proto.op_type, given)
        try:
            return self._reference(proto, arrays)
        except Exception as error:  # the reference raises anything for operands that do not fit
            reason = (str(error).splitlines() or ["?"])[0][:120]
            raise NotCarried(f"a constant that cannot be computed: {reason!a}") from error

    def _refuse_rounding(self, op: str, arrays: Sequence[Array]) -> None:
        """The reference rounds the quotient of integers down, and ONNX says towards zero."""
        if op == "Div" and arrays[0].dtype.kind in "iu" and any((x < 0).any() for x in arrays):
            raise NotCarried("a quotient of negative integers")

    def _reference(self, proto: Any, arrays: Sequence[Array | None]) -> Sequence[Array]:
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(proto, opsets={"": self._opset})
        named = {name: x for name, x in zip(proto.input, arrays, strict=True) if x is not None}
        with np.errstate(all="ignore"):
            return [np.asarray(x) for x in evaluator.run(None, named)]


def _elements(proto: Any, arrays: Sequence[Array | None]) -> int:
    """A bound of the number of elements of a node's outputs."""
    op, given = proto.op_type, [x for x in arrays if x is not None]
    first, total = given[0], sum(x.size for x in given)
    if op in ("Expand", "Tile", "ConstantOfShape"):
        sizes = [max(int(n), 1) for n in given[-1].reshape(-1)]
        total = prod(sizes) * (1 if op == "ConstantOfShape" else first.size)
    elif op == "Range":
        start, stop, step = (float(x.reshape(-1)[0]) for x in given)
        total = int(max(0.0, (stop - start) / step)) + 1 if step else 0
    elif op == "Pad":
        attributes = {a.name: a for a in proto.attribute}
        pads = given[1].reshape(-1) if len(given) > 1 else np.array(attributes["pads"].ints)
        total = prod(n + int(np.abs(pads).sum()) for n in first.shape)
    elif op == "Gather":
        total = first.size * max(given[1].size, 1)
    elif op not in _MOVES:
        with suppress(ValueError):
            total = prod(np.broadcast_shapes(*(x.shape for x in given)))
    return total
