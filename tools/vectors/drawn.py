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


class Draws:
    """Features and labels of one section, each from the stream that its name gives."""

    def __init__(self, section: str) -> None:
        self._section = section

    def rows(self, name: str, count: int, width: int) -> list[list[float]]:
        """Multiples of 2^-10 in [-2, 2), which float32 holds exactly."""
        stream = Stream(SEED, f"vectors/{self._section}/{name}")
        values = stream.integers(4096, count * width) - 2048
        return (values.reshape(count, width) / 1024).tolist()

    def labels(self, name: str, count: int, classes: int) -> list[int]:
        """Every class first once, then drawn."""
        stream = Stream(SEED, f"vectors/{self._section}/{name}/labels")
        return [*range(classes), *stream.integers(classes, count - classes).tolist()]

    def clustered(
        self, name: str, labels: list[int], width: int, spread: float, middle: float = 0.0
    ) -> list[list[float]]:
        """Rows around a centre of their class; ``spread`` and ``middle`` keep them exact."""
        centres = self.rows(f"{name}/centres", max(labels) + 1, width)
        noise = self.rows(name, len(labels), width)
        return [
            [middle + c + spread * x for c, x in zip(centres[label], row, strict=True)]
            for label, row in zip(labels, noise, strict=True)
        ]
