"""Libraries of models that a smaller installation lacks, such as the image biobench:1.0-slim.

They are imported where they are used, so everything else works without them; a function that needs
one raises an error of one line.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

from biobench.errors import ModelError

LIBRARIES = ("torch", "torchvision", "timm", "open_clip", "transformers", "faiss")
SLIM = "-slim"
"""The end of the name of an image without the libraries of models."""


def require_torch() -> None:
    """Raise ModelError (exit 5) where torch is not installed."""
    if find_spec("torch") is None:
        raise without("torch")


def require_onnx() -> None:
    """Raise ModelError (exit 5) where onnx is not installed, which no image has."""
    if find_spec("onnx") is None:
        raise ModelError("onnx is not installed", remedy="pip install 'biobench[onnx]'")


def missing_library(error: BaseException) -> ModelError | None:
    """The error to show for a failed import of one of LIBRARIES; None for any other import."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    library = (name or "").partition(".")[0]
    # One that is there and lacks a module of its own is broken, and not missing.
    return without(library) if library in LIBRARIES and find_spec(library) is None else None


def without(library: str) -> ModelError:
    """The error that says how to get a missing library."""
    image = os.environ.get("BIOBENCH_IMAGE", "")
    if image.endswith(SLIM):
        return ModelError(
            f"the image {image} has no {library}",
            remedy=f"use {image.removesuffix(SLIM)}, which has all libraries of models",
        )
    return ModelError(
        f"{library} is not installed", remedy="install biobench with everything that it depends on"
    )
