"""From a torch module to a graph of operators, by ``torch.export`` before any decomposition.

In: a module and the function that takes its features. Out: the exported graph, whose batch is a
symbol, with the tensors that it names. docs/decisions/exact-engine.md says why this form was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biobench.models.program.computed import exact_tables
from biobench.models.program.document import Dim, Shape
from biobench.models.program.lowering import NotCarried

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Graph:
    """Nodes in order, the tensors of its placeholders by node name, and the name of the images."""

    nodes: tuple[Any, ...]
    tensors: Mapping[str, torch.Tensor]
    images: str


def capture(
    module: torch.nn.Module,
    forward: Callable[[torch.Tensor], torch.Tensor],
    size: tuple[int, int],
) -> Graph:
    """The graph of ``forward``, which uses ``module``, for images of ``size`` (rows, columns).

    Raises:
        NotCarried: It reads numbers that a library computed when it built the model.
        Exception: Whatever torch raises where it cannot trace the forward pass.
    """
    import torch

    class Features(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return forward(images)

    example = torch.zeros(2, 3, *size)
    # Bounded above, as torch 2.6 refuses a batch that may be the integer at which slices end.
    batch = torch.export.Dim("b", min=1, max=1 << 30)
    with torch.no_grad(), exact_tables(module) as exact:
        exported = torch.export.export(
            Features().eval(),
            (example,),
            dynamic_shapes=({0: batch},),
            strict=False,
        )
    signature = exported.graph_signature
    state = {**exported.state_dict, **exported.constants}
    named = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    tensors = {node: state[name].detach() for node, name in named.items()}
    read = {node.name for node in exported.graph.nodes if node.users}
    for node, name in signature.inputs_to_buffers.items():
        own = name.removeprefix("module.")
        if node in read and name in signature.non_persistent_buffers and own not in exact:
            _refuse_computed(own, tensors[node])
    (images,) = signature.user_inputs
    return Graph(tuple(exported.graph.nodes), tensors, str(images))


def _refuse_computed(name: str, tensor: torch.Tensor) -> None:
    """Refuse a buffer that no checkpoint holds, unless it is of integers, such as a mask: whatever
    library computed those, they are the same."""
    import torch

    if tensor.is_floating_point() and not torch.equal(tensor, tensor.round()):
        raise NotCarried(f"{name}, which a library computes when it builds the model")


def shape_of(tensor: Any) -> Shape:
    """The shape of a traced tensor, with the batch as a symbol."""
    return tuple(dim_of(size) for size in tensor.shape)


def example_size(stated: Any) -> int | None:
    """The size that the example has where torch states a symbol; None for what is no size."""
    return int(stated.node.hint) if hasattr(stated, "node") else None


def dim_of(size: Any) -> Dim:
    """A size of a traced tensor: a number, or a number times the batch.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(size, int):
        return Dim(size)
    expression = size.node.expr
    (symbol,) = expression.free_symbols or (None,)
    if symbol is None:
        return Dim(int(expression))
    factor = expression / symbol
    if not factor.is_Integer:
        raise ValueError(f"a size of {expression}")
    return Dim(int(factor), batch=True)
