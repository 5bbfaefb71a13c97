"""State that the rules of all operators share: the program so far, and where rules are registered.

In: operands, which are values, constants or numbers. Out: references to a program's values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from biobench.models.program.document import Builder, Reference, Shape
from biobench.models.program.values import Value, laid_out, plain, straight

Constant = npt.NDArray[Any]
Operand = Any
"""A value, a constant, a number, None, or a list of them."""
Rule = Callable[..., Any]
Kept = TypeVar("Kept", bound=Rule)
RULES: dict[str, Rule] = {}
"""By the name of an operator of torch what lowers it: called with the lowering and the operands."""


class NotCarried(Exception):
    """The exact engine lacks what a model needs; the text says what."""


@dataclass(frozen=True)
class PerRow:
    """Numbers that depend on no image and have the batch as one of their axes: those of the
    example, such as a mask that a library repeats for each image."""

    array: Constant
    axis: int
    rows: int = 1
    """Of one image along the axis: as many as it has windows."""

    def one_image(self) -> Constant:
        """Those of one image: one row where all are alike.

        Raises:
            NotCarried: The images differ.
        """
        for rows in (1, self.rows):
            first = self.array.take(range(rows), axis=self.axis)
            times = [1] * self.array.ndim
            times[self.axis] = self.array.shape[self.axis] // rows
            if np.array_equal(np.tile(first, times), self.array):
                return first
        raise NotCarried("a constant that differs between the images of a batch")


def lowers(*names: str) -> Callable[[Kept], Kept]:
    """Register the rule of operators, such as ``linear.default``."""

    def register(rule: Kept) -> Kept:
        for name in names:
            RULES[f"aten.{name}"] = rule
        return rule

    return register


class Lowering:
    """One graph while it is lowered: the program so far, and what the current operator gives."""

    def __init__(self, images: Shape, masks: frozenset[Any] = frozenset()) -> None:
        self.builder = Builder(images)
        self.masks = masks
        """Nodes of the graph that only masks of attention are computed from."""
        self.shape: Shape = ()
        """The shape that torch states for the result of the current operator."""
        self.stated: Any = None
        """The statement of torch for it: a traced tensor, or a list of them."""

    def value(self, operand: Operand) -> Value:
        """An operand as a value; a constant becomes one of the program's."""
        if isinstance(operand, Value):
            return operand
        if isinstance(operand, np.ndarray):
            return plain(self.builder.constant(as_float(operand)))
        raise NotCarried(f"a {type(operand).__name__} where a tensor is expected")

    def alike(
        self,
        name: str,
        value: Value,
        inputs: Mapping[str, Reference | None] | None = None,
        **attributes: Any,
    ) -> Value:
        """Append an operation whose result has the shape and layout of ``value``, its input x."""
        reference = self.builder.operation(
            name, {"x": value.reference, **(inputs or {})}, value.reference.shape, **attributes
        )
        return Value(reference, value.order)

    def straight(self, operand: Operand) -> Reference:
        """An operand with its axes as torch sees them."""
        return straight(self.builder, self.value(operand))

    def like(self, operand: Operand, order: tuple[int, ...]) -> Reference:
        """An operand that is broadcast against a value of this order of axes."""
        if isinstance(operand, int | float):
            return self.builder.constant(np.float32(operand).reshape((1,) * len(order)))
        if isinstance(operand, np.ndarray) and operand.ndim <= len(order):
            return self.builder.constant(laid_out(as_float(operand), order))
        raise NotCarried("tensors of different layouts in one operation")


def as_float(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """A constant as float32; NotCarried where it holds what float32 cannot."""
    if array.dtype == np.bool_ or array.dtype.kind in "iu":
        array = array.astype(np.float64)
    found: npt.NDArray[np.float32] = array.astype(np.float32)
    if array.dtype != np.float32 and not np.array_equal(found.astype(array.dtype), array):
        raise NotCarried(f"a constant of {array.dtype} that float32 cannot hold")
    return found


def constant(operand: Operand) -> Constant:
    """An operand that has to be known when the program is made."""
    if not isinstance(operand, np.ndarray):
        raise NotCarried("a tensor that depends on the image where a constant is expected")
    return operand


def optional(operand: Operand) -> Constant | None:
    """As :func:`constant`, or None."""
    return None if operand is None else constant(operand)
