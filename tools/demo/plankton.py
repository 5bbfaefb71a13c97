"""Grey silhouettes from an imaging flow microscope: cells, chains, coils and debris."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo.canvas import (
    SCALE,
    Array,
    Point,
    camera,
    curve,
    ellipse,
    light,
    ragged,
    rotated,
    smooth_noise,
    stroke,
)
from demo.draws import Draws

Pen = ImageDraw.ImageDraw


def _tone(draws: Draws) -> int:
    return draws.integer(70, 135)


def _cell(pen: Pen, outline: list[Point], tone: int, rim: int = 30) -> None:
    pen.polygon(outline, fill=tone)
    stroke(pen, [*outline, outline[0]], max(0, tone - rim), 3)


def _middle(size: tuple[int, int]) -> Point:
    return size[0] / 2, size[1] / 2


def _disc(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A centric diatom: a round valve with rays."""
    r = 0.36 * min(size) * draws.uniform(0.75, 1.1)
    tone = _tone(draws) + 20
    tilt = draws.uniform(0.75, 1.0)
    turn, centre = draws.uniform(0, 3), _middle(size)
    _cell(pen, rotated(ellipse(r, r * tilt), turn, centre), tone)
    for i in range(draws.integer(9, 18)):
        t = 2 * math.pi * i / 12 + draws.normal(0, 0.1)
        ray = [(0.25 * r * math.cos(t), 0.25 * r * tilt * math.sin(t))]
        ray.append((0.9 * r * math.cos(t), 0.9 * r * tilt * math.sin(t)))
        stroke(pen, rotated(ray, turn, centre), tone - 22, 2)
    _cell(pen, rotated(ellipse(0.2 * r, 0.2 * r * tilt), turn, centre), tone - 25)


def _spine(size: tuple[int, int], draws: Draws, share: float, bend: float) -> list[Point]:
    length = share * max(size) * draws.uniform(0.8, 1.05)
    angle = draws.normal(0, 0.25) + (0 if size[0] >= size[1] else math.pi / 2)
    turn = draws.normal(0, bend)
    first = curve((0.0, 0.0), angle - turn / 2, length, turn, 40)
    x = sum(p[0] for p in first) / len(first)
    y = sum(p[1] for p in first) / len(first)
    cx, cy = _middle(size)
    return [(px - x + cx, py - y + cy) for px, py in first]


def _needle(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A pennate diatom: a thin spindle."""
    path = _spine(size, draws, 0.8, 0.12)
    tone, half = _tone(draws), draws.uniform(5, 12)
    for i, (x, y) in enumerate(path):
        r = half * math.sin(math.pi * (i + 0.5) / len(path)) ** 0.7
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tone)


def _filament(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A bundle of straight filaments."""
    for _ in range(draws.integer(1, 5)):
        path = _spine(size, draws, 0.85, 0.25)
        dx, dy = draws.normal(0, 7), draws.normal(0, 9)
        stroke(pen, [(x + dx, y + dy) for x, y in path], _tone(draws), draws.uniform(4, 8))


def _chain(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A chain of boxy cells with gaps between them."""
    path = _spine(size, draws, 0.85, 0.5)
    tone, half = _tone(draws), draws.uniform(9, 15)
    step = draws.integer(4, 6)
    for i in range(0, len(path) - step, step):
        (x0, y0), (x1, y1) = path[i], path[i + step - 1]
        angle = math.atan2(y1 - y0, x1 - x0)
        box = [(-0.5, -half), (0.5, -half), (0.5, half), (-0.5, half)]
        length = math.hypot(x1 - x0, y1 - y0) * 0.85
        outline = rotated([(x * length, y) for x, y in box], angle, ((x0 + x1) / 2, (y0 + y1) / 2))
        _cell(pen, outline, tone)


def _setae(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A chain of cells with long bristles."""
    path = _spine(size, draws, 0.75, 0.5)
    for i in range(2, len(path), draws.integer(4, 7)):
        x, y = path[i]
        for side in (-1, 1):
            angle = side * draws.uniform(0.9, 1.9)
            bristle = curve((x, y), angle, 0.3 * min(size) * draws.uniform(0.7, 1.4), side * 0.4)
            stroke(pen, bristle, 130, 2)
    _chain_of(pen, path, draws, draws.uniform(8, 13), 5)


def _chain_of(pen: Pen, path: list[Point], draws: Draws, radius: float, step: int) -> None:
    tone = _tone(draws)
    for x, y in path[::step]:
        r = radius * draws.uniform(0.85, 1.15)
        _cell(pen, rotated(ellipse(r, r * 0.9, 20), 0, (x, y)), tone)


def _beads(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A coiled string of round beads."""
    cx, cy = _middle(size)
    radius = 0.24 * min(size) * draws.uniform(0.8, 1.2)
    turns, squash = draws.uniform(1.1, 2.3), draws.uniform(0.6, 1)
    path, count, drift = [], 90, draws.uniform(0.2, 0.7)
    for i in range(count):
        t = 2 * math.pi * turns * i / count
        r = radius * (0.7 + 0.5 * i / count)
        path.append((cx + r * math.cos(t) + drift * (i - 45), cy + squash * r * math.sin(t)))
    _chain_of(pen, path, draws, draws.uniform(5, 8), draws.integer(3, 4))


def _coil(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A thick coiled ribbon."""
    cx, cy = _middle(size)
    radius = 0.22 * min(size) * draws.uniform(0.8, 1.2)
    turns, drift = draws.uniform(1.0, 2.2), draws.uniform(0.4, 1.2)
    path = []
    for i in range(80):
        t = 2 * math.pi * turns * i / 80
        r = radius * (0.8 + 0.4 * i / 80)
        path.append((cx + r * math.cos(t) + drift * (i - 40), cy + 0.8 * r * math.sin(t)))
    tone = _tone(draws)
    stroke(pen, path, tone, draws.uniform(9, 14))
    for i in range(0, 80, 3):
        x, y = path[i]
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=max(0, tone - 30))


def _armoured(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A dinoflagellate: an oval with a girdle and a fin."""
    r = 0.34 * min(size) * draws.uniform(0.75, 1.1)
    turn, centre, tone = draws.normal(0, 0.7), _middle(size), _tone(draws) - 15
    fin = [(-0.3 * r, -1.0 * r), (0.7 * r, -1.35 * r), (1.15 * r, -0.2 * r), (0.5 * r, 0.6 * r)]
    pen.polygon(rotated(fin, turn, centre), fill=tone + 60)
    _cell(pen, rotated(ellipse(0.78 * r, r), turn, centre), tone)
    girdle = [(-0.72 * r, -0.35 * r), (0.0, -0.45 * r), (0.72 * r, -0.35 * r)]
    stroke(pen, rotated(girdle, turn, centre), tone - 40, 5)


def _cone(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A dinoflagellate: two cones base to base."""
    r = 0.32 * min(size) * draws.uniform(0.7, 1.1)
    turn, centre, tone = draws.normal(0, 0.9), _middle(size), _tone(draws)
    cone = [(0, -1.25 * r), (0.55 * r, -0.5 * r), (0.85 * r, 0.0), (0.5 * r, 0.6 * r), (0, r)]
    outline = cone + [(-x, y) for x, y in reversed(cone[1:-1])]
    _cell(pen, rotated(outline, turn, centre), tone)
    stroke(pen, rotated([(-0.8 * r, 0), (0.8 * r, 0)], turn, centre), tone - 35, 4)


def _ciliate(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A ciliate: a rounded body with a fringe on one end."""
    r = 0.34 * min(size) * draws.uniform(0.7, 1.1)
    turn, centre, tone = draws.uniform(0, 6.28), _middle(size), _tone(draws) - 10
    body = rotated(ellipse(r, 0.72 * r), turn, centre)
    for i in range(22):
        t = draws.uniform(-1.0, 1.0)
        root = (r * math.cos(t), 0.72 * r * math.sin(t))
        tip = (root[0] * draws.uniform(1.15, 1.5), root[1] * 1.35 + (i % 3 - 1) * 3)
        stroke(pen, rotated([root, tip], turn, centre), 110, 2)
    _cell(pen, body, tone)
    x, y = draws.normal(0, 0.2) * r, draws.normal(0, 0.15) * r
    pen.polygon(rotated([(a + x, b + y) for a, b in ellipse(r / 4, r / 4)], turn, centre), fill=55)


def _drop(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A flagellate: a drop with a whip."""
    r = 0.28 * min(size) * draws.uniform(0.7, 1.15)
    turn, centre, tone = draws.uniform(0, 6.28), _middle(size), _tone(draws)
    half = [(r * math.cos(t / 10), 0.6 * r * math.sin(t / 10)) for t in range(0, 22)]
    outline = half + [(-1.5 * r, 0.0)] + [(x, -y) for x, y in reversed(half)]
    whip = curve((0.95 * r, 0.0), draws.normal(0, 0.4), 1.2 * r, draws.normal(0, 1.6))
    stroke(pen, rotated(whip, turn, centre), 125, 3)
    _cell(pen, rotated(outline, turn, centre), tone)


def _colony(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """A colony of egg-shaped cells in jelly."""
    cx, cy = _middle(size)
    spread = 0.2 * min(size) * draws.uniform(0.8, 1.2)
    jelly = ragged(ellipse(1.75 * spread, 1.55 * spread), draws, 4)
    pen.polygon(rotated(jelly, 0, (cx, cy)), fill=168)
    for _ in range(draws.integer(4, 9)):
        r = spread * draws.uniform(0.35, 0.55)
        place = (cx + draws.normal(0, spread * 0.6), cy + draws.normal(0, spread * 0.5))
        _cell(pen, rotated(ellipse(r, r * 0.7, 24), draws.uniform(0, 3), place), _tone(draws))


def _debris(pen: Pen, size: tuple[int, int], draws: Draws) -> None:
    """Nothing that has a name: a lump, a crumb, a fragment."""
    cx, cy = _middle(size)
    r = 0.25 * min(size) * draws.uniform(0.5, 1.2)
    for _ in range(draws.integer(2, 6)):
        lump = ragged(
            ellipse(r * draws.uniform(0.4, 1), r * draws.uniform(0.3, 0.8), 14), draws, r / 5
        )
        place = (cx + draws.normal(0, r * 0.5), cy + draws.normal(0, r * 0.5))
        pen.polygon(
            rotated(lump, draws.uniform(0, 3), place), fill=_tone(draws) + draws.integer(-30, 30)
        )


KINDS: dict[str, Callable[[Pen, tuple[int, int], Draws], None]] = {
    "Aphanizomenon": _filament,
    "Centrales": _disc,
    "Chaetoceros": _setae,
    "Ciliata": _ciliate,
    "Cryptomonas": _drop,
    "Dinophysis": _armoured,
    "Dolichospermum": _beads,
    "Heterocapsa": _cone,
    "Nodularia": _coil,
    "Oocystis": _colony,
    "Pennales": _needle,
    "Skeletonema": _chain,
    "Unclassifiable": _debris,
}
"""Class names, after the organisms that each drawing resembles, and how they are drawn."""

WIDE = frozenset({"Aphanizomenon", "Chaetoceros", "Nodularia", "Pennales", "Skeletonema"})


def _specimen(kind: str, size: tuple[int, int], draws: Draws) -> Array:
    """The share of light that passes through one object of the class ``kind``; 1 = all of it."""
    layer = Image.new("L", size, 255)
    KINDS[kind](ImageDraw.Draw(layer), size, draws)
    share = draws.uniform(0.5, 1.0)
    small = layer.resize((round(size[0] * share), round(size[1] * share)), Image.Resampling.BOX)
    lean = draws.normal(0, 40) if share < 0.75 else draws.normal(0, 10)
    turned = small.rotate(lean, Image.Resampling.BILINEAR, expand=True, fillcolor=255)
    placed = Image.new("L", size, 255)
    left, top = ((a - b) // 2 for a, b in zip(size, turned.size, strict=True))
    placed.paste(turned, (left + draws.integer(-12, 12), top + draws.integer(-8, 8)))
    soft = placed.filter(ImageFilter.GaussianBlur(draws.uniform(0.5, 2) + 5 * draws.unit() ** 3))
    # Cells are mottled inside, and more or less clear.
    shade = 1 - np.asarray(soft, dtype=np.float32) / np.float32(255)
    mottle = 1 + smooth_noise(draws, *size, (22, 22)) * np.float32(draws.uniform(0.1, 0.45))
    return 1 - shade * mottle * np.float32(draws.uniform(0.35, 1.1))


def draw_plankton(kind: str, draws: Draws) -> Image.Image:
    """One grey picture of the class ``kind``, cropped around the object as the instrument does."""
    long, short = draws.integer(130, 220), draws.integer(90, 140)
    if kind not in WIDE:
        long = draws.integer(110, 190)
    width, height = (long, short) if draws.chance(0.8) else (short, long)
    size = width * SCALE, height * SCALE
    field = Image.new("L", size, draws.integer(178, 224))
    pen = ImageDraw.Draw(field)
    for _ in range(draws.integer(0, 9)):
        x, y, r = draws.unit() * size[0], draws.unit() * size[1], draws.uniform(2, 9)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=draws.integer(110, 190))
    passing = _specimen(kind, size, draws)
    if draws.chance(0.3):
        # A neighbour that the crop cuts off.
        other = _specimen(draws.choice(sorted(KINDS)), size, draws)
        shift = draws.choice((-1, 1)) * size[0] // 2
        cut = np.ones_like(other)
        if shift > 0:
            cut[:, shift:] = other[:, :-shift]
        else:
            cut[:, :shift] = other[:, -shift:]
        passing = passing * cut
    seen = np.asarray(field, dtype=np.float32) * passing
    rgb = Image.fromarray(np.clip(np.round(seen), 0, 255).astype(np.uint8)).convert("RGB")
    lit = light(rgb, draws, draws.uniform(0.02, 0.12)).convert("L")
    taken = camera(lit, draws, blur=(0, 1.8), grain=(2, 8), gain=(0.85, 1.12))
    # The camera's converter has five bits, which also keeps the files small.
    return taken.point(lambda v: v // 8 * 8 + 4)
