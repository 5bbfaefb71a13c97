"""From an ONNX graph to a program of exact operations.

In: a graph that was read and checked. Out: a program and its constants. Each operator has one rule,
which the modules beside this one register; what depends on no image is computed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from biobench.models.onnx_graph import (  # noqa: F401 - they register rules
    elementwise,
    layers,
    moves,
    reductions,
)
from biobench.models.onnx_graph.elementwise import expanded
from biobench.models.onnx_graph.node import RULES, Node
from biobench.models.onnx_graph.per_batch import Folder, PerBatch, of_shape, repeated
from biobench.models.onnx_graph.read import OnnxGraph, printable
from biobench.models.program.document import Dim, Shape, size_of
from biobench.models.program.lowering import Lowering, NotCarried, Operand, as_float
from biobench.models.program.values import Value, plain

MOST_ELEMENTS = 1 << 31
"""Of a value of one image, as the engine has it."""
SPARE_BYTES = 64 << 20
BYTES_PER_STORED_BYTE = 8
"""Constants that are computed may take so many bytes for each of the weights', and some more."""


def lower(graph: OnnxGraph, images: tuple[int, int]) -> tuple[dict[str, Any], Mapping[str, bytes]]:
    """The program of a graph for images of a size (rows, columns), and its constants by digest.

    Raises:
        NotCarried: The engine lacks a node; names the first.
    """
    shape = (Dim(1, batch=True), Dim(3), *(Dim(side) for side in images))
    lowering = Lowering(shape)
    stored = sum(array.nbytes for array in graph.tensors.values())
    walk = Walk(lowering, graph.opset, BYTES_PER_STORED_BYTE * stored + SPARE_BYTES,
                made_open=graph.shape[0] == 1)  # fmt: skip
    results: dict[str, Any] = dict(graph.tensors)
    results[graph.input] = plain(lowering.builder.input)
    for proto in graph.nodes:
        walk.node(proto, results)
    found = results.get(graph.output)
    if not isinstance(found, Value):
        raise NotCarried("an output that does not depend on the images")
    if len(found.shape) != 2 or found.shape[0] != Dim(1, batch=True) or found.shape[1].batch:
        stated = ", ".join(str(dim.written()) for dim in found.shape)
        raise NotCarried(
            f"an output of shape ({stated}), and features are one row an image, (b, n)"
        )
    reference = lowering.straight(found)
    return lowering.builder.document(reference), lowering.builder.data


class Walk:
    """Lowers node after node."""

    def __init__(
        self, lowering: Lowering, opset: int, most_bytes: int, *, made_open: bool = False
    ) -> None:
        self._lowering = lowering
        self._opset = opset
        self._made_open = made_open
        self._folder = Folder(opset, most_bytes)

    def node(self, proto: Any, results: dict[str, Any]) -> None:
        """Add the outputs of a node to ``results``.

        Raises:
            NotCarried: The engine lacks the node; gives its name and operator.
        """
        try:
            operands = [_operand(name, results) for name in proto.input]
            found = self._outputs(proto, operands)
        except NotCarried as error:
            raise NotCarried(
                f"node {printable(proto.name)!r} ({printable(proto.op_type)}): {error}"
            ) from error
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Whatever numbers of a file that do not fit lead to.
            reason = (str(error).splitlines() or ["?"])[0]
            raise NotCarried(
                f"node {printable(proto.name)!r} ({printable(proto.op_type)}): does not fit its "
                f"inputs: {type(error).__name__}: {printable(reason)}"
            ) from error
        for name, output in zip(proto.output, found, strict=False):
            results[name] = output

    def _outputs(self, proto: Any, operands: list[Operand]) -> list[Operand]:
        op = proto.op_type
        if op in ("Shape", "Size") and isinstance(operands[0], Value):
            return [self._sizes(proto, operands[0].shape)]
        like = op == "CastLike" and isinstance(operands[1], Value)
        if like and isinstance(operands[0], np.ndarray):
            # The type of a value is float32.
            return [as_float(operands[0])]
        if not any(isinstance(x, Value) for x in operands):
            if self._folder.folds(op):
                return [self._repeated(x) for x in self._folder.run(proto, operands)]
            operands = [*map(self._as_value, operands[:1]), *operands[1:]]
        rule = RULES.get(op)
        if rule is None:
            raise NotCarried("the exact engine lacks this operator")
        node = Node(self._lowering, proto, self._opset, operands, made_open=self._made_open)
        found = rule(node)
        node.finish()
        outputs = found if isinstance(found, list) else [found]
        for value in outputs:
            _check(value.shape)
        return outputs

    def _repeated(self, operand: Operand) -> Operand:
        """A table that is repeated for each image as a value; other results as they are."""
        floating = isinstance(operand, PerBatch) and operand.arrays[0].dtype == np.float32
        return expanded(self._lowering, *repeated(operand)) if floating else operand

    def _as_value(self, operand: Operand) -> Operand:
        floating = isinstance(operand, np.ndarray) and operand.dtype == np.float32
        return self._lowering.value(operand) if floating else operand

    def _sizes(self, proto: Any, shape: Shape) -> Any:
        """The sizes of a value, or their product."""
        attributes = {attribute.name: attribute.i for attribute in proto.attribute}
        if proto.op_type == "Size":
            sizes = of_shape((size_of(shape),), made_open=self._made_open)
            if isinstance(sizes, PerBatch):
                return PerBatch(tuple(x.reshape(()) for x in sizes.arrays))
            return sizes.reshape(())
        part = shape[attributes.get("start", 0) : attributes.get("end", len(shape))]
        return of_shape(part, made_open=self._made_open)


def _operand(name: str, results: Mapping[str, Any]) -> Operand:
    if not name:
        return None
    if name not in results:
        raise NotCarried(f"reads {printable(name)!r}, which nothing before it gives")
    return results[name]


def _check(shape: Shape) -> None:
    """Refuse values that the engine cannot hold."""
    size = size_of(shape).factor
    if size == 0:
        raise NotCarried("a result without elements")
    if size >= MOST_ELEMENTS:
        raise NotCarried(f"a result of {size:,} numbers, and 2^31 are too many")
