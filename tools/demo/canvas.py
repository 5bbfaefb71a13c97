"""The parts of every drawing: smooth noise, soft light, outlines, lens and sensor."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from demo.draws import Draws

SCALE = 2
"""Drawings are made this many times larger and averaged down, which smooths every edge."""

Colour = tuple[int, int, int]
Point = tuple[float, float]
Array = npt.NDArray[np.float32]


def clamp(value: float) -> int:
    """The nearest value that a pixel can hold."""
    return max(0, min(255, round(value)))


def jitter(colour: Colour, draws: Draws, amount: float) -> Colour:
    """A colour near ``colour``: one common change of brightness, and a smaller one per channel."""
    common = draws.normal(0, amount)
    red, green, blue = (clamp(c + common + draws.normal(0, amount / 2)) for c in colour)
    return red, green, blue


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """``share`` of the second colour in the first."""
    red, green, blue = (clamp(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def smooth_noise(draws: Draws, width: int, height: int, cells: tuple[int, int]) -> Array:
    """Noise in about [-1, 1] with ``cells`` = (columns, rows) bumps, shape (height, width)."""
    columns, rows = cells
    coarse = draws.field(rows + 1, columns + 1)
    grid = Image.fromarray(np.round((coarse + 1) * 127.5).astype(np.uint8))
    fine = grid.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(fine, dtype=np.float32) / np.float32(127.5) - np.float32(1)


def modulate(image: Image.Image, factor: Array) -> Image.Image:
    """Every pixel times ``factor`` (height, width)."""
    pixels = np.asarray(image, dtype=np.float32) * factor[..., None]
    return Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))


def light(image: Image.Image, draws: Draws, strength: float) -> Image.Image:
    """Light that falls from one side and is broken by soft shadows."""
    width, height = image.size
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    slope = across * np.float32(draws.uniform(-1, 1)) + down * np.float32(draws.uniform(-1, 1))
    shadows = smooth_noise(draws, width, height, (3, 3))
    return modulate(image, 1 + np.float32(strength) * (slope * np.float32(0.5) + shadows))


def rotated(points: Sequence[Point], angle: float, centre: Point, size: float = 1.0) -> list[Point]:
    """``points`` scaled, turned by ``angle`` radians and moved to ``centre``."""
    cosine, sine = math.cos(angle) * size, math.sin(angle) * size
    x0, y0 = centre
    return [(x0 + x * cosine - y * sine, y0 + x * sine + y * cosine) for x, y in points]


def ellipse(radius_x: float, radius_y: float, corners: int = 40) -> list[Point]:
    """Outline of an ellipse about the origin."""
    turns = [2 * math.pi * i / corners for i in range(corners)]
    return [(radius_x * math.cos(t), radius_y * math.sin(t)) for t in turns]


def ragged(points: Sequence[Point], draws: Draws, amount: float) -> list[Point]:
    """``points`` with every point moved by up to ``amount`` in each direction."""
    return [
        (x + draws.uniform(-amount, amount), y + draws.uniform(-amount, amount)) for x, y in points
    ]


def curve(start: Point, angle: float, length: float, bend: float, steps: int = 16) -> list[Point]:
    """A path that leaves ``start`` at ``angle`` and turns by ``bend`` radians over its length."""
    points = [start]
    for i in range(steps):
        direction = angle + bend * (i + 0.5) / steps
        x, y = points[-1]
        step = length / steps
        points.append((x + step * math.cos(direction), y + step * math.sin(direction)))
    return points


def stroke(
    draw: ImageDraw.ImageDraw, points: Sequence[Point], colour: Colour | int, width: float
) -> None:
    """A line with round joints."""
    draw.line(list(points), fill=colour, width=max(1, round(width)), joint="curve")


def camera(
    image: Image.Image,
    draws: Draws,
    *,
    blur: tuple[float, float],
    grain: tuple[float, float],
    gain: tuple[float, float],
) -> Image.Image:
    """The picture that a camera takes: averaged down, out of focus, exposed, with grain."""
    small = image.reduce(SCALE)
    radius = draws.uniform(*blur)
    if radius > 0.3:
        small = small.filter(ImageFilter.GaussianBlur(radius))
    width, height = small.size
    pixels = np.asarray(small, dtype=np.float32)
    exposure = np.float32(draws.uniform(*gain))
    contrast = np.float32(draws.uniform(0.85, 1.15))
    pixels = (pixels * exposure - np.float32(128)) * contrast + np.float32(128)
    # The mean of two uniform fields is a triangle: close enough to the noise of a sensor.
    noise = (draws.field(height, width) + draws.field(height, width)) * np.float32(
        draws.uniform(*grain)
    )
    pixels = pixels + (noise[..., None] if pixels.ndim == 3 else noise)
    return Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))
