"""The linear probe's definition, by automatic differentiation (SPEC.md, section "Linear probe").

In: the same as training.train. Out: the same layer up to rounding. Slow and plain; tests
compare the production training with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from biobench.probe.training_plan import batches

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
    """LayerNorm and Linear after ``probe.steps`` steps of torch's AdamW on raw ``features``."""
    x = torch.from_numpy(features).to(dtype)
    target = torch.from_numpy(ids)
    norm = torch.nn.LayerNorm(x.shape[1], eps=probe.normalisation_epsilon, dtype=dtype)
    linear = torch.nn.Linear(x.shape[1], len(weight), dtype=dtype)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(weight))
        linear.bias.copy_(torch.from_numpy(bias))
    model = torch.nn.Sequential(norm, linear)
    optimiser = torch.optim.AdamW(
        [
            {"params": [linear.weight], "weight_decay": probe.weight_decay},
            {"params": [norm.weight, norm.bias, linear.bias], "weight_decay": 0.0},
        ],
        lr=probe.learning_rate,
        betas=(probe.beta1, probe.beta2),
        eps=probe.epsilon,
    )
    step = epoch = 0
    while step < probe.steps:
        for batch in batches(probe.seed, probe.stream, len(x), probe.batch_size, epoch):
            if step == probe.steps:
                break
            for group in optimiser.param_groups:
                group["lr"] = probe.rate(step)
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x[batch]), target[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            step += 1
        epoch += 1
    return model
