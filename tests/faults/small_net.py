"""A backbone that is loaded by name and costs a millisecond, and a gate that holds a run in it.

Named as ``py:small_net:SmallNet``. Its weights follow from the specification's generator.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import torch

from biobench.decode.recipe import Recipe
from biobench.spec.generator import Stream

GATE = "FAULTS_GATE"
"""Variable with a folder. A forward pass writes ``reached`` there and waits for ``open``."""
SIDE = 24


class SmallNet(torch.nn.Module):
    """Twelve filters over cells of 6 x 6 pixels, each averaged over the image: 12 numbers."""

    stream = "small-net"

    def __init__(self) -> None:
        super().__init__()
        # No table of torchvision, whose import costs as much as the rest of a run.
        table = np.tile(np.arange(256, dtype="<f4") / np.float32(255), (3, 1))
        self.recipe = Recipe(
            mode="squash",
            size=(SIDE, SIDE),
            long_side="floor",
            filter="bilinear",
            crop=(SIDE, SIDE),
            crop_rounding="half-even",
            pad=(0, 0, 0),
            mean=(0.0, 0.0, 0.0),
            std=(1.0, 1.0, 1.0),
            table_bytes=table.tobytes(),
        )
        self.cells = torch.nn.Conv2d(3, 12, 6, 6)
        with torch.no_grad():
            for name, weight in self.named_parameters():
                draws = Stream(1, f"{self.stream}/{name}").integers(2001, weight.numel())
                values = (draws.astype(np.float32) / 1000 - 1) / 10
                weight.copy_(torch.from_numpy(values.reshape(tuple(weight.shape))))

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        """float32 (N, 3, 24, 24) -> float32 (N, 12)."""
        gate = os.environ.get(GATE)
        # A pass of the main thread is none of a run's: it makes the model's fingerprint.
        if gate and threading.current_thread() is not threading.main_thread():
            wait(Path(gate))
        found: torch.Tensor = torch.relu(self.cells(batch)).mean(dim=(2, 3))
        return found


class OtherNet(SmallNet):
    """The same network with other weights."""

    stream = "other-net"


def wait(gate: Path, limit_s: float = 60) -> None:
    """Say that the gate was reached, and wait until it is opened."""
    (gate / "reached").touch()
    end = time.monotonic() + limit_s
    while not (gate / "open").exists() and time.monotonic() < end:
        time.sleep(0.005)
