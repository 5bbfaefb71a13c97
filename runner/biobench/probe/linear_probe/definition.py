"""The linear probe's definition, by automatic differentiation (SPEC.md, section "Linear probe").

In: the same as training.train. Out: the same layer up to rounding. Slow and plain; tests
compare the production training with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from biobench.probe.autograd import descend

if TYPE_CHECKING:
    from biobench.probe.linear_probe.estimator import LinearProbe


def train(
    probe: LinearProbe,
    features: npt.NDArray[np.float32],
    ids: npt.NDArray[np.int64],
    weight: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    *,
    dtype: torch.dtype = torch.float64,
) -> torch.nn.Sequential:
    """Train LayerNorm and Linear by ``probe.steps`` steps of torch's AdamW.

    Args:
        probe: The plan.
        features: Features before normalisation, float32 (n, d).
        ids: Label ids, int64 (n,).
        weight: Initial weight, float32 (classes, d).
        bias: Initial bias, float32 (classes,).
        dtype: Of the computation.
    """
    x = torch.from_numpy(features).to(dtype)
    target = torch.from_numpy(ids)
    norm = torch.nn.LayerNorm(x.shape[1], eps=probe.normalisation_epsilon, dtype=dtype)
    linear = torch.nn.Linear(x.shape[1], len(weight), dtype=dtype)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(weight))
        linear.bias.copy_(torch.from_numpy(bias))
    model = torch.nn.Sequential(norm, linear)
    descend(
        probe,
        len(x),
        lambda step, batch: torch.nn.functional.cross_entropy(model(x[batch]), target[batch]),
        decayed=[linear.weight],
        others=[norm.weight, norm.bias, linear.bias],
    )
    return model
