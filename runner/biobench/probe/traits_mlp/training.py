"""Training of the traits network (SPEC.md, "Traits network").

In: features, traits and initial layers. Out: the trained layers. On the CPU the exact engine
computes them, to the bit as specified; on CUDA torch does. definition.py is an independent
definition, by automatic differentiation.
"""

from __future__ import annotations

import numpy as np

from biobench._common.exact_engine import engine
from biobench._native import Head
from biobench.probe.exact_head import ExactHead, adamw, outputs
from biobench.probe.gradient_descent import Float32, check_finite, descend
from biobench.probe.traits_mlp.plan import Layers, TraitsPlan, dropout_mask


def train(probe: TraitsPlan, rows: Float32, traits: Float32, layers: Layers) -> Layers:
    """Take ``probe.steps`` steps from the initial ``layers``.

    Args:
        probe: The plan.
        rows: Features, float32 (n, d).
        traits: float32 (n, traits) of 0 and 1.
        layers: Initial layers.

    Returns:
        The trained layers on the CPU.

    Raises:
        ModelError: The values stop being finite.
        ArgumentError: The plan asks for CUDA and there is none.
    """
    if probe.device == "cuda":
        from biobench.probe.traits_mlp import torch_training

        trained = torch_training.train(probe, rows, traits, layers)
    else:
        trained = _train(probe, np.ascontiguousarray(rows), np.ascontiguousarray(traits), layers)
    check_finite("traits network", *trained)
    return trained


def _train(probe: TraitsPlan, rows: Float32, traits: Float32, layers: Layers) -> Layers:
    threads = engine(probe.threads)
    relu = probe.activation == "relu"
    native = Head.traits(threads, layers, relu, traits, adamw(probe))

    def dropout(step: int, size: int) -> Float32:
        return dropout_mask(probe, step, 0, size)

    head = ExactHead(probe, threads, native, rows, dropout if probe.dropout else None)
    descend(head, probe, len(rows))
    parts = np.split(native.state()[0], np.cumsum([values.size for values in layers])[:-1])
    first, second, third, fourth = (
        part.reshape(values.shape) for part, values in zip(parts, layers, strict=True)
    )
    return first, second, third, fourth


def logits(probe: TraitsPlan, rows: Float32) -> Float32:
    """Logits of a trained probe, float32 (n, traits); a row's bits do not depend on the others."""
    relu, threads = probe.activation == "relu", probe.threads
    first, second = probe.hidden_weight_, probe.output_weight_
    units = outputs(rows, first, probe.hidden_bias_, threads=threads, relu=relu)
    return outputs(units, second, probe.output_bias_, threads=threads)
