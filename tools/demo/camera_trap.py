"""Pictures of camera traps: one view a place by day and by night, and an animal somewhere in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo.canvas import SCALE, Colour, camera, jitter, light, mixed, modulate, smooth_noise, stroke
from demo.draws import Draws
from demo.quadruped import Build, Pose, draw_quadruped, stride, tube

EMPTY = 0
BUILDS: dict[int, Build] = {
    2: Build(0.4, 0.58, 0.03, (0.38, 0.085), (0.25, 0.07), 0.04, (146, 104, 66), tail=0.1),
    3: Build(0.4, 0.58, 0.032, (0.38, 0.09), (0.25, 0.075), 0.04, (138, 98, 62), tail=0.1,
             horns=0.3),
    5: Build(0.52, 0.3, 0.05, (0.12, 0.19), (0.34, 0.13), 0.05, (78, 66, 58), tail=0.2),
    7: Build(0.36, 0.4, 0.045, (0.16, 0.12), (0.2, 0.11), 0.06, (196, 156, 96), (60, 44, 30),
             "spots", tail=0.75, bushy=0.015),
    8: Build(0.36, 0.44, 0.036, (0.22, 0.1), (0.28, 0.085), 0.035, (152, 126, 92), tail=0.4,
             bushy=0.07, ears=0.13),
    11: Build(0.66, 0.5, 0.09, (0.1, 0.24), (0.3, 0.2), 0.1, (112, 106, 102), tail=0.3, ears=0.0),
    13: Build(0.42, 0.5, 0.036, (0.4, 0.1), (0.27, 0.085), 0.055, (206, 200, 190), (40, 38, 38),
              "stripes", tail=0.4),
}  # fmt: skip
"""By class id: doe, stag, boar, leopard, jackal, elephant, zebra."""
FOWL, TORTOISE = 9, 14
SIZES = {2: 0.3, 3: 0.32, 5: 0.27, 7: 0.29, 8: 0.24, 11: 0.44, 13: 0.33, FOWL: 0.15, TORTOISE: 0.14}
"""Length of the trunk in picture widths, at the usual distance."""


def _place(location: str, size: tuple[int, int]) -> Image.Image:
    """The scene when nothing passes."""
    draws = Draws(f"iwildcam/location/{location}")
    ground: Colour = draws.choice(((120, 104, 70), (92, 100, 56), (136, 122, 92), (84, 82, 60)))
    far: Colour = draws.choice(((120, 136, 100), (168, 176, 170), (88, 104, 72)))
    image = Image.new("RGB", size, jitter(far, draws, 8))
    pen = ImageDraw.Draw(image)
    top = size[1] * draws.uniform(0.3, 0.5)
    pen.rectangle((0, top, size[0], size[1]), fill=jitter(ground, draws, 8))
    for _ in range(draws.integer(10, 26)):
        x, y, r = draws.unit() * size[0], top + draws.normal(0, 10), draws.uniform(8, 34)
        bush = jitter(mixed(far, (60, 84, 44), 0.6), draws, 16)
        pen.ellipse((x - r, y - r, x + r, y + 0.6 * r), fill=bush)
    for _ in range(draws.integer(1, 7)):
        x, w = draws.unit() * size[0], draws.uniform(4, 20)
        foot = top + draws.uniform(0, 0.25) * size[1]
        tilt = draws.normal(0, 12)
        trunk = [(x, foot), (x + tilt, 0.0)]
        stroke(pen, trunk, jitter((82, 70, 56), draws, 14), w)
    for _ in range(draws.integer(12, 40)):
        x, y = draws.unit() * size[0], top + draws.unit() * (size[1] - top)
        r = draws.uniform(2, 16) * (0.4 + (y - top) / size[1])
        spot = jitter(ground, draws, 20)
        pen.ellipse((x - 2 * r, y - 0.5 * r, x + 2 * r, y + 0.5 * r), fill=spot)
    return image.filter(ImageFilter.GaussianBlur(1.6))


def _fowl(image: Image.Image, foot: tuple[float, float], size: float, left: bool) -> None:
    pen, way = ImageDraw.Draw(image), -1 if left else 1
    x, y = foot
    dark, light_tone = (64, 66, 76), (190, 190, 196)
    for k in (-0.1, 0.12):
        stroke(
            pen, [(x + way * k * size, y - 0.4 * size), (x + way * k * size, y)], (90, 80, 60), 3
        )
    body = [(x - way * 0.5 * size, y - 0.62 * size), (x, y - 0.66 * size),
            (x + way * 0.3 * size, y - 0.72 * size)]  # fmt: skip
    tube(pen, body, [0.12 * size, 0.34 * size, 0.22 * size], dark)
    neck = [(x + way * 0.34 * size, y - 0.8 * size), (x + way * 0.5 * size, y - 1.15 * size)]
    tube(pen, neck, [0.12 * size, 0.07 * size], (90, 100, 130))
    for i in range(14):
        u, v = (i % 5 - 2) * 0.13 * size, (i // 5 - 1) * 0.15 * size
        pen.ellipse((x + u - 2, y - 0.65 * size + v - 2, x + u + 2, y - 0.65 * size + v + 2),
                    fill=light_tone)  # fmt: skip


def _tortoise(image: Image.Image, foot: tuple[float, float], size: float, left: bool) -> None:
    pen, way = ImageDraw.Draw(image), -1 if left else 1
    x, y = foot
    for k in (-0.35, 0.35):
        tube(pen, [(x + k * size, y - 0.2 * size), (x + k * size, y)], [8, 7], (104, 96, 70))
    tube(pen, [(x + way * 0.45 * size, y - 0.2 * size), (x + way * 0.75 * size, y - 0.32 * size)],
         [0.1 * size, 0.11 * size], (112, 104, 76))  # fmt: skip
    pen.pieslice((x - 0.6 * size, y - 0.72 * size, x + 0.6 * size, y + 0.48 * size), 180, 360,
                 fill=(96, 84, 54), outline=(50, 44, 30))  # fmt: skip


def _animal(image: Image.Image, kind: int, draws: Draws) -> None:
    width, height = image.size
    near = draws.uniform(0.6, 1.35)
    size = width * SIZES[kind] * near
    # Who is near stands low in the picture; some are cut off by its edge.
    foot = (width * draws.uniform(0.1, 0.9), height * min(0.97, 0.52 + 0.3 * near))
    left = draws.chance(0.5)
    if kind == FOWL:
        for i in range(draws.integer(1, 3)):
            _fowl(image, (foot[0] + (i - 1) * size * 1.2, foot[1]), size, left)
        return
    if kind == TORTOISE:
        _tortoise(image, foot, size, left)
        return
    pose = Pose(
        neck=draws.uniform(-0.7, 0.9) if kind not in (5, 11) else draws.uniform(-0.3, 0.2),
        nod=draws.uniform(0.3, 1.0), legs=stride(draws.unit(), draws.uniform(0.05, 0.45)),
        bend=0.15, tail=draws.normal(0, 0.4),
    )  # fmt: skip
    build = replace(BUILDS[kind], coat=jitter(BUILDS[kind].coat, draws, 10))
    if kind == 3 and draws.chance(0.2):
        build = replace(build, horns=0.1)
    draw_quadruped(image, build, pose, (foot, size, left), draws)
    if kind == 11:
        way = -1 if left else 1
        pen = ImageDraw.Draw(image)
        x, y = foot[0] + way * 0.9 * size, foot[1] - 0.72 * size
        trunk = [
            (x, y),
            (x + way * 0.1 * size, y + 0.3 * size),
            (x + way * 0.04 * size, foot[1] - 8),
        ]
        tube(pen, trunk, [0.1 * size, 0.06 * size, 0.04 * size], build.coat)
        x -= way * 0.25 * size
        ear = (x - 0.15 * size, y - 0.2 * size, x + 0.15 * size, y + 0.22 * size)
        pen.ellipse(ear, fill=mixed(build.coat, (40, 36, 34), 0.25))


def draw_trap(kind: int, location: str, draws: Draws) -> Image.Image:
    """One picture of the camera at ``location``: RGB, at night with equal channels."""
    size = 160 * SCALE, 120 * SCALE
    night = draws.chance(0.35)
    image = _place(location, size)
    if kind != EMPTY:
        _animal(image, kind, draws)
    pen = ImageDraw.Draw(image)
    for _ in range(draws.integer(0, 16)):
        x, tall = draws.unit() * size[0], draws.uniform(0.05, 0.25) * size[1]
        top = (x + draws.normal(0, 12), size[1] - tall)
        stroke(
            pen, [(x, float(size[1])), top], jitter((112, 120, 66), draws, 18), draws.uniform(2, 5)
        )
    image = modulate(image, 1 + smooth_noise(draws, *size, (40, 30)) * np.float32(0.08))
    if night:
        grey = image.convert("L").convert("RGB")
        x = np.linspace(-1, 1, size[0], dtype=np.float32)[None, :]
        y = np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
        flash = np.float32(1.15) - np.float32(0.6) * (x * x + y * y)
        image = modulate(grey, flash * np.float32(draws.uniform(0.6, 1.0)))
    else:
        image = light(image, draws, draws.uniform(0.1, 0.4))
    taken = camera(image, draws, blur=(0.2, 1.4), grain=(1.5, 5), gain=(0.8, 1.15))
    banner = ImageDraw.Draw(taken)
    banner.rectangle((0, 112, 160, 120), fill=(12, 12, 12))
    x = 3
    while x < 150:
        wide = draws.integer(1, 3)
        if draws.chance(0.75):
            banner.rectangle((x, 114, x + wide, 117), fill=(226, 226, 220))
        x += wide + 2
    return taken
