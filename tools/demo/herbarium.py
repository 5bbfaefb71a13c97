"""Pressed specimens on paper: a dried shoot, a label, a ruler and strips of tape."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

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
class Shoot:
    """A species: its leaf, how leaves stand on the stem, and how often the stem branches.

    leaf_length: in sheet heights. nodes: leaves along a stem. opposite: two leaves a node.
    angle: between leaf and stem, radians. fruits: berries at the tips.
    """

    leaf: LeafShape
    leaf_length: float
    nodes: int
    opposite: bool
    angle: float
    branches: int
    colour: Colour
    fruits: bool = False


OLIVE, BROWN, KHAKI, DARK = (112, 108, 62), (118, 88, 54), (138, 126, 84), (82, 80, 50)
SPECIES: dict[str, Shoot] = {
    "0": Shoot(LeafShape(0.16, 0.4, 1.4), 0.19, 6, False, 0.8, 2, OLIVE),
    "1": Shoot(LeafShape(0.17, 0.42, 1.4), 0.18, 6, True, 0.9, 1, OLIVE),
    "2": Shoot(LeafShape(0.3, 0.42, 1.1, veins=8), 0.17, 5, False, 0.9, 2, BROWN),
    "3": Shoot(
        LeafShape(0.3, 0.4, 1.1, teeth=9, tooth=0.25, veins=8), 0.17, 5, False, 0.9, 2, OLIVE
    ),
    "4": Shoot(LeafShape(0.08, 0.45, 1.0, veins=0), 0.15, 11, False, 0.6, 2, KHAKI),
    "5": Shoot(LeafShape(0.07, 0.5, 1.0, veins=0), 0.13, 10, True, 0.7, 2, DARK),
    "6": Shoot(LeafShape(0.23, 0.4, 1.1, leaflets=4, veins=2), 0.24, 4, False, 0.8, 1, OLIVE),
    "7": Shoot(LeafShape(0.2, 0.45, 1.1, leaflets=6, veins=2), 0.26, 4, False, 0.8, 1, BROWN),
    "8": Shoot(
        LeafShape(0.28, 0.45, 1.0, lobes=4, lobe=0.4, veins=4), 0.2, 4, False, 0.8, 1, KHAKI
    ),
    "9": Shoot(LeafShape(0.36, 0.34, 1.2, heart=0.15, veins=5), 0.16, 5, False, 1.0, 1, OLIVE),
    "10": Shoot(LeafShape(0.22, 0.6, 1.0), 0.14, 6, True, 0.7, 2, DARK, fruits=True),
    "11": Shoot(LeafShape(0.19, 0.42, 1.3), 0.17, 6, False, 0.8, 2, BROWN, fruits=True),
}
"""Species by folder name; neighbours differ in one trait, which drying and clutter can hide."""


def _grow(
    pen: ImageDraw.ImageDraw, path: list[Point], shoot: Shoot, height: float, draws: Draws
) -> None:
    colour = jitter(
        mixed(shoot.colour, draws.choice((BROWN, OLIVE)), draws.uniform(0, 0.5)), draws, 8
    )
    stroke(pen, path, mixed(colour, (70, 50, 30), 0.5), height * 0.008)
    nodes = max(3, shoot.nodes + draws.integer(-1, 1))
    side = 1
    for i in range(nodes):
        k = 3 + (len(path) - 4) * i // nodes
        (x0, y0), (x1, y1) = path[k], path[k + 1]
        along = math.atan2(y1 - y0, x1 - x0)
        size = height * shoot.leaf_length * draws.uniform(0.75, 1.15) * (1.1 - 0.35 * i / nodes)
        for way in (1, -1) if shoot.opposite else (side,):
            if draws.chance(0.1):
                continue  # a leaf that fell off
            turn = along + way * draws.normal(shoot.angle, 0.2)
            tone = jitter(colour, draws, 10)
            draw_leaf(pen, shoot.leaf, (path[k], turn, size), tone, draws, vein=0.2, rim=0.3)
        side = -side
    x, y = path[-1]
    draw_leaf(
        pen,
        shoot.leaf,
        ((x, y), draws.normal(-1.57, 0.3), height * shoot.leaf_length * 0.7),
        colour,
        draws,
    )
    if shoot.fruits:
        for _ in range(draws.integer(3, 7)):
            fx, fy, r = (
                x + draws.normal(0, height * 0.03),
                y + draws.normal(0, height * 0.03),
                height * 0.011,
            )
            pen.ellipse((fx - r, fy - r, fx + r, fy + r), fill=jitter((110, 50, 40), draws, 12))


def _specimen(pen: ImageDraw.ImageDraw, size: tuple[int, int], shoot: Shoot, draws: Draws) -> None:
    width, height = size
    root = (width * draws.uniform(0.4, 0.6), height * draws.uniform(0.82, 0.92))
    heading = draws.normal(-math.pi / 2, 0.15)
    main = curve(root, heading, height * draws.uniform(0.6, 0.74), draws.normal(0, 0.4), 30)
    for _ in range(max(0, shoot.branches + draws.integer(-1, 0))):
        k = draws.integer(6, 16)
        away = heading + draws.choice((-1, 1)) * draws.uniform(0.4, 0.8)
        branch = curve(main[k], away, height * draws.uniform(0.28, 0.42), -0.3, 24)
        _grow(pen, branch, shoot, height * 0.9, draws)
    _grow(pen, main, shoot, height, draws)


def _furniture(pen: ImageDraw.ImageDraw, size: tuple[int, int], draws: Draws) -> None:
    """Label, barcode, ruler, colour chart."""
    width, height = size
    w, h = width * draws.uniform(0.3, 0.4), height * draws.uniform(0.12, 0.17)
    left = draws.choice((width * 0.03, width * 0.97 - w))
    top = height * draws.uniform(0.8, 0.83)
    pen.rectangle(
        (left, top, left + w, top + h),
        fill=jitter((240, 236, 222), draws, 4),
        outline=(150, 140, 120),
    )
    for i in range(6):
        y = top + h * (0.15 + 0.14 * i)
        end = left + w * draws.uniform(0.5, 0.92)
        x = left + w * 0.08
        while x < end:
            word = draws.uniform(0.04, 0.16) * w
            stroke(pen, [(x, y), (min(end, x + word), y)], (90, 84, 78), h * 0.045)
            x += word + 0.035 * w
    if draws.chance(0.6):
        x, y = width * draws.uniform(0.05, 0.6), height * draws.uniform(0.015, 0.04)
        for i in range(24):
            if draws.chance(0.55):
                pen.rectangle((x + 5 * i, y, x + 5 * i + 3, y + height * 0.03), fill=(40, 38, 36))
    if draws.chance(0.5):
        x = draws.choice((width * 0.015, width * 0.955))
        for i in range(20):
            y = height * 0.2 + i * height * 0.02
            fill = (30, 30, 30) if i % 2 else (235, 235, 230)
            pen.rectangle((x, y, x + width * 0.025, y + height * 0.02), fill=fill)
    else:
        chart = ((190, 50, 40), (220, 190, 40), (60, 130, 60), (50, 80, 150), (120, 120, 120))
        for i, patch in enumerate(chart):
            x = width * (0.55 + 0.07 * i)
            pen.rectangle((x, height * 0.01, x + width * 0.06, height * 0.035), fill=patch)


def draw_sheet(shoot: Shoot, draws: Draws) -> Image.Image:
    """One RGB scan of a herbarium sheet, about two wide to three high."""
    width = draws.integer(136, 168)
    size = width * SCALE, round(width * draws.uniform(1.35, 1.55)) * SCALE
    paper = jitter(draws.choice(((232, 224, 204), (224, 212, 184), (238, 234, 222))), draws, 6)
    image = Image.new("RGB", size, paper)
    pen = ImageDraw.Draw(image)
    for _ in range(draws.integer(0, 5)):
        x, y, r = draws.unit() * size[0], draws.unit() * size[1], draws.uniform(2, 8)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=mixed(paper, (150, 110, 60), 0.35))
    _furniture(pen, size, draws)
    _specimen(pen, size, shoot, draws)
    for _ in range(draws.integer(1, 3)):
        x, y = size[0] * draws.uniform(0.35, 0.6), size[1] * draws.uniform(0.25, 0.8)
        length, thick = draws.uniform(20, 46), draws.uniform(5, 9)
        slant = draws.normal(0, 8)
        stroke(
            pen,
            [(x - length / 2, y - slant), (x + length / 2, y + slant)],
            mixed(paper, (255, 255, 250), 0.5),
            thick,
        )
    if draws.chance(0.25):
        x, y, r = (
            size[0] * draws.uniform(0.2, 0.8),
            size[1] * draws.uniform(0.2, 0.7),
            size[0] * 0.12,
        )
        pen.rectangle(
            (x, y, x + r, y + r * 0.8),
            fill=jitter((222, 206, 170), draws, 6),
            outline=(170, 150, 110),
        )
    mottle = smooth_noise(draws, *size, (36, 52)) * np.float32(draws.uniform(0.02, 0.07))
    lit = light(modulate(image, 1 + mottle), draws, draws.uniform(0.02, 0.08))
    return camera(lit, draws, blur=(0, 1.2), grain=(1, 3), gain=(0.85, 1.1))
