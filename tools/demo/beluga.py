"""Pale whales from above. An individual is known by its tone, its build and the marks on its back;
pictures of one encounter share the water and the light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from demo.canvas import SCALE, Array, camera, curve, smooth_noise, stroke
from demo.draws import Draws

PROFILE = (
    (0.00, 0.00), (0.01, 0.26), (0.03, 0.44), (0.07, 0.60), (0.12, 0.66), (0.17, 0.64),
    (0.22, 0.74), (0.30, 0.93), (0.40, 1.00), (0.50, 0.95), (0.60, 0.80), (0.70, 0.59),
    (0.80, 0.38), (0.88, 0.22), (0.92, 0.17), (0.94, 0.28), (0.96, 0.62), (0.98, 1.02),
    (1.00, 1.32), (1.02, 1.40), (1.04, 1.25), (1.06, 0.00),
)  # fmt: skip
"""(place along the body, half width): melon, neck, trunk, peduncle, flukes."""
SKIN = (300, 120)
"""Length and breadth of the map of an individual's marks."""


@dataclass(frozen=True)
class Whale:
    """One individual."""

    name: str
    tone: float
    breadth: float
    flipper: float
    skin: Array


def make_whale(name: str) -> Whale:
    """The individual ``name``: its marks are drawn once, as a map of its back (1 = untouched)."""
    draws = Draws(f"beluga/whale/{name}")
    length, breadth = SKIN
    skin = Image.new("L", (breadth, length), 128)
    draw = ImageDraw.Draw(skin)
    ridge = curve((breadth / 2, length * 0.38), math.pi / 2, length * 0.3, draws.uniform(-0.2, 0.2))
    stroke(draw, ridge, draws.integer(78, 112), draws.uniform(2, 6))
    for _ in range(draws.integer(2, 5)):
        start = (draws.uniform(0.15, 0.85) * breadth, draws.uniform(0.1, 0.85) * length)
        scar = curve(
            start, draws.uniform(0, 2 * math.pi), draws.uniform(18, 80), draws.normal(0, 0.7)
        )
        shade = draws.choice((20, 40, 60, 215, 240))
        for offset in range(draws.integer(1, 3)):
            moved = [(x + 7 * offset, y + 3 * offset) for x, y in scar]
            stroke(draw, moved, shade, draws.uniform(2, 5))
    for _ in range(draws.integer(0, 4)):
        x, y = draws.uniform(0.2, 0.8) * breadth, draws.uniform(0.15, 0.8) * length
        r = draws.uniform(4, 15)
        box = (x - r, y - r * draws.uniform(0.7, 1.6), x + r, y + r)
        draw.ellipse(box, fill=draws.choice((45, 70, 90, 200)))
    marks = np.asarray(skin.filter(ImageFilter.GaussianBlur(1.2)), dtype=np.float32)
    blotches = smooth_noise(draws, breadth, length, (4, 9)) * np.float32(draws.uniform(0.02, 0.14))
    return Whale(
        name=name,
        tone=draws.uniform(165, 235),
        breadth=draws.uniform(0.105, 0.145),
        flipper=draws.uniform(0.75, 1.2),
        skin=marks / np.float32(128) + blotches,
    )


@dataclass(frozen=True)
class Encounter:
    """The setting that the pictures of one encounter share."""

    water: tuple[float, float, float]
    chop: float
    glare: float
    depth: float
    gain: float


def make_encounter(draws: Draws) -> Encounter:
    """Silty green to blue-grey water, flat or choppy, under any sky."""
    silt = draws.unit()
    return Encounter(
        water=(
            70 + 50 * silt + draws.normal(0, 6),
            100 + 12 * silt + draws.normal(0, 6),
            112 - 38 * silt + draws.normal(0, 8),
        ),
        chop=draws.uniform(0.05, 0.28),
        glare=draws.uniform(0, 1),
        depth=draws.uniform(0.55, 0.95),
        gain=draws.uniform(0.78, 1.2),
    )


def frame(draws: Draws) -> tuple[int, int]:
    """Width and height of a picture; the first draws of its stream."""
    return draws.integer(110, 170), draws.integer(220, 300)


def draw_whale(whale: Whale, encounter: Encounter, draws: Draws) -> Image.Image:
    """One RGB picture: a crop around the whale, longer than wide, head up or nearly so."""
    width, height = frame(draws)
    w, h = width * SCALE, height * SCALE
    ripples = smooth_noise(draws, w, h, (5, 34))
    swell = smooth_noise(draws, w, h, (3, 7))
    surface = ripples * np.float32(0.6) + swell * np.float32(0.6)
    water = np.array(encounter.water, dtype=np.float32) * (
        1 + np.float32(encounter.chop) * surface[..., None]
    )
    alpha, body = _body(whale, encounter, draws, (w, h), surface)
    tint = np.array((1.0, 1.01, 0.985), dtype=np.float32)
    pixels = water + alpha[..., None] * (body[..., None] * tint - water)
    foam = np.clip((surface - np.float32(1.0 - 0.35 * encounter.glare)) * 5, 0, 1)
    pixels = pixels + foam[..., None] * (np.float32(235) - pixels) * np.float32(0.8)
    picture = Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))
    gain = encounter.gain
    return camera(picture, draws, blur=(0, 1.3), grain=(2, 5), gain=(gain * 0.93, gain * 1.07))


def _body(
    whale: Whale, encounter: Encounter, draws: Draws, size: tuple[int, int], surface: Array
) -> tuple[Array, Array]:
    """Opacity and brightness of the whale at every pixel, both (height, width)."""
    w, h = size
    angle = draws.normal(0, 0.13)
    length = h * draws.uniform(0.78, 0.95)
    centre = (w * draws.uniform(0.42, 0.58), h * draws.uniform(0.46, 0.54))
    bend, roll = draws.normal(0, 0.14), draws.normal(0, 0.22)
    cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    x = np.arange(w, dtype=np.float32)[None, :] - np.float32(centre[0])
    y = np.arange(h, dtype=np.float32)[:, None] - np.float32(centre[1])
    along = (y * cosine - x * sine) / np.float32(length) + np.float32(0.5)
    offset = along - np.float32(0.45)
    spine = np.float32(bend) * offset * offset * np.float32(length)
    # Refraction moves the outline a little with the waves.
    wave = surface * np.float32(encounter.chop * 0.05 * w)
    aside = (x * cosine + y * sine - spine + wave) / np.float32(length * whale.breadth)
    places, widths = [p[0] for p in PROFILE], [p[1] for p in PROFILE]
    half = np.interp(along, places, widths, left=-1, right=-1).astype(np.float32)
    notch = (along - np.float32(0.985)) * np.float32(6)
    inside = np.minimum(half - np.abs(aside), np.abs(aside) - notch)
    for side in (-1, 1):
        inside = np.maximum(inside, _flipper(whale, along, aside, side, draws))
    alpha = np.clip(inside * np.float32(9) + np.float32(0.5), 0, 1)
    across = aside / np.maximum(half, np.float32(0.1)) + np.float32(roll)
    rows = np.clip(along * SKIN[0], 0, SKIN[0] - 1).astype(np.int64)
    columns = np.clip((across * np.float32(0.5) + np.float32(0.5)) * SKIN[1], 0, SKIN[1] - 1)
    marks = whale.skin[rows, columns.astype(np.int64)]
    rounding = 1 - np.float32(0.3) * np.minimum(across * across, np.float32(1.6))
    body = np.float32(whale.tone) * rounding * marks
    # The tail lies deeper than the back and is seen through more water.
    seen = np.float32(encounter.depth) * (1 - np.float32(0.45) * np.clip(along, 0, 1) ** 2)
    return alpha * seen, body


def _flipper(
    whale: Whale,
    along: npt.NDArray[Any],
    aside: npt.NDArray[Any],
    side: int,
    draws: Draws,
) -> npt.NDArray[Any]:
    swing = draws.uniform(0.25, 0.6)
    u = (along - np.float32(0.31)) / np.float32(0.115 * whale.flipper)
    v = (aside * np.float32(side) - np.float32(1.05)) * np.float32(1 / whale.flipper)
    turned_u, turned_v = u - v * np.float32(swing), v + u * np.float32(swing * 0.25)
    return (
        1 - (turned_u * np.float32(1.7)) ** 2 - (turned_v * np.float32(1.25)) ** 2
    ) * np.float32(0.5)
