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
from demo.dice import Dice
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
    pen: ImageDraw.ImageDraw, path: list[Point], shoot: Shoot, height: float, dice: Dice
) -> None:
    colour = jitter(mixed(shoot.colour, dice.choice((BROWN, OLIVE)), dice.uniform(0, 0.5)), dice, 8)
    stroke(pen, path, mixed(colour, (70, 50, 30), 0.5), height * 0.008)
    nodes = max(3, shoot.nodes + dice.integer(-1, 1))
    side = 1
    for i in range(nodes):
        k = 3 + (len(path) - 4) * i // nodes
        (x0, y0), (x1, y1) = path[k], path[k + 1]
        along = math.atan2(y1 - y0, x1 - x0)
        size = height * shoot.leaf_length * dice.uniform(0.75, 1.15) * (1.1 - 0.35 * i / nodes)
        for way in (1, -1) if shoot.opposite else (side,):
            if dice.chance(0.1):
                continue  # a leaf that fell off
            turn = along + way * dice.normal(shoot.angle, 0.2)
            tone = jitter(colour, dice, 10)
            draw_leaf(pen, shoot.leaf, (path[k], turn, size), tone, dice, vein=0.2, rim=0.3)
        side = -side
    x, y = path[-1]
    draw_leaf(
        pen,
        shoot.leaf,
        ((x, y), dice.normal(-1.57, 0.3), height * shoot.leaf_length * 0.7),
        colour,
        dice,
    )
    if shoot.fruits:
        for _ in range(dice.integer(3, 7)):
            fx, fy, r = (
                x + dice.normal(0, height * 0.03),
                y + dice.normal(0, height * 0.03),
                height * 0.011,
            )
            pen.ellipse((fx - r, fy - r, fx + r, fy + r), fill=jitter((110, 50, 40), dice, 12))


def _specimen(pen: ImageDraw.ImageDraw, size: tuple[int, int], shoot: Shoot, dice: Dice) -> None:
    width, height = size
    root = (width * dice.uniform(0.4, 0.6), height * dice.uniform(0.82, 0.92))
    heading = dice.normal(-math.pi / 2, 0.15)
    main = curve(root, heading, height * dice.uniform(0.6, 0.74), dice.normal(0, 0.4), 30)
    for _ in range(max(0, shoot.branches + dice.integer(-1, 0))):
        k = dice.integer(6, 16)
        away = heading + dice.choice((-1, 1)) * dice.uniform(0.4, 0.8)
        branch = curve(main[k], away, height * dice.uniform(0.28, 0.42), -0.3, 24)
        _grow(pen, branch, shoot, height * 0.9, dice)
    _grow(pen, main, shoot, height, dice)


def _furniture(pen: ImageDraw.ImageDraw, size: tuple[int, int], dice: Dice) -> None:
    """Label, barcode, ruler, colour chart."""
    width, height = size
    w, h = width * dice.uniform(0.3, 0.4), height * dice.uniform(0.12, 0.17)
    left = dice.choice((width * 0.03, width * 0.97 - w))
    top = height * dice.uniform(0.8, 0.83)
    pen.rectangle(
        (left, top, left + w, top + h),
        fill=jitter((240, 236, 222), dice, 4),
        outline=(150, 140, 120),
    )
    for i in range(6):
        y = top + h * (0.15 + 0.14 * i)
        end = left + w * dice.uniform(0.5, 0.92)
        x = left + w * 0.08
        while x < end:
            word = dice.uniform(0.04, 0.16) * w
            stroke(pen, [(x, y), (min(end, x + word), y)], (90, 84, 78), h * 0.045)
            x += word + 0.035 * w
    if dice.chance(0.6):
        x, y = width * dice.uniform(0.05, 0.6), height * dice.uniform(0.015, 0.04)
        for i in range(24):
            if dice.chance(0.55):
                pen.rectangle((x + 5 * i, y, x + 5 * i + 3, y + height * 0.03), fill=(40, 38, 36))
    if dice.chance(0.5):
        x = dice.choice((width * 0.015, width * 0.955))
        for i in range(20):
            y = height * 0.2 + i * height * 0.02
            fill = (30, 30, 30) if i % 2 else (235, 235, 230)
            pen.rectangle((x, y, x + width * 0.025, y + height * 0.02), fill=fill)
    else:
        chart = ((190, 50, 40), (220, 190, 40), (60, 130, 60), (50, 80, 150), (120, 120, 120))
        for i, patch in enumerate(chart):
            x = width * (0.55 + 0.07 * i)
            pen.rectangle((x, height * 0.01, x + width * 0.06, height * 0.035), fill=patch)


def draw_sheet(shoot: Shoot, dice: Dice) -> Image.Image:
    """One RGB scan of a herbarium sheet, about two wide to three high."""
    width = dice.integer(136, 168)
    size = width * SCALE, round(width * dice.uniform(1.35, 1.55)) * SCALE
    paper = jitter(dice.choice(((232, 224, 204), (224, 212, 184), (238, 234, 222))), dice, 6)
    image = Image.new("RGB", size, paper)
    pen = ImageDraw.Draw(image)
    for _ in range(dice.integer(0, 5)):
        x, y, r = dice.unit() * size[0], dice.unit() * size[1], dice.uniform(2, 8)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=mixed(paper, (150, 110, 60), 0.35))
    _furniture(pen, size, dice)
    _specimen(pen, size, shoot, dice)
    for _ in range(dice.integer(1, 3)):
        x, y = size[0] * dice.uniform(0.35, 0.6), size[1] * dice.uniform(0.25, 0.8)
        length, thick = dice.uniform(20, 46), dice.uniform(5, 9)
        slant = dice.normal(0, 8)
        stroke(
            pen,
            [(x - length / 2, y - slant), (x + length / 2, y + slant)],
            mixed(paper, (255, 255, 250), 0.5),
            thick,
        )
    if dice.chance(0.25):
        x, y, r = size[0] * dice.uniform(0.2, 0.8), size[1] * dice.uniform(0.2, 0.7), size[0] * 0.12
        pen.rectangle(
            (x, y, x + r, y + r * 0.8),
            fill=jitter((222, 206, 170), dice, 6),
            outline=(170, 150, 110),
        )
    mottle = smooth_noise(dice, *size, (36, 52)) * np.float32(dice.uniform(0.02, 0.07))
    lit = light(modulate(image, 1 + mottle), dice, dice.uniform(0.02, 0.08))
    return camera(lit, dice, blur=(0, 1.2), grain=(1, 3), gain=(0.85, 1.1))
