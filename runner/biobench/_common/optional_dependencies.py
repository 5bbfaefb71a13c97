"""Libraries that a smaller installation lacks: one without the extra ``run``, or the image
biobench:1.0-slim.

They are imported where they are used, so everything else works without them; a function that needs
one raises an error of one line, which names the extra that brings it.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

from biobench.errors import BiobenchError, ModelError

LIBRARIES = ("torch", "torchvision", "timm", "open_clip", "transformers", "faiss")
"""Libraries of models, which the slim image lacks as well."""
OTHERS = ("av", "fsspec", "huggingface_hub", "jinja2", "pyarrow", "safetensors", "scipy", "sklearn")
"""Further libraries of the extra ``run``."""
SLIM = "-slim"
"""The end of the name of an image without the libraries of models."""
INSTALL_RUN = "pip install 'biobench[run]'"
"""The command that brings all of them."""


def require_torch() -> None:
    """Raise ModelError (exit 5) where torch is not installed."""
    if find_spec("torch") is None:
        raise without("torch")


def require_onnx() -> None:
    """Raise ModelError (exit 5) where onnx is not installed, which no image has."""
    if find_spec("onnx") is None:
        raise ModelError("onnx is not installed", remedy="pip install 'biobench[onnx]'")


def missing_library(error: BaseException) -> BiobenchError | None:
    """The error to show for a failed import of a library of the extra ``run``; None for any other
    import."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    library = (name or "").partition(".")[0]
    # One that is there and lacks a module of its own is broken, and not missing.
    known = library in (*LIBRARIES, *OTHERS) and find_spec(library) is None
    return without(library) if known else None


def without(library: str) -> BiobenchError:
    """The error that says how to get a missing library: of models exit 5, any other exit 1."""
    image = os.environ.get("BIOBENCH_IMAGE", "")
    if image.endswith(SLIM) and library in LIBRARIES:
        return ModelError(
            f"the image {image} has no {library}",
            remedy=f"use {image.removesuffix(SLIM)}, which has all libraries of models",
        )
    kind = ModelError if library in LIBRARIES else BiobenchError
    return kind(f"{library} is not installed", remedy=INSTALL_RUN)
