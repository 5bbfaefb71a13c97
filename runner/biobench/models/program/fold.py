"""Constant folding: parts that depend on no image are computed once, when a program is made.

Moving data about, integers, and single IEEE operations have the same bits in every version of torch
and on every processor, so torch computes them. Functions that libraries compute differently are the
engine's (SPEC.md, section "Constants of a model"), and others are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._native import cosines, interpolate, powers, sines
from biobench.models.program.lowering import NotCarried

EXACT = frozenset({
    "view", "reshape", "permute", "transpose", "expand", "slice", "select", "index", "unsqueeze",
    "squeeze", "flatten", "unflatten", "contiguous", "clone", "alias", "cat", "stack", "unbind",
    "chunk", "split", "split_with_sizes", "repeat", "tile", "roll", "pad", "arange", "zeros",
    "ones", "full", "full_like", "zeros_like", "ones_like", "meshgrid", "to", "_to_copy",
    "type_as", "detach", "add", "sub", "mul", "div", "neg", "rsub", "floor_divide", "sqrt", "eq",
    "ne", "ge", "gt", "le", "lt", "logical_not", "where", "masked_fill", "embedding", "expand_as",
    "clamp", "clamp_min", "clamp_max", "new_zeros", "new_ones", "scalar_tensor",
    "lift_fresh_copy", "detach_", "t", "numpy_T", "tensor_split",
})  # fmt: skip
"""Operators whose results have one value by IEEE 754, or that move data."""


Array = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]


def _each(function: Callable[[Doubles], Doubles], x: Array) -> Array:
    """A function of each element, in float64 and rounded to the type of ``x`` at the end."""
    flat = np.ascontiguousarray(x, np.float64).reshape(-1)
    return function(flat).reshape(x.shape).astype(x.dtype)


def _sin(x: Array) -> Array:
    return _each(sines, x)


def _cos(x: Array) -> Array:
    return _each(cosines, x)


def _power_of(base: float, exponents: Array) -> Array:
    return _each(lambda flat: powers(float(base), flat), exponents)


def _places(*bounds: float, dtype: Any = None, **_: Any) -> Array:
    """start + i step below an end, in float64 and rounded at the end."""
    start, end, step = {1: (0.0, *bounds, 1.0), 2: (*bounds, 1.0)}.get(len(bounds), bounds)
    if dtype is not None and "float32" not in str(dtype):
        raise NotCarried(f"a range of {dtype}")
    count = max(0, int(np.ceil((end - start) / step)))
    return (start + np.arange(count, dtype=np.float64) * step).astype(np.float32)


def _resize(filter: str, antialias: bool) -> Callable[..., Array]:
    def resize(x: Array, size: Any, align_corners: bool, scales: Any = None) -> Array:
        if align_corners or size is None or x.dtype != np.float32 or len(x) != 1:
            raise NotCarried("a resized constant of another form than one to a stated size")
        rows, columns = (int(side) for side in size)
        image = np.ascontiguousarray(x[0].transpose(1, 2, 0))
        found = interpolate(image, rows, columns, filter, antialias)
        return np.ascontiguousarray(found.transpose(2, 0, 1))[None]

    return resize


OWN: Mapping[str, Callable[..., Array]] = {
    "sin.default": _sin,
    "cos.default": _cos,
    "pow.Scalar": _power_of,
    "upsample_bilinear2d.vec": _resize("bilinear", antialias=False),
    "_upsample_bilinear2d_aa.vec": _resize("bilinear", antialias=True),
    "upsample_bicubic2d.vec": _resize("bicubic", antialias=False),
    "_upsample_bicubic2d_aa.vec": _resize("bicubic", antialias=True),
}
"""Operators that the engine computes."""


class FoldRefused(NotCarried):
    """An operator on constants of which neither torch nor the engine gives the bits."""


def folded(target: Any, name: str, operands: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """The result of an operator on constants: arrays, or a list of them."""
    import torch

    short = name.removeprefix("aten.").partition(".")[0]
    own = OWN.get(name.removeprefix("aten."))
    if own is not None:
        return own(*operands, **options)
    if short == "arange" and not all(isinstance(x, int) for x in operands):
        return _places(*operands, **options)
    if short not in EXACT:
        raise FoldRefused(f"a constant computed by {name}, whose bits are a library's")

    def tensor(operand: Any) -> Any:
        if isinstance(operand, np.ndarray):
            return torch.from_numpy(operand)
        return [tensor(item) for item in operand] if isinstance(operand, list) else operand

    given = {key: tensor(value) for key, value in options.items()}
    found = target(*(tensor(operand) for operand in operands), **given)
    if isinstance(found, torch.Tensor):
        return found.contiguous().numpy()
    return [item.contiguous().numpy() for item in found]
