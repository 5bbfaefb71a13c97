"""From a video's samples to RGB, in integers (SPEC.md, section "Frames of videos").

In: luma and chroma of 8 bits. Out: uint8 (height, width, 3). FFmpeg's own conversion is not used:
its bytes depend on its version and on the processor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]
Coefficients = tuple[int, int, int, int, int]

BITS = 16
BAND = 16
"""Rows that are converted at once: they stay in the processor's cache, which is three times faster.
A multiple of the rows that a chroma sample can stand for."""
ZERO = 128
"""The sample of a chroma plane that means no colour."""

_MATRICES: Mapping[int, str] = {1: "BT.709", 9: "BT.2020", 10: "BT.2020"}
"""MatrixCoefficients of ITU-T H.273 -> a matrix; all others, 2 (unspecified) too, are BT.601."""

_COEFFICIENTS: Mapping[tuple[str, bool], Coefficients] = {
    ("BT.601", False): (76_309, 104_597, 25_675, 53_279, 132_201),
    ("BT.709", False): (76_309, 117_489, 13_975, 34_925, 138_438),
    ("BT.2020", False): (76_309, 110_014, 12_277, 42_626, 140_363),
    ("BT.601", True): (65_536, 91_881, 22_553, 46_802, 116_130),
    ("BT.709", True): (65_536, 103_206, 12_276, 30_679, 121_609),
    ("BT.2020", True): (65_536, 96_639, 10_784, 37_444, 123_299),
}
"""Matrix and range -> those of H.273 times 2^16, rounded: of luma; of cr in red; of cb and of cr,
taken off, in green; of cb in blue."""


@dataclass(frozen=True)
class Samples:
    """One picture as it is coded.

    Attributes:
        luma: uint8 (height, width).
        chroma: Two planes of ceil(width / 2^shifts[0]) by ceil(height / 2^shifts[1]) samples, none
            for gray.
        shifts: Halvings of width and height between luma and chroma.
        matrix: A code of H.273.
        full: True where samples go from 0 to 255 instead of from 16.
    """

    luma: Plane
    chroma: tuple[Plane, Plane] | None
    shifts: tuple[int, int]
    matrix: int
    full: bool


def coefficients(matrix: int, full: bool) -> Coefficients:
    """Coefficients of a code of H.273 and a range."""
    return _COEFFICIENTS[_MATRICES.get(matrix, "BT.601"), full]


def to_rgb(samples: Samples) -> npt.NDArray[np.uint8]:
    """The picture as RGB; each chroma sample stands for all pixels that it lies over."""
    scale, *shares = coefficients(samples.matrix, samples.full)
    black = 0 if samples.full else 16
    levels = (np.arange(256, dtype=np.int32) - black) * scale + (1 << (BITS - 1))
    rgb = np.empty((*samples.luma.shape, 3), np.uint8)
    for top in range(0, len(rgb), BAND):
        rows = slice(top, top + BAND)
        terms = _terms(samples, rows, shares)
        for channel in range(3):
            value = terms[channel]
            value += levels[samples.luma[rows]]
            value >>= BITS
            rgb[rows, :, channel] = np.clip(value, 0, 255, out=value)
    return rgb


def _terms(samples: Samples, rows: slice, shares: Sequence[int]) -> list[npt.NDArray[np.int32]]:
    """The contribution of chroma to red, green and blue in these rows, times 2^16."""
    shape = samples.luma[rows].shape
    if samples.chroma is None:
        return [np.zeros(shape, np.int32) for _ in range(3)]
    cr_red, cb_green, cr_green, cb_blue = shares
    across, down = samples.shifts
    own = slice(rows.start >> down, rows.stop >> down)
    cb, cr = (plane[own].astype(np.int32) - ZERO for plane in samples.chroma)
    return [
        term.repeat(1 << down, axis=0).repeat(1 << across, axis=1)[: shape[0], : shape[1]]
        for term in (cr_red * cr, -cb_green * cb - cr_green * cr, cb_blue * cb)
    ]


def narrowed(plane: npt.NDArray[np.uint16], bits: int) -> Plane:
    """Samples of ``bits`` bits, 8 to 16, as their upper eight."""
    return np.right_shift(plane, bits - 8).astype(np.uint8)


def turned(rgb: npt.NDArray[np.uint8], degrees: int) -> npt.NDArray[np.uint8]:
    """Turn a picture counterclockwise; it stays as it is where ``degrees`` is not a multiple of
    90."""
    turns, rest = divmod(degrees, 90)
    return rgb if rest else np.rot90(rgb, turns)
