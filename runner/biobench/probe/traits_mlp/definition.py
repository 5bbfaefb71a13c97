"""The traits network's definition, by automatic differentiation (SPEC.md, "Traits network").

In: the same as training.train. Out: the same layers up to rounding. Slow and plain; tests
compare the production training with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from biobench.probe.autograd import descend
from biobench.probe.traits_mlp.plan import Layers, dropout_mask

if TYPE_CHECKING:
    from biobench.probe.traits_mlp.estimator import TraitsProbe


def train(
    probe: TraitsProbe,
    features: npt.NDArray[np.float32],
    traits: npt.NDArray[np.float32],
    layers: Layers,
    *,
    dtype: torch.dtype = torch.float64,
) -> tuple[torch.nn.Linear, torch.nn.Linear]:
    """Train both layers by ``probe.steps`` steps of torch's AdamW.

    Args:
        probe: The plan.
        features: float32 (n, d).
        traits: float32 (n, traits) of 0 and 1.
        layers: Initial layers.
        dtype: Of the computation.
    """
    x = torch.from_numpy(features).to(dtype)
    target = torch.from_numpy(traits).to(dtype)
    hidden = torch.nn.Linear(x.shape[1], probe.hidden, dtype=dtype)
    output = torch.nn.Linear(probe.hidden, target.shape[1], dtype=dtype)
    with torch.no_grad():
        for parameter, values in zip(
            (hidden.weight, hidden.bias, output.weight, output.bias), layers, strict=True
        ):
            parameter.copy_(torch.from_numpy(values))

    def loss(step: int, batch: Any) -> torch.Tensor:
        units = hidden(x[batch])
        if probe.activation == "relu":
            units = torch.relu(units)
        if probe.dropout:
            units = units * torch.from_numpy(dropout_mask(probe, step, 0, len(batch)))
        return torch.nn.functional.binary_cross_entropy_with_logits(output(units), target[batch])

    descend(
        probe,
        len(x),
        loss,
        decayed=[hidden.weight, output.weight],
        others=[hidden.bias, output.bias],
    )
    return hidden, output
