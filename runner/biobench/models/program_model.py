"""A program as a backbone: features by the exact engine, with the same bits on every processor.

In: a loaded backbone of torch, or a program that was read. Out: the program with its constants, or
the backbone that runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from biobench._common.exact_engine import engine
from biobench._native import Program
from biobench.decode.recipe import Recipe
from biobench.errors import ModelError
from biobench.models.base import Backbone, ModelInfo
from biobench.models.module_backbone import ModuleBackbone, described
from biobench.models.program.lower import NotCarried
from biobench.models.program.memory import require_memory
from biobench.spec.canonical import canonical_json

if TYPE_CHECKING:
    import torch

DIFFERENCE = 1e-5
"""Largest difference to torch's features, of the largest feature. Rounding gives some 1e-6, the
wrong one of GELU's two forms 4e-5 and more."""
CHAINS = 10
"""By how much further than torch a program may be from float64, where terms of a model cancel and
torch's own rounding is large: one long chain of sums is 3 to 5 times less accurate than blocks."""
_TORCH = "run it with torch: biobench run --engine torch"


Remake = Callable[[], tuple[Program, Mapping[str, bytes]]]


class ProgramBackbone:
    """A program with its recipe; one image's features do not depend on its batch.

    ``remake`` makes the program once more, with its constants by digest; None where they are in no
    file of the user's.
    """

    def __init__(
        self, program: Program, recipe: Recipe, info: ModelInfo, remake: Remake | None = None
    ) -> None:
        self.program = program
        self.recipe = recipe
        self.info = info
        self.remake = remake
        # Batches run beside each other, so each takes one thread.
        self._engine = engine()

    def to(self, device: str) -> None:
        """Stay on the CPU.

        Raises:
            ModelError: Another device is asked for.
        """
        if device != "cpu":
            raise ModelError(
                "a program runs on the CPU", where=self.info.name, remedy="give --device cpu"
            )

    def run(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Compute the features of a batch: float32 (N, 3, H, W) -> float32 (N, dim)."""
        return self.program.run(self._engine, np.ascontiguousarray(images))

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        """Compute as :meth:`run`, of tensors."""
        import torch

        return torch.from_numpy(self.run(batch.numpy()))


def make_program(backbone: Backbone) -> tuple[Program, Mapping[str, bytes]]:
    """Make the program of a loaded backbone; returns it and its constants by digest.

    Raises:
        ModelError: The engine lacks an operation, torch cannot trace the forward pass, or the
            features of the program are not torch's.
    """
    from biobench.models.program.capture import capture
    from biobench.models.program.lower import lower

    name = backbone.info.name
    if isinstance(backbone, ProgramBackbone) and backbone.remake is not None:
        return backbone.remake()
    if not isinstance(backbone, ModuleBackbone):
        raise ModelError(
            "is not a torch module",
            where=name,
            remedy="give a model of timm, open_clip or transformers, or a py: class",
        )
    try:
        graph = capture(backbone.module, backbone.forward, backbone.recipe.crop)
        document, constants = lower(graph)
    except NotCarried as error:
        raise ModelError(
            f"the exact engine does not carry it: {error}", where=name, remedy=_TORCH
        ) from error
    except Exception as error:  # torch raises anything while it traces
        raise ModelError(
            f"torch cannot trace its forward pass: {described(error)}",
            where=name,
            remedy=_TORCH,
        ) from error
    try:
        program = read_program(canonical_json(document).decode(), constants.get, name)
    except ValueError as error:  # operations that do not fit, such as a mean over the batch
        raise ModelError(
            f"the exact engine does not carry it: {error}", where=name, remedy=_TORCH
        ) from error
    require_images_apart(program, name)
    require_features_of_torch(backbone, program)
    return program, constants


def require_images_apart(program: Program, where: str) -> None:
    """Raise ModelError where an image's features depend on its batch (SPEC.md, section
    "Micro-batches")."""
    if not program.images_apart:
        raise ModelError(
            "its features of an image depend on the other images of a batch",
            where=where,
            remedy="give a model that computes each image by itself",
        )


def require_features_of_torch(backbone: ModuleBackbone, program: Program) -> None:
    """Raise ModelError where a program gives features that rounding does not make of torch's."""
    import torch

    rows, columns = backbone.recipe.crop
    images = torch.linspace(-1, 1, 2 * 3 * rows * columns).reshape(2, 3, rows, columns)
    with torch.inference_mode():
        expected = backbone.embed(images).numpy()
    found = program.run(engine(), images.numpy())
    difference = _apart(found, expected)
    if difference <= DIFFERENCE:
        return
    try:
        truth = _in_double(backbone, images)
    except RuntimeError:  # types that the module sets itself
        truth = expected
    if not _apart(found, truth) <= CHAINS * _apart(expected, truth):
        raise ModelError(
            f"its program gives features that differ from torch's by {difference:.1e} of the "
            "largest",
            where=backbone.info.name,
            remedy="tell the maintainers which model it is",
        )


def _apart(found: npt.NDArray[np.floating], expected: npt.NDArray[np.floating]) -> float:
    """The largest difference, of the largest feature; 0 where all features are 0 in both."""
    with np.errstate(invalid="ignore"):  # infinities, of which no difference is small
        difference = float(np.abs(found - expected).max())
    largest = float(np.abs(expected).max())
    if largest == 0:
        return 0.0 if difference == 0 else float("inf")
    return difference / largest


def _in_double(backbone: ModuleBackbone, images: torch.Tensor) -> npt.NDArray[np.floating]:
    """Features by torch in float64; the module, which is in float32, keeps its bits."""
    import torch

    backbone.module.double()
    try:
        with torch.inference_mode():
            features: npt.NDArray[np.floating] = backbone.forward(images.double()).numpy()
    finally:
        backbone.module.float()
    return features


def ramp_features(program: Program, recipe: Recipe, where: str) -> npt.NDArray[np.float32]:
    """Features of one image of ramps, float32 (1, dim).

    Raises:
        ModelError: Images of a batch are mixed, one image needs more memory than there is, or the
            features are no list of finite numbers, as with a weight that is NaN.
    """
    require_images_apart(program, where)
    # Ramps are made in float64, then in float32.
    ramps = (8 + 4) * 3 * recipe.crop[0] * recipe.crop[1]
    require_memory(program.memory(1) + ramps, where, "for one image")
    image = np.linspace(-1, 1, 3 * recipe.crop[0] * recipe.crop[1], dtype=np.float32)
    features = program.run(engine(), image.reshape(1, 3, *recipe.crop))
    if features.ndim != 2:
        raise ModelError(
            f"gives {features.ndim - 1} dimensions for each image, not a list of features",
            where=where,
            remedy="give a model whose output is (batch, features)",
        )
    if not np.isfinite(features).all():
        raise ModelError(
            "the features of an image are not finite",
            where=where,
            remedy="check the weights, and mean and std in the recipe",
        )
    return features


def read_program(text: str, supply: Callable[[str], bytes | None], where: str) -> Program:
    """Read a program whose constants are supplied by their digests.

    Raises:
        ValueError: The text is no program, or a constant is not the one that it names.
        ModelError: The constants need more memory than there is.
    """
    require_memory(Program.constants_memory(text), where, "for its constants")
    return Program(text, supply)
