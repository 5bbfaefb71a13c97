"""The choice of a video's frames (SPEC.md, section "Frames of videos").

In: the number of a video's frames. Out: the numbers of those that are taken, from 0.
"""

from __future__ import annotations

MAX_PIXELS = 35_651_584
"""Largest height times width of a frame: that of H.264's level 6.2 (ITU-T H.264, table A-1)."""

MAX_SIDE = 65_500
"""Largest height and width that libjpeg writes."""


def chosen(count: int, frames: int) -> list[int]:
    """``frames`` numbers below ``count``: 0 and each further floor(count / frames)-th.

    Raises:
        ValueError: ``count`` is less than ``frames``.
    """
    if count < frames:
        raise ValueError(f"{count} frames are fewer than {frames}")
    step = count // frames
    return list(range(0, frames * step, step))
