"""The extension module, written in Rust (native/python).

Every function checks its arguments, frees the interpreter while it works, and raises a built-in
exception. Ctrl-C ends the work within moments.
"""

import os
from collections.abc import Sequence
from typing import TypedDict, final, type_check_only

import numpy as np
import numpy.typing as npt

__all__ = ["Cancel", "build_info", "decode", "kernels", "load_batch", "resize"]

@type_check_only
class BuildInfo(TypedDict):
    """What this build is made of."""

    version: str
    profile: str
    target: str
    libjpeg_turbo: str
    libjpeg_turbo_simd: bool

@final
class Cancel:
    """A flag that stops work which was given it. Any thread may set it."""

    def __new__(cls) -> Cancel: ...
    def set(self) -> None:
        """Ask the work to stop. It ends soon, between two rows or two passes of an image."""

    def is_set(self) -> bool:
        """Whether :meth:`set` was called."""

def build_info() -> BuildInfo:
    """Version, build profile, target, and the libjpeg-turbo that is inside."""

def decode(path: str | os.PathLike[str], *, max_pixels: int | None = None) -> npt.NDArray[np.uint8]:
    """A JPEG or PNG as RGB: uint8, shape (height, width, 3). Orientation is not applied.

    Raises FileNotFoundError, PermissionError or OSError where the file cannot be read, ValueError
    where its content is no complete JPEG or PNG or has more than ``max_pixels`` (default
    178,956,970) pixels. The interpreter is free while it works.
    """

def kernels() -> list[str]:
    """The code for the sums of the resize that this machine can run, the fastest last.

    The fastest is taken. All give the same bytes; ``scalar`` is the definition.
    """

def load_batch(
    paths: Sequence[str | os.PathLike[str]],
    *,
    mode: str,
    size: tuple[int, int],
    long_side: str,
    filter: str,
    crop: tuple[int, int],
    crop_rounding: str,
    pad: tuple[int, int, int],
    workers: int,
    max_pixels: int | None = None,
    cancel: Cancel | None = None,
    kernel: str | None = None,
) -> tuple[npt.NDArray[np.uint8], list[bytes], list[tuple[int, str, str]]]:
    """Decode, resize and crop files on ``workers`` threads.

    The arguments from ``mode`` to ``pad`` are the fields of :class:`biobench.decode.recipe.Recipe`.
    Returns pixels, uint8, shape (N, *crop, 3), zero where an item failed; the BLAKE3 digest of each
    crop, 32 bytes, zero where an item failed; and (index, kind, message) of each item that failed.
    ``max_pixels`` (default 178,956,970) bounds an image and the target of its resize. ``kernel``,
    one of :func:`kernels`, is for tests: the pixels do not depend on it.
    Raises ValueError for a bad argument, MemoryError where there is no room for the pixels. The
    interpreter is free while it works.
    """

def resize(
    image: npt.NDArray[np.uint8],
    height: int,
    width: int,
    filter: str,
    *,
    kernel: str | None = None,
) -> npt.NDArray[np.uint8]:
    """Resize an RGB image, uint8, shape (H, W, 3), as Pillow 13 does.

    ``kernel``, one of :func:`kernels`, is for tests: the pixels do not depend on it.

    Raises ValueError for another shape, a side of zero or an unknown filter, MemoryError where
    there is no room for the result. The interpreter is free while it works.
    """
