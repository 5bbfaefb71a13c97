"""The recipe: how a file becomes a model's input, as one value (SPEC.md, section "Recipes").

A model's loader writes it from the framework's own configuration; the decode stage executes it.
Geometry gives uint8 pixels; ``table`` turns each uint8 value into the float32 that the framework
would have computed, so that no arithmetic is left to disagree about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from biobench.spec.canonical import sha256_bytes, sha256_json

Mode = Literal["none", "shortest", "longest", "squash"]
LongSide = Literal["floor", "half-even"]
Filter = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
CropRounding = Literal["floor", "half-even"]


@dataclass(frozen=True)
class Recipe:
    """Resize, then centre crop or pad, then look each value up.

    Attributes:
        mode: ``shortest`` scales the shorter side to ``size[0]``, ``longest`` the longer one,
            ``squash`` gives ``size`` = (height, width) whatever the aspect, ``none`` does not
            resize.
        size: The sides that ``mode`` takes, in pixels.
        long_side: How the other side is rounded: ``floor`` of the exact quotient, or ``half-even``
            of both sides divided by one float64 ratio, the smaller (``shortest``) or larger
            (``longest``) of height / size[0] and width / size[1]. No side falls below 1.
        filter: The resampling filter.
        crop: (height, width) of the output; where the image is smaller it is padded with ``pad``.
        crop_rounding: Of the offset (image - crop) / 2: ``floor``, for either sign (so the larger
            half of the padding comes first), or ``half-even`` where the image is larger and the
            smaller half of the padding first where it is smaller.
        pad: Red, green and blue of the padding, 0 to 255.
        mean: Mean of each channel, as the framework states it.
        std: Standard deviation of each channel, likewise.
        table_bytes: ``table`` as little-endian bytes.
    """

    mode: Mode
    size: tuple[int, int]
    long_side: LongSide
    filter: Filter
    crop: tuple[int, int]
    crop_rounding: CropRounding
    pad: tuple[int, int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    table_bytes: bytes

    @classmethod
    def from_document(cls, value: Mapping[str, Any], table_bytes: bytes) -> Recipe:
        """Read what :meth:`document` states, which has a valid form, with its value table.

        A whole number is an integer in JSON Schema, however it is written.
        """

        def sides(given: float | Sequence[float]) -> tuple[int, int]:
            height, width = given if isinstance(given, Sequence) else (given, given)
            return int(height), int(width)

        red, green, blue = value["pad"] or (0, 0, 0)
        return cls(
            mode=value["mode"],
            size=sides(value["size"]),
            long_side=value["long_side"],
            filter=value["filter"],
            crop=sides(value["crop"]),
            crop_rounding=value["crop_rounding"],
            pad=(int(red), int(green), int(blue)),
            mean=tuple(value["mean"]),
            std=tuple(value["std"]),
            table_bytes=table_bytes,
        )

    @cached_property
    def table(self) -> npt.NDArray[np.float32]:
        """The value table, float32, shape (3, 256)."""
        return np.frombuffer(self.table_bytes, dtype="<f4").reshape(3, 256)

    def geometry(self) -> dict[str, Any]:
        """Return the fields that decide the uint8 pixels, as JSON values."""
        return {
            "mode": self.mode,
            "size": list(self.size),
            "long_side": self.long_side,
            "filter": self.filter,
            "crop": list(self.crop),
            "crop_rounding": self.crop_rounding,
            "pad": list(self.pad),
        }

    @cached_property
    def geometry_digest(self) -> str:
        """Digest of :meth:`geometry`: equal digests give equal pixels from equal files."""
        return sha256_json(self.geometry())

    @cached_property
    def digest(self) -> str:
        """Digest of geometry and value table."""
        return sha256_json({**self.geometry(), "table": sha256_bytes(self.table_bytes)})

    def document(self) -> dict[str, Any]:
        """The recipe as a result states it: one number where both sides are equal, ``pad`` None
        where no image can need padding (SPEC.md, section "Recipes")."""
        fixed = self.mode == "squash" or (self.mode == "shortest" and self.size[0] == self.size[1])
        covered = self.crop[0] <= self.size[0] and self.crop[1] <= self.size[1]
        return {
            **self.geometry(),
            "size": self.size[0] if self.size[0] == self.size[1] else list(self.size),
            "crop": self.crop[0] if self.crop[0] == self.crop[1] else list(self.crop),
            "pad": None if fixed and covered else list(self.pad),
            "mean": list(self.mean),
            "std": list(self.std),
            "digest": self.digest,
        }

    def normalise(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Value-table look-up: uint8 (N, H, W, 3) -> float32 (N, 3, H, W), contiguous."""
        out = np.empty((pixels.shape[0], 3, *pixels.shape[1:3]), dtype=np.float32)
        for channel in range(3):
            np.take(self.table[channel], pixels[..., channel], out=out[:, channel], mode="clip")
        return out
