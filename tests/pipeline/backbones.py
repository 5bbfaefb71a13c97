"""Backbones for tests of the flow that are real and small."""

from __future__ import annotations

from dataclasses import replace

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


class Grid(MeanColour):
    """Mean colours of a grid of ``side`` by ``side`` cells; the recipe is that of all."""

    def __init__(self, side: int, *, size: int = 32) -> None:
        super().__init__()
        self.side = side
        self.calls = 0
        self.info = replace(
            self.info,
            name=f"grid-{side}-{size}",
            resolved=f"py:tests:Grid{side}",
            weights="sha256:" + f"{side:064x}",
            dim=3 * side * side,
        )
        self.recipe = replace(self.recipe, size=(size, size), crop=(size, size))

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return torch.nn.functional.adaptive_avg_pool2d(batch, self.side).flatten(1)


class Breaks(Grid):
    """Fails at a pass, with an error or with Ctrl-C."""

    def __init__(self, side: int, error: BaseException, after: int = 2) -> None:
        super().__init__(side)
        self.error, self.after = error, after

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        if self.calls >= self.after:
            raise self.error
        return super().embed(batch)
