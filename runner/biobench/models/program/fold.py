"""Constant folding: parts that depend on no image are computed once, when a program is made.

Moving data about, integers, and single IEEE operations have the same bits in every version of torch
and on every processor, so torch computes them. Functions that libraries compute differently are
refused here unless the engine has its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from biobench.models.program.lowering import NotCarried

EXACT = frozenset({
    "view", "reshape", "permute", "transpose", "expand", "slice", "select", "index", "unsqueeze",
    "squeeze", "flatten", "unflatten", "contiguous", "clone", "alias", "cat", "stack", "unbind",
    "chunk", "split", "split_with_sizes", "repeat", "tile", "roll", "pad", "arange", "zeros",
    "ones", "full", "full_like", "zeros_like", "ones_like", "meshgrid", "to", "_to_copy",
    "type_as", "detach", "add", "sub", "mul", "div", "neg", "rsub", "floor_divide", "sqrt", "eq",
    "ne", "ge", "gt", "le", "lt", "logical_not", "where", "masked_fill", "embedding", "expand_as",
    "new_zeros", "new_ones", "scalar_tensor", "lift_fresh_copy", "detach_", "t", "numpy_T"
})  # fmt: skip
"""Operators whose results have one value by IEEE 754, or that move data."""


def folded(target: Any, name: str, operands: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """The result of an operator on constants: arrays, or a list of them."""
    import torch

    short = name.removeprefix("aten.").partition(".")[0]
    if short.startswith("_assert"):
        return None
    if short not in EXACT:
        raise NotCarried(f"a constant computed by {name}, whose bits are a library's")

    def tensor(operand: Any) -> Any:
        if isinstance(operand, np.ndarray):
            return torch.from_numpy(operand)
        return [tensor(item) for item in operand] if isinstance(operand, list) else operand

    given = {key: tensor(value) for key, value in options.items()}
    found = target(*(tensor(operand) for operand in operands), **given)
    if isinstance(found, torch.Tensor):
        return found.contiguous().numpy()
    return [item.contiguous().numpy() for item in found]
