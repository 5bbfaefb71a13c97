"""Fish in the water, on deck and in the hand. How and where a fish lives shows in its build, its
colours and what is around it, and not always."""

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
    jitter,
    light,
    mixed,
    modulate,
    rotated,
    smooth_noise,
    stroke,
)
from demo.draws import Draws

ZONES = ("Tropical", "Subtropical", "Temperate", "Boreal", "Polar")
WATERS = ("freshwater", "brackish", "saltwater")
SPECIES = 72


@dataclass(frozen=True)
class Fish:
    """One species: where it lives, and what it looks like.

    deep: half height over length. fork: how deeply the tail is cut. fins: height of the back fin.
    marking: bars, spots, lines or plain.
    """

    family: str
    name: str
    pelagic: bool
    zones: frozenset[str]
    waters: frozenset[str]
    deep: float
    snout: float
    fork: float
    fins: float
    back: Colour
    side: Colour
    accent: Colour
    marking: str
    barbels: bool
    eye: float


TROPICAL = ((238, 190, 50), (60, 130, 210), (230, 110, 60), (90, 190, 160), (200, 70, 120))
MURKY = ((112, 106, 66), (96, 92, 60), (124, 100, 64), (84, 92, 70))
SILVER = ((150, 166, 178), (126, 146, 166), (168, 172, 170), (110, 130, 140))
PALE = ((178, 172, 168), (160, 150, 150), (190, 180, 170))


def make_fish(number: int) -> Fish:
    """Species ``number``; its looks follow its life, with exceptions."""
    draws = Draws(f"fishnet/species/{number}")
    pelagic = draws.chance(0.5)
    warmth = draws.integer(0, 4)
    zones = {ZONES[warmth]}
    for near in (warmth - 1, warmth + 1):
        if 0 <= near < len(ZONES) and draws.chance(0.45):
            zones.add(ZONES[near])
    water = draws.choice((0, 0, 2, 2, 2, 1))
    waters = {WATERS[water]}
    if water != 1 and draws.chance(0.3):
        waters.add("brackish")
    if water == 1 and draws.chance(0.7):
        waters.add(draws.choice(("freshwater", "saltwater")))
    looks_pelagic = pelagic if draws.chance(0.9) else not pelagic
    if warmth <= 1 and draws.chance(0.85):
        side = draws.choice(TROPICAL)
    elif water == 0 and draws.chance(0.7):
        side = draws.choice(MURKY)
    elif warmth == 4:
        side = draws.choice(PALE)
    else:
        side = draws.choice(SILVER if looks_pelagic else MURKY)
    marking = draws.choice(
        ("bars", "spots", "lines", "plain") if warmth <= 2 else ("spots", "plain")
    )
    return Fish(
        family=f"Pisces{chr(ord('a') + number % 7)}idae",
        name=f"Piscis species{number:02}",
        pelagic=pelagic,
        zones=frozenset(zones),
        waters=frozenset(waters),
        deep=draws.uniform(0.13, 0.24) if looks_pelagic else draws.uniform(0.2, 0.36),
        snout=draws.uniform(0.25, 0.34) if looks_pelagic else draws.uniform(0.14, 0.26),
        fork=draws.uniform(0.5, 0.9) if looks_pelagic else draws.uniform(-0.3, 0.2),
        fins=draws.uniform(0.05, 0.12) if looks_pelagic else draws.uniform(0.1, 0.22),
        back=mixed(side, (30, 50, 70) if looks_pelagic else (60, 48, 30), 0.55),
        side=side,
        accent=mixed(side, draws.choice(((20, 20, 30), (250, 240, 200))), 0.75),
        marking=marking,
        barbels=not looks_pelagic and draws.chance(0.5),
        eye=0.026 + 0.008 * (warmth == 4) + draws.uniform(0, 0.01),
    )


def _half(fish: Fish, place: float) -> float:
    """Half the height at ``place`` along the body (0 snout, 1 root of the tail)."""
    warped = place ** (math.log(0.5) / math.log(max(0.15, fish.snout)))
    taper = 0.2 * fish.deep * place
    return fish.deep * (0.92 * math.sin(math.pi * min(1.0, warped)) ** 0.8) + taper


def _flank(fish: Fish) -> list[Point]:
    upper = [(i / 30 - 0.5, -_half(fish, i / 30)) for i in range(31)]
    return upper + [(x, -y * 0.9) for x, y in reversed(upper)]


def _tail(fish: Fish) -> list[Point]:
    root, reach = 0.2 * fish.deep, 0.17 + 0.05 * fish.fork
    notch = 0.5 + reach * (1 - 0.75 * max(0.0, fish.fork)) + 0.03 * (fish.fork < 0)
    high = 0.14 + 0.35 * fish.deep
    return [(0.48, -root), (0.5 + reach, -high), (notch, 0.0), (0.5 + reach, high), (0.48, root)]


def _markings(
    image: Image.Image, fish: Fish, at: tuple[float, Point, float], flank: list[Point], draws: Draws
) -> None:
    angle, centre, length = at
    layer = image.copy()
    pen = ImageDraw.Draw(layer)

    def placed(points: list[Point]) -> list[Point]:
        return rotated(points, angle, centre, length)

    back = [(-0.55, -0.6), (0.6, -0.6), (0.6, -0.05), (0.0, -fish.deep * 0.35), (-0.55, -0.05)]
    pen.polygon(placed(back), fill=fish.back)
    pale = [(-0.55, fish.deep * 0.45), (0.6, 0.05), (0.6, 0.6), (-0.55, 0.6)]
    pen.polygon(placed(pale), fill=mixed(fish.side, (240, 238, 230), 0.6))
    if fish.marking == "bars":
        for i in range(5):
            x = -0.3 + 0.17 * i + draws.normal(0, 0.008)
            bar = [(x, -0.5), (x + 0.06, -0.5), (x + 0.04, 0.5), (x, 0.5)]
            pen.polygon(placed(bar), fill=fish.accent)
    elif fish.marking == "lines":
        for i in range(3):
            y = (-0.4 + 0.4 * i) * fish.deep
            stroke(pen, placed([(-0.45, y), (0.5, y * 0.4)]), fish.accent, 0.02 * length)
    elif fish.marking == "spots":
        for _ in range(28):
            x, y, r = draws.uniform(-0.4, 0.5), draws.uniform(-1, 0.5) * fish.deep, 0.016
            box = [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)]
            pen.polygon(placed(box), fill=fish.accent)
    cut = Image.new("L", image.size, 0)
    ImageDraw.Draw(cut).polygon(flank, fill=255)
    image.paste(layer.filter(ImageFilter.GaussianBlur(1.6)), (0, 0), cut)


def _draw(image: Image.Image, fish: Fish, draws: Draws) -> None:
    width, height = image.size
    length = width * draws.uniform(0.5, 0.72)
    angle = draws.normal(0, 0.22)
    mirrored = draws.chance(0.5)
    canvas = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else image
    pen = ImageDraw.Draw(canvas)
    centre = (width * draws.uniform(0.38, 0.52), height * draws.uniform(0.42, 0.58))

    def placed(points: list[Point]) -> list[Point]:
        return rotated(points, angle, centre, length)

    fin = mixed(fish.side, fish.back, 0.6)
    raised = fish.fins * draws.uniform(0.5, 1.1)
    top = _half(fish, 0.35)
    pen.polygon(placed(_tail(fish)), fill=fin)
    pen.polygon(
        placed([(-0.18, -top * 0.9), (-0.08, -top - raised), (0.28, -top * 0.7), (0.34, -0.03)]),
        fill=fin,
    )
    pen.polygon(placed([(0.1, 0.05), (0.18, fish.deep + raised * 0.5), (0.36, 0.03)]), fill=fin)
    flank = placed(_flank(fish))
    pen.polygon(flank, fill=jitter(fish.side, draws, 8))
    _markings(canvas, fish, (angle, centre, length), flank, draws)
    pen = ImageDraw.Draw(canvas)
    swing = draws.uniform(0.05, 0.16)
    pen.polygon(placed([(-0.2, 0.02), (-0.06, swing), (-0.02, swing * 0.3)]), fill=fin)
    gill = [
        (-0.24 + 0.03 * math.cos(t / 4), 0.6 * fish.deep * math.sin(t / 4)) for t in range(-5, 6)
    ]
    stroke(pen, placed(gill), mixed(fish.side, (40, 30, 30), 0.5), 0.012 * length)
    if fish.barbels:
        for k in (0, 1):
            whisker = [(-0.47, 0.03), (-0.53, 0.09 + 0.03 * k), (-0.5 + 0.05 * k, 0.16)]
            stroke(pen, placed(whisker), fish.back, 0.012 * length)
    (ex, ey), r = placed([(-0.37, -fish.deep * 0.2)])[0], fish.eye * length
    pen.ellipse((ex - r, ey - r, ex + r, ey + r), fill=(226, 214, 160))
    pen.ellipse((ex - r / 2, ey - r / 2, ex + r / 2, ey + r / 2), fill=(10, 10, 12))
    if mirrored:
        image.paste(canvas.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (0, 0))


def _water(fish: Fish, size: tuple[int, int], draws: Draws) -> Image.Image:
    """The sea, a river, or silt between; weeds or a reef where the fish lives on the ground."""
    fresh = "freshwater" in fish.waters and not ("saltwater" in fish.waters and draws.chance(0.5))
    cold = bool(fish.zones & {"Polar", "Boreal"})
    if "brackish" in fish.waters and draws.chance(0.4):
        tone: Colour = (116, 118, 84)
    elif fresh:
        tone = draws.choice(((78, 104, 62), (98, 106, 60), (66, 92, 70)))
    else:
        tone = (44, 82, 112) if cold else draws.choice(((34, 110, 160), (40, 136, 170)))
    image = Image.new("RGB", size, jitter(tone, draws, 12))
    pen = ImageDraw.Draw(image)
    ground = 0.62 if not fish.pelagic else 0.95
    if draws.chance(0.8):
        bed = mixed(tone, (190, 170, 120) if not cold else (110, 110, 110), 0.5)
        y = size[1] * min(0.98, ground + draws.normal(0, 0.05))
        pen.rectangle((0, y, size[0], size[1]), fill=bed)
        for _ in range(draws.integer(4, 12)):
            x, r = draws.unit() * size[0], draws.uniform(8, 30)
            stone = jitter(mixed(bed, tone, 0.4), draws, 18)
            pen.ellipse((x - r, y - r * 0.6, x + r, y + r), fill=stone)
        if "Tropical" in fish.zones and not fresh:
            for _ in range(draws.integer(2, 7)):
                x, r = draws.unit() * size[0], draws.uniform(8, 22)
                coral = jitter(draws.choice(TROPICAL), draws, 14)
                pen.ellipse((x - r, y - r, x + r, y + r * 0.7), fill=coral)
    return image.filter(ImageFilter.GaussianBlur(draws.uniform(3, 8)))


def _ashore(size: tuple[int, int], draws: Draws) -> Image.Image:
    """A deck, a table, a board with a ruler: says nothing of the fish."""
    plank: Colour = draws.choice(
        ((196, 190, 178), (150, 120, 88), (226, 226, 224), (120, 128, 134))
    )
    image = Image.new("RGB", size, jitter(plank, draws, 10))
    pen = ImageDraw.Draw(image)
    for _ in range(draws.integer(2, 6)):
        y = draws.unit() * size[1]
        tilt = draws.normal(0, 4)
        stroke(pen, [(0, y), (size[0], y + tilt)], mixed(plank, (50, 44, 40), 0.35), 3)
    if draws.chance(0.4):
        for i in range(30):
            pen.rectangle((12 * i, 4, 12 * i + 5, 16), fill=(30, 30, 30))
    return image.filter(ImageFilter.GaussianBlur(1.5))


def draw_fish(fish: Fish, draws: Draws) -> Image.Image:
    """One RGB photograph of a fish of this species."""
    width = draws.integer(132, 160)
    size = width * SCALE, round(width * draws.uniform(0.62, 0.8)) * SCALE
    image = _ashore(size, draws) if draws.chance(0.25) else _water(fish, size, draws)
    _draw(image, fish, draws)
    mottle = smooth_noise(draws, *size, (26, 18)) * np.float32(0.05)
    lit = light(modulate(image, 1 + mottle), draws, draws.uniform(0.08, 0.3))
    return camera(lit, draws, blur=(0, 1.2), grain=(1, 3.5), gain=(0.8, 1.15))
