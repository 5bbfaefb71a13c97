"""Photographs of plant organs, a leaf or a flower, in front of a garden out of focus."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo.canvas import (
    SCALE,
    Colour,
    Point,
    camera,
    curve,
    ellipse,
    jitter,
    light,
    mixed,
    modulate,
    rotated,
    smooth_noise,
    stroke,
)
from demo.draws import Draws
from demo.leaves import LeafShape, draw_leaf


@dataclass(frozen=True)
class Flower:
    """A species' flower: petals, half width over length, colours, radius of the centre."""

    petals: int
    aspect: float
    colours: tuple[Colour, ...]
    centre: Colour
    centre_radius: float
    notch: float = 0.0
    layers: int = 1


@dataclass(frozen=True)
class Species:
    """A leaf, its colour, and a flower."""

    leaf: LeafShape
    green: Colour
    flower: Flower


WHITE, PINK, YELLOW, VIOLET = (236, 234, 226), (216, 120, 160), (232, 200, 50), (128, 84, 178)
SPECIES: dict[str, Species] = {
    "1355868": Species(
        LeafShape(0.17, 0.35, 1.4, veins=7), (74, 122, 52),
        Flower(5, 0.42, (PINK, WHITE), (224, 200, 90), 0.22, notch=0.12),
    ),
    "1355936": Species(
        LeafShape(0.30, 0.42, 1.2, teeth=9, tooth=0.22, veins=8), (66, 118, 48),
        Flower(5, 0.50, (WHITE, PINK), (216, 190, 70), 0.28),
    ),
    "1356278": Species(
        LeafShape(0.34, 0.33, 1.2, heart=0.16, veins=5), (86, 134, 60),
        Flower(5, 0.40, (VIOLET, (160, 130, 205)), (240, 224, 120), 0.16, notch=0.2),
    ),
    "1357330": Species(
        LeafShape(0.27, 0.45, 1.0, lobes=4, lobe=0.45, veins=4), (84, 128, 50),
        Flower(13, 0.16, (YELLOW,), (196, 150, 30), 0.30, layers=2),
    ),
    "1358095": Species(
        LeafShape(0.24, 0.40, 1.2, leaflets=4, veins=4), (78, 126, 66),
        Flower(8, 0.26, (WHITE, (238, 222, 228)), (220, 180, 40), 0.34),
    ),
    "1358689": Species(
        LeafShape(0.20, 0.38, 1.3, leaflets=6, veins=3), (92, 136, 72),
        Flower(4, 0.55, (VIOLET, PINK), (90, 70, 110), 0.18),
    ),
    "1359517": Species(
        LeafShape(0.09, 0.45, 1.0, veins=2), (100, 134, 70),
        Flower(21, 0.10, (WHITE,), (226, 186, 40), 0.42),
    ),
    "1361823": Species(
        LeafShape(0.31, 0.38, 1.3, teeth=7, tooth=0.30, heart=0.10, veins=6), (70, 112, 46),
        Flower(6, 0.34, (YELLOW, (240, 220, 120)), (170, 120, 40), 0.20),
    ),
    "1363128": Species(
        LeafShape(0.24, 0.52, 1.0, lobes=5, lobe=0.35, veins=5), (62, 108, 50),
        Flower(13, 0.17, (YELLOW, (238, 170, 40)), (120, 80, 30), 0.36),
    ),
    "1364099": Species(
        LeafShape(0.22, 0.62, 1.0, veins=6), (80, 124, 62),
        Flower(6, 0.40, (PINK, VIOLET), (236, 220, 140), 0.20),
    ),
}  # fmt: skip
"""Species by folder name. Pairs that share a flower or a leaf are hard to tell apart on purpose."""


def _background(size: tuple[int, int], draws: Draws) -> Image.Image:
    ground: Colour = draws.choice(((70, 92, 48), (104, 96, 70), (58, 74, 44), (128, 130, 120)))
    image = Image.new("RGB", size, jitter(ground, draws, 14))
    pen = ImageDraw.Draw(image)
    for _ in range(draws.integer(14, 34)):
        place = (draws.unit() * size[0], draws.unit() * size[1])
        colour = jitter(
            draws.choice(((80, 120, 52), (60, 92, 40), (120, 130, 70), (100, 84, 56))), draws, 20
        )
        shape = LeafShape(draws.uniform(0.08, 0.4), draws.uniform(0.3, 0.6), veins=0)
        length = draws.uniform(0.2, 0.6) * max(size)
        draw_leaf(pen, shape, (place, draws.uniform(0, 6.28), length), colour, draws)
    for _ in range(draws.integer(0, 4)):
        x, y, r = draws.unit() * size[0], draws.unit() * size[1], draws.uniform(8, 28)
        spot = jitter(draws.choice((WHITE, PINK, YELLOW, VIOLET)), draws, 12)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=spot)
    return image.filter(ImageFilter.GaussianBlur(draws.uniform(3, 12)))


def _leaves(
    pen: ImageDraw.ImageDraw, size: tuple[int, int], species: Species, draws: Draws
) -> None:
    heading = draws.uniform(0, 2 * math.pi)
    length = min(size) * draws.uniform(0.62, 0.95)
    for _ in range(draws.integer(0, 2)):
        place = (draws.unit() * size[0], draws.unit() * size[1])
        turn = draws.uniform(0, 6.28)
        draw_leaf(
            pen, species.leaf, (place, turn, length * 0.7), jitter(species.green, draws, 16), draws
        )
    base = (
        size[0] / 2 - math.cos(heading) * length / 2 + draws.normal(0, 10),
        size[1] / 2 - math.sin(heading) * length / 2 + draws.normal(0, 10),
    )
    stroke(pen, curve(base, heading + math.pi, length * 0.3, 0.3), (96, 100, 56), 0.03 * length)
    green = jitter(species.green, draws, 12)
    if draws.chance(0.12):
        green = mixed(green, (168, 120, 50), draws.uniform(0.3, 0.8))
    draw_leaf(pen, species.leaf, (base, heading, length), green, draws)


def _petal(flower: Flower) -> list[Point]:
    points = []
    for i in range(29):
        p = i / 28
        points.append(
            (p - flower.notch * max(0.0, p - 0.85) * 6, flower.aspect * math.sin(math.pi * p**0.8))
        )
    points.append((1 - flower.notch, 0.0))
    return points + [(x, -y) for x, y in reversed(points[:-1])]


def _flower(
    pen: ImageDraw.ImageDraw, flower: Flower, centre: Point, radius: float, draws: Draws
) -> None:
    colour = jitter(draws.choice(flower.colours), draws, 9)
    turn, tilt, lean = draws.uniform(0, 6.28), draws.uniform(0.6, 1.0), draws.uniform(0, 3.14)
    petal = _petal(flower)

    def placed(points: list[Point]) -> list[Point]:
        squashed = [(x, y * tilt) for x, y in points]
        return rotated(squashed, lean, centre)

    for layer in range(flower.layers):
        for i in range(flower.petals):
            angle = turn + 2 * math.pi * (i + layer / 2) / flower.petals + draws.normal(0, 0.06)
            size = radius * draws.uniform(0.88, 1.08) * (1 - 0.25 * layer)
            shade = mixed(jitter(colour, draws, 5), (40, 30, 50), draws.uniform(0, 0.16))
            points = placed(rotated(petal, angle, (0.0, 0.0), size))
            pen.polygon(points, fill=shade)
            stroke(pen, [*points, points[0]], mixed(shade, (50, 40, 50), 0.3), 0.012 * radius)
            vein = placed(rotated([(0.1, 0.0), (0.8, 0.0)], angle, (0.0, 0.0), size))
            stroke(pen, vein, mixed(shade, (60, 40, 60), 0.2), 0.015 * radius)
    middle = jitter(flower.centre, draws, 8)
    r = flower.centre_radius * radius
    pen.polygon(placed(ellipse(r, r)), fill=middle)
    for _ in range(24):
        x, y = draws.normal(0, r * 0.45), draws.normal(0, r * 0.45)
        dot = mixed(middle, draws.choice(((60, 40, 10), (250, 240, 180))), 0.4)
        pen.polygon(placed([(x + a, y + b) for a, b in ellipse(r / 10, r / 10, 8)]), fill=dot)


def _flowers(
    pen: ImageDraw.ImageDraw, size: tuple[int, int], species: Species, draws: Draws
) -> None:
    centre = (size[0] * draws.uniform(0.42, 0.58), size[1] * draws.uniform(0.42, 0.58))
    radius = min(size) * draws.uniform(0.26, 0.45)
    stem = curve(centre, draws.normal(math.pi / 2, 0.5), size[1], draws.normal(0, 0.5))
    stroke(pen, stem, jitter((88, 112, 56), draws, 10), 0.07 * radius)
    for _ in range(draws.integer(0, 3)):
        at, angle = stem[draws.integer(3, 10)], draws.uniform(0, 6.28)
        draw_leaf(pen, species.leaf, (at, angle, radius), jitter(species.green, draws, 12), draws)
    for _ in range(draws.integer(0, 2)):
        place = (draws.unit() * size[0], draws.unit() * size[1])
        _flower(pen, species.flower, place, radius * draws.uniform(0.4, 0.8), draws)
    _flower(pen, species.flower, centre, radius, draws)


def draw_plant(species: Species, draws: Draws) -> Image.Image:
    """One RGB photograph of a leaf or a flower of ``species``."""
    long, short = draws.integer(160, 200), draws.integer(125, 165)
    width, height = (long, short) if draws.chance(0.5) else (short, long)
    size = width * SCALE, height * SCALE
    image = _background(size, draws)
    layer = image.copy()
    pen = ImageDraw.Draw(layer)
    (_flowers if draws.chance(0.5) else _leaves)(pen, size, species, draws)
    if draws.chance(0.3):
        # A blade of grass in front.
        blade = curve(
            (draws.unit() * size[0], float(size[1])), -1.57 + draws.normal(0, 0.3), size[1], 0.4
        )
        stroke(pen, blade, jitter((110, 140, 70), draws, 16), draws.uniform(4, 14))
    lit = light(layer, draws, draws.uniform(0.1, 0.4))
    lit = modulate(lit, 1 + smooth_noise(draws, *size, (30, 30)) * np.float32(0.06))
    return camera(lit, draws, blur=(0, 1.5), grain=(1.5, 5), gain=(0.8, 1.2))
