"""Inputs of the self test that every machine makes alike.

In: names of streams of the specification's generator. Out: features with labels, and weights, by
single roundings of sums and products, so that no library's order of additions enters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from biobench.spec.generator import Stream

if TYPE_CHECKING:
    import torch

SEED = 17
"""The suite's seed; streams of the self test begin with ``selftest/`` and score nothing."""
_OVERLAP = 0.2
"""Spread of the class centres against that of the rows: probes get most rows right, not all."""


@dataclass(frozen=True, eq=False)
class LabelledFeatures:
    """Train and test features, float32 (rows, dim), with labels int64 (rows,)."""

    train: npt.NDArray[np.float32]
    train_labels: npt.NDArray[np.int64]
    test: npt.NDArray[np.float32]
    test_labels: npt.NDArray[np.int64]


def _centred(stream: str, count: int) -> npt.NDArray[np.float64]:
    return 2.0 * Stream(SEED, f"selftest/{stream}").floats(count).astype(np.float64) - 1.0


def labelled_features(train: int, test: int, dim: int, classes: int) -> LabelledFeatures:
    """Rows that spread around the centre of their class, classes taking turns."""
    rows = train + test
    labels = np.arange(rows, dtype=np.int64) % classes
    centres = _centred("centres", classes * dim).reshape(classes, dim)
    noise = _centred("noise", rows * dim).reshape(rows, dim)
    features = (_OVERLAP * centres[labels] + noise).astype(np.float32)
    return LabelledFeatures(features[:train], labels[:train], features[train:], labels[train:])


def fill_weights(module: torch.nn.Module, stream: str) -> None:
    """Give every parameter and buffer of a network values that keep its activations moderate.

    Matrices and kernels are uniform with variance 1 / inputs; of vectors, scales lie around 1 and
    the rest around 0. Tensor t takes the stream ``selftest/<stream>/<name of t>``.
    """
    import torch

    state = module.state_dict()
    for name in sorted(state):
        tensor = state[name]
        if not tensor.is_floating_point():
            continue
        values = _centred(f"{stream}/{name}", tensor.numel())
        if tensor.dim() > 1:
            values *= (3.0 / tensor.shape[1:].numel()) ** 0.5
        elif name.endswith(("weight", "running_var", "gamma")):
            values = 1.0 + 0.1 * values
        else:
            values *= 0.1
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(values.astype(np.float32)).reshape(tensor.shape))
