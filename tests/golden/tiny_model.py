"""A backbone for runs that must be quick: a transformer of two layers with generated weights."""

from __future__ import annotations

import torch
from timm.models.vision_transformer import VisionTransformer

from biobench.models.recipes import image_recipe
from biobench.selftest.inputs import fill_weights


class Tiny(torch.nn.Module):
    """Class token of a vision transformer on 48 x 48 pixels: 48 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.recipe = image_recipe(size=56, crop=48, mean=(0.5,), std=(0.25,))
        self.network = VisionTransformer(
            img_size=48, patch_size=8, embed_dim=48, depth=2, num_heads=3, num_classes=0
        )
        fill_weights(self.network, "tiny")

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        """float32 (N, 3, 48, 48) -> float32 (N, 48)."""
        embedding: torch.Tensor = self.network(batch)
        return embedding
