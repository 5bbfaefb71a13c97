"""Inputs drawn from the specification's generator."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.spec.generator import Stream

SEED = 17


def pixels(name: str, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Noise over a slope, so that neither order nor rounding can be missed; uint8 (h, w, 3)."""
    noise = Stream(SEED, f"vectors/{name}").integers(256, height * width * 3)
    rows, columns = np.indices((height, width))
    slope = (255 * (rows + columns) // max(1, height + width - 2))[..., None]
    return ((2 * noise.reshape(height, width, 3) + slope) // 3).astype(np.uint8)


def image(array: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """An image as vectors hold it."""
    rgb = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"height": array.shape[0], "width": array.shape[1], "rgb": rgb}


def array(value: dict[str, Any]) -> npt.NDArray[np.uint8]:
    """The inverse of :func:`image`."""
    data = np.frombuffer(base64.b64decode(value["rgb"]), np.uint8)
    return data.reshape(value["height"], value["width"], 3)
