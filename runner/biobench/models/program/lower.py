"""From a graph of torch's operators to a program of exact operations.

In: a captured graph. Out: a program and its constants. Each operator has one rule, which the modules
beside this one register; what depends on no image is computed once and becomes a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench.models.program.capture import Graph, shape_of
from biobench.models.program.document import Builder, Reference, Shape
from biobench.models.program.values import Value, laid_out, plain, straight

if TYPE_CHECKING:
    import torch

Constant = npt.NDArray[Any]
Operand = Any
"""A value, a constant, a number, None, or a list of them."""
Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}
"""By the name of an operator of torch what lowers it: called with the lowering and the operands."""


class NotCarried(Exception):
    """The exact engine lacks what a model needs; the text says what."""


def lowers(*names: str) -> Callable[[Rule], Rule]:
    """Register the rule of operators, such as ``linear.default``."""

    def register(rule: Rule) -> Rule:
        for name in names:
            RULES[f"aten.{name}"] = rule
        return rule

    return register


class Lowering:
    """One graph while it is lowered: the program so far, and what the current operator gives."""

    def __init__(self, images: Shape) -> None:
        self.builder = Builder(images)
        self.shape: Shape = ()
        """The shape that torch states for the result of the current operator."""
        self.stated: Any = None
        """What torch states for it: a traced tensor, or a list of them."""

    def value(self, operand: Operand) -> Value:
        """An operand as a value; a constant becomes one of the program's."""
        if isinstance(operand, Value):
            return operand
        if isinstance(operand, np.ndarray):
            return plain(self.builder.constant(as_float(operand)))
        raise NotCarried(f"a {type(operand).__name__} where a tensor is expected")

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


def lower(graph: Graph) -> tuple[dict[str, Any], Mapping[str, bytes]]:
    """The program of a graph, and its constants by digest.

    Raises NotCarried naming the first operator that the engine lacks.
    """
    from biobench.models.program import elementwise, fold, layers, moves  # noqa: F401 - rules

    results: dict[str, Any] = {}
    lowering: Lowering | None = None
    for node in graph.nodes:
        if node.op == "placeholder":
            if node.name == graph.images:
                lowering = Lowering(shape_of(node.meta["val"]))
                results[node.name] = plain(lowering.builder.input)
            else:
                results[node.name] = graph.tensors[node.name].numpy()
        elif node.op == "call_function" and lowering is not None:
            results[node.name] = _node(lowering, node, results)
        elif node.op == "output" and lowering is not None:
            (output,) = node.args[0]
            reference = lowering.straight(results[output.name])
            return lowering.builder.document(reference), lowering.builder.data
    raise NotCarried("a graph without an output")


def _node(lowering: Lowering, node: torch.fx.Node, results: Mapping[str, Any]) -> Any:
    from biobench.models.program.fold import folded

    name = str(node.target)
    arguments, options = _operands(node, results)
    lowering.stated = node.meta.get("val")
    if not name.startswith("aten.") or name.startswith("aten.sym_"):
        # Sizes are taken from what torch states for each result.
        if name == "<built-in function getitem>":
            return arguments[0][arguments[1]]
        return None
    if hasattr(lowering.stated, "shape"):
        lowering.shape = shape_of(lowering.stated)
    whole = [*arguments, *options.values()]
    if not any(map(_depends, whole)):
        if not any(dim.batch for dim in lowering.shape if hasattr(lowering.stated, "shape")):
            return folded(node.target, name, arguments, options)
        # What is repeated along the batch is no constant.
        arguments = [lowering.value(x) if isinstance(x, np.ndarray) else x for x in arguments]
    rule = RULES.get(name)
    if rule is None and "_." in name:
        # The in-place form has the same result; whoever names the old tensor later means it too.
        if any(not user.__lt__(node) and user is not node for user in node.args[0].users):
            raise NotCarried(f"{name} on a tensor that is used again")
        rule = RULES.get(name.replace("_.", ".", 1))
    if rule is None:
        raise NotCarried(f"the operator {name}")
    found = rule(lowering, *arguments, **options)
    if isinstance(found, Value) and found.shape != lowering.shape:
        raise NotCarried(f"{name} with another shape than torch states")
    return found


def _depends(operand: Operand) -> bool:
    if isinstance(operand, list | tuple):
        return any(map(_depends, operand))
    return isinstance(operand, Value)


def _operands(
    node: torch.fx.Node, results: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The operands of a node, and its options by name."""

    def one(argument: Any) -> Any:
        if isinstance(argument, list | tuple):
            return [one(item) for item in argument]
        return results[argument.name] if hasattr(argument, "op") else argument

    return [one(argument) for argument in node.args], {
        key: one(value) for key, value in node.kwargs.items()
    }
