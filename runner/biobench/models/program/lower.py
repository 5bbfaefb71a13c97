"""From a graph of torch's operators to a program of exact operations.

In: a captured graph. Out: a program and its constants. Each operator has one rule, which the
modules beside this one register; what depends on no image is computed once and becomes a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from biobench.models.program import elementwise, layers, moves  # noqa: F401 - they register rules
from biobench.models.program.capture import Graph, example_size, shape_of
from biobench.models.program.fold import FoldRefused, folded
from biobench.models.program.lowering import RULES, Lowering, NotCarried, Operand, PerRow
from biobench.models.program.order import ordered
from biobench.models.program.values import Value, plain

__all__ = ["NotCarried", "lower"]


def lower(graph: Graph) -> tuple[dict[str, Any], Mapping[str, bytes]]:
    """The program of a graph, and its constants by digest.

    Raises:
        NotCarried: The engine lacks an operator; the first one is named.
    """
    results: dict[str, Any] = {}
    lowering: Lowering | None = None
    for node in graph.nodes:
        if node.op == "placeholder":
            if node.name == graph.images:
                lowering = Lowering(shape_of(node.meta["val"]), _masks(graph.nodes))
                results[node.name] = plain(lowering.builder.input)
            else:
                results[node.name] = graph.tensors[node.name].numpy()
        elif node.op == "call_function" and lowering is not None:
            results[node.name] = _node(lowering, node, results)
        elif node.op == "output" and lowering is not None:
            (output,) = node.args[0]
            reference = lowering.straight(results[output.name])
            document = ordered(lowering.builder.document(reference))
            data = lowering.builder.data
            return document, {one["digest"]: data[one["digest"]] for one in document["constants"]}
    raise NotCarried("a graph without an output")


def _node(lowering: Lowering, node: Any, results: Mapping[str, Any]) -> Any:
    name = str(node.target)
    arguments, options = _operands(node, results)
    lowering.stated = node.meta.get("val")
    if not name.startswith("aten.") or name.startswith("aten.sym_"):
        # Sizes are taken from what torch states for each result; constants are computed with those
        # of the example.
        if name == "<built-in function getitem>":
            return arguments[0][arguments[1]]
        return example_size(lowering.stated)
    if name.startswith("aten._assert"):
        return None
    if hasattr(lowering.stated, "shape"):
        lowering.shape = shape_of(lowering.stated)
        if any(dim.factor == 0 for dim in lowering.shape):
            # Such as the registers of a model that has none; only a concatenation may read them.
            return np.empty([dim.factor for dim in lowering.shape], np.float32)
    if not any(map(_depends, [*arguments, *options.values()])):
        known = _known(lowering, node, name, arguments, options)
        if known is not None:
            return known
        if _has_batch(lowering):
            # What is repeated along the batch is no constant.
            arguments = [lowering.value(x) if isinstance(x, np.ndarray) else x for x in arguments]
    arguments = [_map(_one_image, x) for x in arguments]
    options = {key: _map(_one_image, x) for key, x in options.items()}
    rule = RULES.get(name)
    if rule is None and "_." in name:
        # The in-place form has the same result; whoever names the old tensor later means it too.
        if any(node < user for user in node.args[0].users):
            raise NotCarried(f"{name} on a tensor that is used again")
        rule = RULES.get(name.replace("_.", ".", 1))
    if rule is None:
        raise NotCarried(f"the operator {name}")
    found = rule(lowering, *arguments, **options)
    if isinstance(found, Value) and found.shape != lowering.shape:
        raise NotCarried(f"{name} with another shape than torch states")
    return found


def _known(
    lowering: Lowering, node: Any, name: str, arguments: list[Any], options: dict[str, Any]
) -> Any:
    """The result of an operator that depends on no image; None where an operation of the program
    gives it."""
    numbers = [_map(lambda x: x.array if isinstance(x, PerRow) else x, x) for x in arguments]
    batch = _has_batch(lowering)
    if batch and lowering.stated.is_floating_point() and node not in lowering.masks:
        return None
    try:
        found = folded(node.target, name, numbers, options)
    except FoldRefused:
        if batch or name not in RULES:
            raise
        return None
    if not batch:
        return found
    axis = next(axis for axis, dim in enumerate(lowering.shape) if dim.batch)
    return PerRow(found, axis, lowering.shape[axis].factor)


def _masks(nodes: Sequence[Any]) -> frozenset[Any]:
    """Nodes that nothing but attention reads, and as its mask, also by way of other nodes."""
    found: set[Any] = set()
    for node in reversed(nodes):
        reads = [
            node not in user.args[:3] and node in (*user.args[3:4], user.kwargs.get("attn_mask"))
            if str(user.target) == "aten.scaled_dot_product_attention.default"
            else user in found
            for user in node.users
        ]
        if reads and all(reads):
            found.add(node)
    return frozenset(found)


def _has_batch(lowering: Lowering) -> bool:
    """True where the result is one tensor with the batch among its axes."""
    return hasattr(lowering.stated, "shape") and any(dim.batch for dim in lowering.shape)


def _map(function: Callable[[Any], Any], operand: Operand) -> Operand:
    """An operand, or each of a list of them, by a function."""
    if isinstance(operand, list):
        return [_map(function, item) for item in operand]
    return function(operand)


def _one_image(operand: Operand) -> Operand:
    return operand.one_image() if isinstance(operand, PerRow) else operand


def _depends(operand: Operand) -> bool:
    if isinstance(operand, list | tuple):
        return any(map(_depends, operand))
    return isinstance(operand, Value)


def _operands(node: Any, results: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The operands of a node, and its options by name."""

    def one(argument: Any) -> Any:
        if isinstance(argument, list | tuple):
            return [one(item) for item in argument]
        return results[argument.name] if hasattr(argument, "op") else argument

    return [one(argument) for argument in node.args], {
        key: one(value) for key, value in node.kwargs.items()
    }
