"""Training by automatic differentiation and torch's AdamW: the definition of the trained probes.

In: a plan, parameters and a loss. Out: the parameters after the plan's steps. Slow and plain; tests
compare the production training of each protocol with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from biobench.probe.training_plan import TrainingPlan, batches


def descend(
    plan: TrainingPlan,
    rows: int,
    loss: Callable[[int, Any], torch.Tensor],
    *,
    decayed: Sequence[torch.Tensor],
    others: Sequence[torch.Tensor],
) -> None:
    """Take ``plan.steps`` steps over batches of ``rows`` rows.

    Args:
        plan: Constants of the training.
        rows: Number of rows.
        loss: The loss of a step, from its number and the row numbers of its batch.
        decayed: Parameters with weight decay.
        others: Parameters without weight decay.
    """
    optimiser = torch.optim.AdamW(
        [
            {"params": list(decayed), "weight_decay": plan.weight_decay},
            {"params": list(others), "weight_decay": 0.0},
        ],
        lr=plan.learning_rate,
        betas=(plan.beta1, plan.beta2),
        eps=plan.epsilon,
    )
    step = epoch = 0
    while step < plan.steps:
        for batch in batches(plan.seed, plan.stream, rows, plan.batch_size, epoch):
            if step == plan.steps:
                break
            for group in optimiser.param_groups:
                group["lr"] = plan.rate(step)
            optimiser.zero_grad()
            loss(step, batch).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            step += 1
        epoch += 1
