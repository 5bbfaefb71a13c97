"""Fungi on the forest floor: known species with caps and stems, and strangers among them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo.canvas import (
    SCALE,
    Colour,
    Point,
    camera,
    curve,
    jitter,
    light,
    mixed,
    modulate,
    smooth_noise,
    stroke,
)
from demo.draws import Draws
from demo.leaves import LeafShape, draw_leaf


@dataclass(frozen=True)
class Mushroom:
    """A species with cap and stem.

    high, wide: of the cap, in stem lengths. shape: dome, cone, plate or funnel. warts: number of
    warts or scales. ring, sack: a skirt on the stem, a sack at its foot. cluster: how many grow
    together.
    """

    shape: str
    high: float
    wide: float
    cap: Colour
    under: Colour
    stem: Colour
    thick: float
    warts: int = 0
    wart: Colour = (240, 232, 214)
    ring: bool = False
    sack: bool = False
    cluster: int = 1
    rim: Colour | None = field(default=None)


WHITE, CREAM, OCHRE = (236, 230, 218), (224, 208, 170), (190, 140, 70)
SPECIES: dict[int, Mushroom] = {
    0: Mushroom("dome", 0.42, 1.1, (190, 44, 32), WHITE, WHITE, 0.14, 14, ring=True, sack=True),
    1: Mushroom("dome", 0.42, 1.1, (146, 98, 62), WHITE, CREAM, 0.14, 14, ring=True, sack=True),
    2: Mushroom("dome", 0.5, 1.15, (138, 90, 52), (196, 180, 110), (206, 180, 140), 0.3),
    3: Mushroom("dome", 0.48, 1.1, (120, 74, 46), (206, 190, 90), (170, 70, 56), 0.27),
    4: Mushroom("funnel", 0.4, 1.0, (226, 164, 52), (220, 170, 70), (216, 168, 80), 0.16),
    5: Mushroom("plate", 0.22, 1.25, (150, 160, 90), WHITE, WHITE, 0.13, ring=True, sack=True),
    6: Mushroom("plate", 0.2, 1.3, (126, 108, 84), (200, 160, 150), WHITE, 0.12, 22,
                (92, 74, 56), ring=True),
    7: Mushroom("cone", 0.62, 0.6, (168, 150, 122), (90, 80, 76), (214, 206, 194), 0.07, cluster=4),
    8: Mushroom("dome", 0.4, 0.62, (196, 140, 60), (150, 160, 80), (180, 150, 80), 0.07, cluster=6),
    9: Mushroom("dome", 0.4, 0.62, (176, 112, 52), (160, 110, 60), (120, 80, 50), 0.07, cluster=6,
                rim=(214, 170, 90)),
    10: Mushroom("funnel", 0.34, 0.95, (206, 110, 70), (214, 140, 100), (206, 128, 88), 0.17,
                 rim=(226, 156, 110)),
    12: Mushroom("plate", 0.26, 1.0, (120, 84, 140), (150, 116, 160), (150, 120, 150), 0.15),
}  # fmt: skip
"""Known species by class id; 11 has no picture. Neighbours look alike on purpose."""

POISONOUS = (0, 3, 5, 8)
"""Two of them have an edible double."""

STRANGERS = ("coral", "ball", "shelf", "blue")


def _cap(shape: str, high: float, wide: float) -> list[Point]:
    """Outline of a cap: the middle of its underside at (0, 0), y upward."""
    upper = []
    for i in range(25):
        x = -1 + i / 12
        if shape == "dome":
            y = math.sqrt(max(0.0, 1 - x * x)) ** 0.9
        elif shape == "cone":
            y = (1 - abs(x)) ** 0.75
        elif shape == "plate":
            y = max(0.0, 1 - abs(x) ** 5) * (0.8 + 0.2 * math.cos(2 * x))
        else:
            y = 0.35 + 0.65 * abs(x) ** 1.5 if abs(x) < 0.99 else 0.8
        upper.append((x * wide / 2, y * high))
    if shape == "funnel":
        return [*upper, (0.18 * wide, -0.35 * high), (-0.18 * wide, -0.35 * high)]
    return upper


def _mushroom(
    image: Image.Image, kind: Mushroom, foot: Point, length: float, lean: float, draws: Draws
) -> None:
    pen = ImageDraw.Draw(image)
    age = draws.uniform(0.7, 1.15)
    stem = curve(foot, -math.pi / 2 + lean, length, -lean, 40)
    thick = kind.thick * length * draws.uniform(0.85, 1.15)
    pale = jitter(kind.stem, draws, 6)
    for i, (x, y) in enumerate(stem):
        r = thick * (0.62 - 0.0035 * i) * (1.25 if kind.sack and i < 7 else 1)
        pen.ellipse((x - r, y - r * 0.8, x + r, y + r * 0.8), fill=pale)
    edge = mixed(pale, (60, 46, 36), 0.4)
    stroke(pen, [(x + thick * 0.5, y) for x, y in stem[6:]], edge, 0.12 * thick)
    if kind.sack:
        x, y = foot
        bag = (x - thick * 1.1, y - thick, x + thick * 1.1, y + thick * 0.7)
        pen.ellipse(bag, fill=mixed(pale, CREAM, 0.5))
    top_x, top_y = stem[-1]
    wide = kind.wide * length * draws.uniform(0.85, 1.12) * age
    high = kind.high * length * draws.uniform(0.85, 1.15)
    tilt = draws.uniform(0.06, 0.2) * wide
    if kind.shape != "funnel":
        under = (top_x - wide / 2, top_y - tilt, top_x + wide / 2, top_y + tilt)
        pen.ellipse(under, fill=jitter(kind.under, draws, 6))
        for i in range(-7, 8):
            end = (
                top_x + wide * i / 15,
                top_y + tilt * 0.9 * math.sqrt(max(0, 1 - (i / 7.5) ** 2)),
            )
            stroke(pen, [(top_x, top_y), end], mixed(kind.under, (70, 56, 46), 0.3), 2)
    colour = jitter(kind.cap, draws, 10)
    if draws.chance(0.15):
        colour = mixed(colour, (120, 96, 70), draws.uniform(0.2, 0.6))
    outline = [(top_x + x, top_y - y) for x, y in _cap(kind.shape, high, wide)]
    pen.polygon(outline, fill=colour)
    if kind.rim:
        stroke(pen, outline[:25], jitter(kind.rim, draws, 6), 0.045 * wide)
    shine = mixed(colour, (250, 244, 230), 0.25)
    x, y = top_x - 0.16 * wide, top_y - 0.62 * high
    if kind.shape in ("dome", "plate"):
        pen.ellipse((x, y, x + 0.2 * wide, y + 0.18 * high), fill=shine)
    for _ in range(round(kind.warts * draws.uniform(0.5, 1.1))):
        # Rain washes warts off.
        u, v = draws.uniform(-0.85, 0.85), draws.uniform(0.12, 0.95)
        x = top_x + u * wide / 2 * math.sqrt(1 - v * v * 0.9)
        y, r = top_y - v * high * 0.92, length * draws.uniform(0.015, 0.035)
        pen.ellipse((x - r, y - r * 0.7, x + r, y + r * 0.7), fill=jitter(kind.wart, draws, 8))
    if kind.ring and draws.chance(0.8):
        x, y = stem[27]
        skirt = [(x - thick * 0.5, y), (x + thick * 0.5, y)]
        skirt += [(x + thick * 1.1, y + thick * 0.7), (x - thick * 1.1, y + thick * 0.7)]
        pen.polygon(skirt, fill=mixed(pale, WHITE, 0.4))


def _stranger(image: Image.Image, kind: str, foot: Point, length: float, draws: Draws) -> None:
    pen = ImageDraw.Draw(image)
    x0, y0 = foot
    if kind == "blue":
        colours = ((70, 110, 150), (120, 150, 170), (110, 140, 150))
        _mushroom(image, Mushroom("cone", 0.5, 0.9, *colours, 0.1), foot, length, 0.1, draws)
    elif kind == "ball":
        for _ in range(draws.integer(1, 4)):
            x, r = x0 + draws.normal(0, 0.4 * length), length * draws.uniform(0.24, 0.42)
            skin = jitter((214, 204, 182), draws, 10)
            pen.ellipse((x - r, y0 - 1.7 * r, x + r, y0 + 0.2 * r), fill=skin)
            for _ in range(30):
                u, v = draws.normal(0, r * 0.4), draws.normal(0, r * 0.35)
                dot = (x + u - 2, y0 - 0.75 * r + v - 2, x + u + 2, y0 - 0.75 * r + v + 2)
                pen.ellipse(dot, fill=mixed(skin, (110, 90, 66), 0.5))
    elif kind == "coral":
        tone = jitter((226, 150, 90), draws, 14)
        for _ in range(draws.integer(12, 22)):
            start = (x0 + draws.normal(0, 0.12 * length), y0)
            angle = -math.pi / 2 + draws.normal(0, 0.5)
            reach = length * draws.uniform(0.5, 1)
            branch = curve(start, angle, reach, draws.normal(0, 0.5), 8)
            stroke(pen, branch, jitter(tone, draws, 10), 0.06 * length)
            fork = curve(branch[5], angle + draws.choice((-0.5, 0.5)), reach * 0.4, 0.2, 5)
            stroke(pen, fork, tone, 0.045 * length)
    else:
        bark = jitter((92, 74, 58), draws, 8)
        pen.rectangle((x0 - 0.3 * length, 0, x0 + 0.35 * length, image.height), fill=bark)
        for i in range(draws.integer(2, 5)):
            y, w = y0 - 0.32 * length * i, length * draws.uniform(0.4, 0.7)
            for band, tone in enumerate(((150, 110, 70), (190, 160, 110), (228, 214, 180))):
                grow = w * (1 - 0.25 * (2 - band))
                box = (x0 - grow, y - 0.3 * w, x0 + grow, y + 0.18 * w * (1 + band / 2))
                pen.pieslice(box, 180, 360, fill=jitter(tone, draws, 6))


def _floor(size: tuple[int, int], place: Draws) -> Image.Image:
    """Leaf litter, moss or grass: shared by the pictures of an observation."""
    ground: Colour = place.choice(((92, 76, 50), (70, 84, 44), (84, 100, 48), (110, 92, 66)))
    image = Image.new("RGB", size, jitter(ground, place, 12))
    pen = ImageDraw.Draw(image)
    dead = ((128, 96, 56), (104, 78, 46), (84, 104, 50), (146, 120, 76))
    for _ in range(place.integer(16, 30)):
        shape = LeafShape(place.uniform(0.15, 0.4), 0.45, veins=0)
        at = (place.unit() * size[0], place.unit() * size[1])
        length = place.uniform(0.1, 0.3) * max(size)
        tone = jitter(place.choice(dead), place, 16)
        draw_leaf(pen, shape, (at, place.uniform(0, 6.28), length), tone, place)
    return image.filter(ImageFilter.GaussianBlur(place.uniform(1.5, 7)))


def draw_fungus(species: int | str, place: Draws, draws: Draws) -> Image.Image:
    """One RGB photograph. ``species`` is a class id or a stranger's name; ``place`` draws what the
    photographs of an observation share."""
    long, short = draws.integer(140, 164), draws.integer(108, 132)
    width, height = (long, short) if draws.chance(0.6) else (short, long)
    size = width * SCALE, height * SCALE
    image = _floor(size, place)
    length = min(size) * draws.uniform(0.42, 0.62)
    foot = (size[0] * draws.uniform(0.4, 0.6), size[1] * draws.uniform(0.8, 0.94))
    if isinstance(species, str):
        _stranger(image, species, foot, length, draws)
    else:
        kind = SPECIES[species]
        number = max(1, kind.cluster + draws.integer(-1, 1) - (kind.cluster == 1))
        for _ in range(number if kind.cluster > 1 else 1):
            aside = draws.normal(0, 0.28 * length) if kind.cluster > 1 else 0.0
            at = (foot[0] + aside, foot[1] + draws.normal(0, 5))
            grown = length * draws.uniform(0.75, 1.05)
            _mushroom(image, kind, at, grown, draws.normal(0, 0.16), draws)
    pen = ImageDraw.Draw(image)
    for _ in range(draws.integer(0, 12)):
        blade = curve((draws.unit() * size[0], size[1] + 4.0), -1.57 + draws.normal(0, 0.35),
                      size[1] * draws.uniform(0.1, 0.35), draws.normal(0, 0.5), 6)  # fmt: skip
        stroke(pen, blade, jitter((96, 120, 54), draws, 18), draws.uniform(2, 5))
    mottle = smooth_noise(draws, *size, (30, 24)) * np.float32(0.07)
    lit = light(modulate(image, 1 + mottle), draws, draws.uniform(0.1, 0.35))
    return camera(lit, draws, blur=(0, 1.3), grain=(1, 4), gain=(0.75, 1.15))
