"""A program as a document: operations, shapes with a symbol for the batch, constants by digest.

In: operations, one after the other. Out: the JSON value that SPEC.md, section "Programs",
describes, and the bytes of its constants.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.spec.canonical import sha256_bytes

SCHEMA = "biobench.program/1"
_TYPES = {np.dtype(np.float32): "float32", np.dtype(np.int64): "int64"}


@dataclass(frozen=True)
class Dim:
    """A dimension: ``factor``, or ``factor`` times the batch."""

    factor: int
    batch: bool = False

    def __mul__(self, other: Dim) -> Dim:
        return Dim(self.factor * other.factor, self.batch or other.batch)

    def written(self) -> int | str:
        """As the document has it: ``3``, ``"b"``, ``"64b"``."""
        if not self.batch:
            return self.factor
        return "b" if self.factor == 1 else f"{self.factor}b"


ONE = Dim(1)
Shape = tuple[Dim, ...]


def size_of(shape: Sequence[Dim]) -> Dim:
    """The number of elements."""
    return Dim(prod(dim.factor for dim in shape), any(dim.batch for dim in shape))


@dataclass(frozen=True)
class Reference:
    """The input, a constant or the output of an operation, as the document names it."""

    name: str
    shape: Shape


def float_bits(value: float) -> str:
    """A float32 as its bits, eight hexadecimal digits."""
    return struct.pack(">f", value).hex()


class Builder:
    """Collects the operations and constants of one program."""

    def __init__(self, input_shape: Shape) -> None:
        self.input = Reference("input", input_shape)
        self.data: dict[str, bytes] = {}
        """Little-endian bytes of each constant by its digest."""
        self._constants: dict[tuple[str, tuple[int, ...], str], Reference] = {}
        self._operations: list[dict[str, Any]] = []

    def constant(self, array: npt.NDArray[Any]) -> Reference:
        """A constant of float32 or int64; equal ones are one."""
        kind = _TYPES[array.dtype]
        data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
        key = sha256_bytes(data), array.shape, kind
        if key not in self._constants:
            shape = tuple(Dim(size) for size in array.shape)
            self._constants[key] = Reference(f"c{len(self._constants)}", shape)
            self.data[key[0]] = data
        return self._constants[key]

    def operation(
        self,
        name: str,
        inputs: Mapping[str, Reference | Sequence[Reference] | None],
        shape: Shape,
        **attributes: Any,
    ) -> Reference:
        """Append an operation; an input of None is left out."""
        given = {
            key: value.name if isinstance(value, Reference) else [item.name for item in value]
            for key, value in inputs.items()
            if value is not None
        }
        self._operations.append(
            {
                "operation": name,
                "inputs": given,
                "attributes": attributes,
                "shape": [dim.written() for dim in shape],
            }
        )
        return Reference(f"v{len(self._operations) - 1}", shape)

    def document(self, output: Reference) -> dict[str, Any]:
        """The whole program."""
        constants = [
            {"digest": digest, "shape": list(shape), "type": kind}
            for digest, shape, kind in self._constants
        ]
        return {
            "schema": SCHEMA,
            "input": [dim.written() for dim in self.input.shape],
            "constants": constants,
            "operations": self._operations,
            "output": output.name,
        }
