"""The constants, layers and dropout of a training of the traits network (SPEC.md, "Traits
network").

In: a seed and the name of a stream. Out: the factors of dropout, the same in any language.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from biobench.probe.gradient_descent import Float32
from biobench.probe.training_plan import TrainingPlan
from biobench.spec.generator import Stream

Layers = tuple[Float32, Float32, Float32, Float32]
"""Weight and bias of the first layer, then of the second."""


class TraitsPlan(TrainingPlan, Protocol):
    """Constants of a traits network, and its layers once it is fitted."""

    hidden: int
    dropout: float
    activation: str
    hidden_weight_: Float32
    hidden_bias_: Float32
    output_weight_: Float32
    output_bias_: Float32


def dropout_mask(probe: TraitsPlan, step: int, first: int, rows: int) -> Float32:
    """Factors of the hidden units of the batch's positions ``first`` to ``first + rows - 1``.

    float32 (rows, hidden): 0 where unit i of position r is dropped, which the float at position r
    hidden + i of stream ``<stream>/dropout/<step>`` decides, else 1 / (1 - dropout).
    """
    stream = Stream(probe.seed, f"{probe.stream}/dropout/{step}")
    u = stream.floats(rows * probe.hidden, first * probe.hidden).astype(np.float64)
    kept = np.float32(1.0 / (1.0 - probe.dropout))
    return np.where(u < probe.dropout, np.float32(0), kept).reshape(rows, probe.hidden)
