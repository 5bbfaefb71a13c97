"""Elementwise functions as torch computes them on the CPU.

In: a grid of float32 numbers. Out: the value of every function that a network may apply to each
number by itself. No network of the self test passes through all of them, and what computes them is
MKL's vector mathematics, which has a setting of its own.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from biobench.selftest.part import Conditions, Measured, Part
from biobench.spec.canonical import sha256_bytes, sha256_json

if TYPE_CHECKING:
    import torch

POINTS = 40_000
SAMPLES = 8
"""Values of each function that are recorded themselves, for the distance of others from them."""
_WHOLE = (
    "sin",
    "cos",
    "tan",
    "tanh",
    "sinh",
    "cosh",
    "atan",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "sigmoid",
)
_POSITIVE = ("sqrt", "rsqrt", "log", "log2", "log10", "log1p", "reciprocal")
_UNIT = ("asin", "acos", "erfinv")
_ACTIVATIONS = ("gelu", "silu", "softplus", "mish", "hardswish", "elu")


def _grids() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Points from -9 to 9, above 0 to 9, and inside -1 to 1, each one rounding of a quotient."""
    import torch

    steps = np.arange(1, POINTS + 1, dtype=np.float64)
    whole = 18.0 * (steps / (POINTS + 1)) - 9.0
    positive = 9.0 * (steps / (POINTS + 1))
    unit = 2.0 * (steps / (POINTS + 1)) - 1.0
    first, second, third = (
        torch.from_numpy(values.astype(np.float32)) for values in (whole, positive, unit)
    )
    return first, second, third


def _values() -> dict[str, Callable[[], torch.Tensor]]:
    import torch
    from torch.nn import functional

    whole, positive, unit = _grids()
    rows = whole.view(-1, 200)
    found: dict[str, Callable[[], torch.Tensor]] = {}
    for names, grid in ((_WHOLE, whole), (_POSITIVE, positive), (_UNIT, unit)):
        for name in names:
            found[name] = partial(getattr(torch, name), grid)
    for name in _ACTIVATIONS:
        found[name] = partial(getattr(functional, name), whole)
    found["gelu of tanh"] = partial(functional.gelu, whole, approximate="tanh")
    found["power"] = partial(torch.pow, positive, 1.7)
    found["square root as power"] = partial(torch.pow, positive, 0.5)
    found["softmax"] = partial(torch.softmax, rows, 1)
    found["layer norm"] = partial(functional.layer_norm, rows, (200,))
    found["rms norm"] = partial(functional.rms_norm, rows, (200,))
    found["l2 norm"] = partial(functional.normalize, rows)
    return found


def _measure(conditions: Conditions) -> Measured:
    import torch

    from biobench.embed.forward import deterministic

    with deterministic(), torch.inference_mode():
        found = {
            name: np.ascontiguousarray(value().numpy(), "<f4").reshape(-1)
            for name, value in _values().items()
        }
    digests = {name: sha256_bytes(values.tobytes()) for name, values in found.items()}
    samples = {
        name: base64.b64encode(values[:: POINTS // SAMPLES].tobytes()).decode()
        for name, values in found.items()
    }
    return Measured(sha256_json(digests), {"functions": digests, "samples": samples})


PARTS = (Part("features", "functions", "E2", ("torch",), _measure),)
