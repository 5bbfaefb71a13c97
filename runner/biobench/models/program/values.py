"""Values of a torch graph while it is lowered: where their elements lie in a program's values.

torch moves axes about without moving data. A value here is a program's value and the order in which
torch sees its axes, so that a permutation costs an operation only where an operation needs another
layout: convolutions take channels last, attention takes heads beside width, and most graphs come
out with the one that turns the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.models.program.document import ONE, Builder, Dim, Reference, Shape, size_of


@dataclass(frozen=True)
class Value:
    """A value: axis i of torch's tensor is axis ``order[i]`` of ``reference``."""

    reference: Reference
    order: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        """The shape that torch sees."""
        return tuple(self.reference.shape[axis] for axis in self.order)

    @property
    def plain(self) -> bool:
        """True where torch's order of axes is the program's."""
        return self.order == tuple(range(len(self.order)))


def plain(reference: Reference) -> Value:
    """A value in the order of its reference."""
    return Value(reference, tuple(range(len(reference.shape))))


def in_order(builder: Builder, value: Value, order: Sequence[int]) -> Value:
    """``value`` with the given order of axes, permuted where it has another."""
    wanted = tuple(order)
    if value.order == wanted:
        return value
    # Axis a of the new reference is axis i of torch where wanted[i] == a.
    axes = [value.order[wanted.index(axis)] for axis in range(len(wanted))]
    shape = tuple(value.reference.shape[axis] for axis in axes)
    moved = builder.operation("permute", {"x": value.reference}, shape, axes=axes)
    return Value(moved, wanted)


def straight(builder: Builder, value: Value) -> Reference:
    """The reference of ``value`` with its axes as torch sees them."""
    return in_order(builder, value, range(len(value.order))).reference


def laid_out(array: npt.NDArray[Any], order: Sequence[int]) -> npt.NDArray[Any]:
    """A constant with leading axes of one, laid out as a value of this order."""
    full = array.reshape((1,) * (len(order) - array.ndim) + array.shape)
    return np.ascontiguousarray(full.transpose([order.index(axis) for axis in range(len(order))]))


def reshape(builder: Builder, value: Value, shape: Shape) -> Value:
    """torch's reshape; axes that stay together in the program's layout stay where they are."""
    if shape == value.shape:
        return value
    groups = None if value.plain else _groups(value.shape, shape)
    if groups is not None:
        placed = _placed(value, groups)
        if placed is not None:
            dims, order = placed
            return Value(builder.operation("reshape", {"x": value.reference}, dims), order)
    reference = straight(builder, value)
    return plain(builder.operation("reshape", {"x": reference}, shape))


_Group = tuple[list[int], list[Dim]]


def _groups(old: Shape, new: Shape) -> list[_Group] | None:
    """Axes of ``old`` with the dimensions of ``new`` that have as many elements, in order."""
    groups: list[_Group] = []
    i = k = 0
    while i < len(old) or k < len(new):
        axes: list[int] = []
        dims: list[Dim] = []
        while True:
            have, want = size_of([old[axis] for axis in axes]), size_of(dims)
            if axes and dims and have == want:
                break
            short = want.factor > have.factor or (want.batch and not have.batch)
            if (short or not axes) and i < len(old):
                axes.append(i)
                i += 1
            elif k < len(new):
                dims.append(new[k])
                k += 1
            elif i < len(old):
                axes.append(i)
                i += 1
            else:
                break
        if size_of([old[axis] for axis in axes]) != size_of(dims):
            return None
        groups.append((axes, dims))
    return groups


def _placed(value: Value, groups: Sequence[_Group]) -> tuple[Shape, tuple[int, ...]] | None:
    """The program's shape and the order of torch's axes after a reshape by groups; None where a
    group's axes do not lie side by side."""
    starts = []
    for axes, _ in groups:
        lie = [value.order[axis] for axis in axes]
        if not lie or lie != list(range(lie[0], lie[0] + len(lie))):
            return None
        starts.append(lie[0])
    shape: list[Dim] = []
    first: dict[int, int] = {}
    for number in sorted(range(len(groups)), key=starts.__getitem__):
        first[number] = len(shape)
        shape += groups[number][1]
    order = [
        first[number] + place
        for number, (_, dims) in enumerate(groups)
        for place in range(len(dims))
    ]
    return tuple(shape), tuple(order)


def with_axis(builder: Builder, value: Value, axis: int) -> Value:
    """A new axis of one before torch's ``axis``; the program's is its last but for the channels."""
    place = value.order[axis] if axis < len(value.order) else len(value.order)
    shape = (*value.reference.shape[:place], ONE, *value.reference.shape[place:])
    moved = [old + (old >= place) for old in value.order]
    order = (*moved[:axis], place, *moved[axis:])
    return Value(builder.operation("reshape", {"x": value.reference}, shape), order)


def without_axis(builder: Builder, value: Value, axis: int) -> Value:
    """Without torch's ``axis``, which has one element."""
    place = value.order[axis]
    shape = (*value.reference.shape[:place], *value.reference.shape[place + 1 :])
    rest = value.order[:axis] + value.order[axis + 1 :]
    order = tuple(old - (old > place) for old in rest)
    return Value(builder.operation("reshape", {"x": value.reference}, shape), order)
