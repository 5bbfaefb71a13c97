"""Answers on the plan of a training by gradient descent (SPEC.md, sections 10.1 and 10.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biobench.probe.training_plan import TrainingPlan, batches


def batches_of_epochs(plan: TrainingPlan, given: Mapping[str, Any]) -> Any:
    """The batches of the ``epochs`` that the input names, of its number of ``rows``."""
    epochs = [
        batches(plan.seed, plan.stream, given["rows"], plan.batch_size, epoch)
        for epoch in given["epochs"]
    ]
    return {"epochs": [[batch.tolist() for batch in epoch] for epoch in epochs]}


def rates_of_steps(plan: TrainingPlan, given: Mapping[str, Any]) -> Any:
    """The learning rate at each of the ``steps`` that the input names."""
    return {"rates": [plan.rate(step) for step in given["steps"]]}
