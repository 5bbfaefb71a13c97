"""Backbones for tests of the flow that are real and small."""

from __future__ import annotations

import numpy as np
import torch

from biobench.decode.recipe import Recipe
from biobench.models.base import ModelInfo


class MeanColour:
    """A real if humble backbone: mean and spread of each colour channel over a grid of cells."""

    def __init__(self) -> None:
        table = np.tile(np.arange(256, dtype="<f4") / np.float32(255), (3, 1))
        self.recipe = Recipe(
            mode="squash",
            size=(32, 32),
            long_side="floor",
            filter="bilinear",
            crop=(32, 32),
            crop_rounding="half-even",
            pad=(0, 0, 0),
            mean=(0.0, 0.0, 0.0),
            std=(1.0, 1.0, 1.0),
            table_bytes=table.tobytes(),
        )
        self.info = ModelInfo(
            name="mean-colour",
            resolved="py:tests:MeanColour",
            source="python",
            revision=None,
            licence=None,
            weights="sha256:" + "0" * 64,
            feature="image_embedding",
            dim=48,
            parameters=0,
            pinned=False,
            trusted=False,
            fingerprint="sha256:" + "0" * 64,
        )

    def to(self, device: str) -> None:
        assert device == "cpu"

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(batch, 4).flatten(1)
