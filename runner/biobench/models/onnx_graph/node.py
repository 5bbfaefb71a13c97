"""A node while it is lowered: its operands and attributes, asked for by name or place.

In: a node of the file. Out: operands of the engine's operations. What no rule asks for is refused,
so that nothing in a file is passed over in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.models.onnx_graph.per_batch import PerBatch, integers
from biobench.models.program.document import ONE, Dim, Shape
from biobench.models.program.lowering import Lowering, NotCarried, Operand
from biobench.models.program.values import Value

Array = npt.NDArray[Any]
Rule = Callable[["Node"], Any]
RULES: dict[str, Rule] = {}
"""By the name of an operator of ONNX what lowers it."""
MOST_NUMBERS = 1 << 24
"""Of a constant that a rule writes by itself, such as the places along an axis."""
INFERENCE = frozenset({"momentum", "spatial", "seed"})
"""Attributes that matter in training alone."""


def lowers(*names: str) -> Callable[[Rule], Rule]:
    """Register the rule of operators of ONNX."""

    def register(rule: Rule) -> Rule:
        for name in names:
            RULES[name] = rule
        return rule

    return register


class Node:
    """A node with its operands.

    Attributes:
        lowering: The program so far.
        op: Its operator.
        opset: The version of the operators.
        operands: A value, an array, or None for one that is left out.
        outputs: The number of its outputs, also of those that nothing reads.
        made_open: True where the file states a batch of one and the program takes any.
    """

    def __init__(
        self,
        lowering: Lowering,
        proto: Any,
        opset: int,
        operands: Sequence[Operand],
        *,
        made_open: bool,
    ) -> None:
        self.lowering = lowering
        self.op: str = proto.op_type
        self.opset = opset
        self.operands = list(operands)
        self.outputs = len(proto.output)
        self.made_open = made_open
        self._attributes = {attribute.name: attribute for attribute in proto.attribute}
        self._asked: set[str] = set()
        self._read = 0

    def finish(self) -> None:
        """Refuse operands and attributes that the rule did not ask for."""
        strange = sorted(self._attributes.keys() - self._asked - INFERENCE)
        if strange:
            raise NotCarried(f"the attribute {strange[0][:40]!a}")
        if any(x is not None for x in self.operands[self._read :]):
            raise NotCarried(f"its input {self._read}")

    def operand(self, place: int) -> Operand:
        """An operand; None where it is left out."""
        self._read = max(self._read, place + 1)
        return self.operands[place] if place < len(self.operands) else None

    def all(self) -> list[Operand]:
        """All operands."""
        self._read = len(self.operands)
        return self.operands

    def value(self, place: int) -> Value:
        """An operand as a value; a constant becomes one of the program's."""
        found = self.operand(place)
        if found is None:
            raise NotCarried(f"no input {place}")
        if isinstance(found, PerBatch):
            raise NotCarried("numbers that differ between batches")
        return self.lowering.value(found)

    def constant(self, place: int) -> Array:
        """An operand that has to be known when the program is made."""
        found = self.optional(place)
        if found is None:
            raise NotCarried(f"no input {place}")
        return found

    def optional(self, place: int) -> Array | None:
        """As :meth:`constant`, or None."""
        found = self.operand(place)
        if found is None or isinstance(found, np.ndarray):
            return found
        raise NotCarried(f"an input {place} that depends on the image, where a constant is needed")

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute: a number, text, or a list of numbers."""
        from onnx import helper

        self._asked.add(name)
        if name not in self._attributes:
            return default
        found = helper.get_attribute_value(self._attributes[name])
        if isinstance(found, bytes):
            return found.decode("ascii", "replace")
        return list(found) if isinstance(found, Sequence) else found

    def numbers(self, name: str, place: int) -> list[int] | None:
        """Integers that are an attribute in earlier versions and an operand in later ones; None
        where neither is there."""
        stated = self.attribute(name)
        if stated is not None:
            return [int(n) for n in stated]
        given = self.operand(place)
        return None if given is None else integers(given)

    def scalar(self, place: int) -> float | None:
        """An operand of one number; None where it is left out."""
        found = self.optional(place)
        if found is None:
            return None
        if found.size != 1:
            raise NotCarried(f"an input {place} of {found.size} numbers")
        return float(found.reshape(-1)[0])

    def require_small(self, count: int) -> None:
        """Raise NotCarried for a constant that no number of the file accounts for."""
        self.require(count <= MOST_NUMBERS, f"a constant of {count:,} numbers")

    def require(self, holds: bool, reason: str) -> None:
        """Raise NotCarried with a reason unless it holds."""
        if not holds:
            raise NotCarried(reason)


def broadcast(a: Shape, b: Shape) -> Shape:
    """The shape of two that are aligned at their ends.

    Raises:
        NotCarried: The shapes do not fit, or would set images beside each other.
    """
    rank = max(len(a), len(b))
    left, right = ((ONE,) * (rank - len(x)) + x for x in (a, b))
    found = []
    for x, y in zip(left, right, strict=True):
        if x not in (y, ONE) and y != ONE:
            raise NotCarried("shapes that cannot be broadcast")
        found.append(y if x == ONE else x)
    if sum(dim.batch for dim in found) > 1:
        raise NotCarried("images of a batch beside each other")
    return tuple(found)


def shape_of(operand: Operand) -> Shape:
    """The shape of a value or a constant."""
    if isinstance(operand, Value):
        return operand.shape
    if isinstance(operand, np.ndarray):
        return tuple(Dim(size) for size in operand.shape)
    raise NotCarried("numbers that differ between batches")


def axis_of(axis: int, rank: int) -> int:
    """An axis from 0 on; NotCarried beyond the rank."""
    if not -rank <= axis < rank:
        raise NotCarried(f"the axis {axis} of {rank}")
    return axis % rank
