"""Training of the linear probe (SPEC.md, section "Linear probe").

In: normalised rows, label ids and initial values. Out: the trained layer, with the affine part of
the normalisation folded in. On the CPU the exact engine computes it, to the bit as specified; on
CUDA torch does. definition.py is an independent definition, by automatic differentiation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from biobench._common.exact_engine import engine
from biobench._native import Head
from biobench.probe.exact_head import ExactHead, adamw
from biobench.probe.gradient_descent import Float32, check_finite, descend
from biobench.probe.training_plan import TrainingPlan


def train(
    probe: TrainingPlan,
    rows: Float32,
    ids: npt.NDArray[np.int64],
    weight: Float32,
    bias: Float32,
) -> tuple[Float32, Float32]:
    """Take ``probe.steps`` steps from the initial weight and bias.

    Args:
        probe: The plan.
        rows: Normalised features, float32 (n, d).
        ids: Label ids, int64 (n,).
        weight: Initial weight, float32 (classes, d).
        bias: Initial bias, float32 (classes,).

    Returns:
        W gamma, float32 (classes, d), and W beta + b, float32 (classes,), on the CPU.

    Raises:
        ModelError: The values stop being finite.
        ArgumentError: The plan asks for CUDA and there is none.
    """
    if probe.device == "cuda":
        from biobench.probe.linear_probe import torch_training

        folded, offset = torch_training.train(probe, rows, ids, weight, bias)
    else:
        threads = engine(probe.threads)
        rows = np.ascontiguousarray(rows)
        affine = np.ones(rows.shape[1], np.float32), np.zeros(rows.shape[1], np.float32)
        head = Head.linear(threads, weight, affine, bias, ids, adamw(probe))
        descend(ExactHead(probe, threads, head, rows), probe, len(rows))
        folded, offset = head.folded(threads)
    check_finite("linear probe", folded, offset)
    return folded, offset
