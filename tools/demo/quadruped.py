"""Four-legged animals from the side: a build that is an animal's own, and a pose that changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from demo.canvas import Colour, Point, mixed, ragged, stroke
from demo.draws import Draws

Place = Callable[[Point], Point]


@dataclass(frozen=True)
class Build:
    """Proportions in trunk lengths, colours and the marking of the coat.

    depth: height of the trunk. legs: their length. thick: radius of a leg. neck, head, muzzle:
    lengths and radii. ears, tail, horns: lengths (0 = none). marking: plain, stripes, patches or
    spots in the colour ``mark``.
    """

    depth: float
    legs: float
    thick: float
    neck: tuple[float, float]
    head: tuple[float, float]
    muzzle: float
    coat: Colour
    mark: Colour = (40, 36, 34)
    marking: str = "plain"
    ears: float = 0.08
    tail: float = 0.35
    bushy: float = 0.02
    horns: float = 0.0


@dataclass(frozen=True)
class Pose:
    """Angles in radians, upward positive.

    neck: of the neck over the horizontal. nod: of the head against the neck, downward positive.
    legs: swing of near fore, far fore, near hind, far hind, forward positive. bend: how far
    knees bend. pitch: of the trunk. sunk: share of the legs' length that is folded away. back: the
    neck is turned to the flank by this share. tail: swing of the tail.
    """

    neck: float = 0.6
    nod: float = 0.9
    legs: tuple[float, float, float, float] = (0.05, -0.05, 0.05, -0.05)
    bend: float = 0.1
    pitch: float = 0.0
    sunk: float = 0.0
    back: float = 0.0
    tail: float = 0.0


def stride(phase: float, swing: float) -> tuple[float, float, float, float]:
    """Swing of the four legs at ``phase`` (turns) of a step; opposite legs move together."""
    turn = 2 * math.pi * phase
    near, far = swing * math.sin(turn), swing * math.sin(turn + math.pi)
    return near, far, far * 0.9, near * 0.9


def gallop(phase: float, swing: float) -> tuple[float, float, float, float]:
    """As :func:`stride` for a run: the fore legs together, the hind legs against them."""
    turn = 2 * math.pi * phase
    return (
        swing * math.sin(turn), swing * math.sin(turn - 0.6),
        -swing * math.sin(turn - 0.3), -swing * math.sin(turn - 0.9),
    )  # fmt: skip


def tube(
    pen: ImageDraw.ImageDraw, points: Sequence[Point], radii: Sequence[float], colour: Colour | int
) -> None:
    """A limb: discs whose radius changes from point to point, close enough to join."""
    for (x0, y0), (x1, y1), r0, r1 in zip(points, points[1:], radii, radii[1:], strict=False):
        steps = max(2, round(math.hypot(x1 - x0, y1 - y0) / 2))
        for i in range(steps + 1):
            share = i / steps
            x, y, r = x0 + (x1 - x0) * share, y0 + (y1 - y0) * share, r0 + (r1 - r0) * share
            pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def draw_quadruped(
    image: Image.Image,
    build: Build,
    pose: Pose,
    place: tuple[Point, float, bool],
    coat: Draws,
) -> None:
    """Draw on ``image``. ``place``: the ground below the trunk's middle, the trunk's length in
    pixels, and whether it looks to the left. ``coat`` draws the individual's marks, and is new for
    every picture of it."""
    (x0, y0), size, left = place
    way = -1 if left else 1

    def at(point: Point) -> Point:
        return x0 + way * size * point[0], y0 - size * point[1]

    hide = Image.new("L", image.size, 0)
    pen, cut = ImageDraw.Draw(image), ImageDraw.Draw(hide)
    dark = mixed(build.coat, (20, 18, 16), 0.35)
    height = build.legs * (1 - pose.sunk) + build.depth * 0.45
    lean = math.tan(pose.pitch)
    hip, shoulder = (-0.42, height - 0.42 * lean), (0.42, height + 0.42 * lean)
    for number, (joint, far) in enumerate(
        ((shoulder, True), (hip, True), (hip, False), (shoulder, False))
    ):
        if number == 2:
            _tail(pen, build, pose, (hip, at), size, dark)
            _trunk(pen, cut, build, (hip, shoulder, at), size)
            _head(pen, cut, build, pose, (shoulder, at), size)
        swing = pose.legs[{0: 1, 1: 3, 2: 2, 3: 0}[number]]
        colour = dark if far else build.coat
        path = [at(p) for p in _leg(build, pose, joint, swing, hind=joint is hip)]
        radii = [build.thick * size * r for r in (1.9, 1.0, 0.75, 0.9)]
        tube(pen, path, radii, colour)
        if not far:
            tube(cut, path[:2], radii[:2], 255)
    _marks(image, hide, build, (hip, shoulder, at), size, coat)


def _leg(build: Build, pose: Pose, joint: Point, swing: float, *, hind: bool) -> list[Point]:
    x, y = joint[0], joint[1] - build.depth * 0.2
    length = max(0.04, y)
    knee = length * 0.5
    bent = pose.bend * (1.2 if swing < 0 else 0.4) + pose.sunk * 1.6
    upper = swing + (0.5 * bent if not hind else 0.35 * bent)
    lower = swing - bent
    middle = (x + knee * math.sin(upper), y - knee * math.cos(upper))
    foot = (
        middle[0] + (length - knee) * math.sin(lower),
        max(0.0, middle[1] - (length - knee) * math.cos(lower)),
    )
    return [(x, y), middle, foot, (foot[0] + 0.03, foot[1])]


def _tail(
    pen: ImageDraw.ImageDraw,
    build: Build,
    pose: Pose,
    frame: tuple[Point, Place],
    size: float,
    colour: Colour,
) -> None:
    if not build.tail:
        return
    (x, y), at = frame
    path = [(x - 0.1, y + build.depth * 0.25)]
    for i in range(1, 7):
        bend = -0.5 + pose.tail - 0.16 * i
        px, py = path[-1]
        step = build.tail / 6
        path.append((px - step * math.cos(bend), py + step * math.sin(bend)))
    radii = [size * (0.02 + build.bushy * i / 6) for i in range(7)]
    tube(pen, [at(p) for p in path], radii, colour)


def _trunk(
    pen: ImageDraw.ImageDraw,
    cut: ImageDraw.ImageDraw,
    build: Build,
    frame: tuple[Point, Point, Place],
    size: float,
) -> None:
    hip, shoulder, at = frame
    middle = ((hip[0] + shoulder[0]) / 2, (hip[1] + shoulder[1]) / 2 - 0.02)
    path = [at(p) for p in (hip, middle, shoulder)]
    radii = [size * build.depth * r for r in (0.44, 0.47, 0.5)]
    tube(pen, path, radii, build.coat)
    tube(cut, path, radii, 255)


def _head(
    pen: ImageDraw.ImageDraw,
    cut: ImageDraw.ImageDraw,
    build: Build,
    pose: Pose,
    frame: tuple[Point, Place],
    size: float,
) -> None:
    (x, y), at = frame
    length, thick = build.neck
    root = (x + 0.05, y + build.depth * 0.12)
    # A head that is turned to the flank comes back over the shoulder.
    reach = 1 - 1.9 * pose.back
    nape = (
        root[0] + length * math.cos(pose.neck) * reach + 0.02,
        max(0.05, root[1] + length * math.sin(pose.neck)),
    )
    neck = [at(root), at(nape)]
    tube(pen, neck, [size * thick * 1.5, size * thick], build.coat)
    tube(cut, neck, [size * thick * 1.5, size * thick], 255)
    look = pose.neck - pose.nod
    long, deep = build.head
    forward = math.cos(look) * (1 if reach > 0 else -1)
    nose = (nape[0] + long * forward, max(0.03, nape[1] + long * math.sin(look)))
    for side in (0.25, -0.1):
        ear = (nape[0] + side * deep - 0.3 * build.ears, nape[1] + deep * 0.6 + build.ears)
        root_of_ear = (nape[0], nape[1] + deep * 0.5)
        tube(pen, [at(root_of_ear), at(ear)], [size * 0.03, size * 0.012], build.coat)
        if build.horns:
            tip = (nape[0] + side * build.horns, nape[1] + build.horns)
            tube(pen, [at(root_of_ear), at(tip)], [size * 0.032, size * 0.02], (96, 84, 66))
            branch = (tip[0] + 0.3 * build.horns, tip[1] - 0.2 * build.horns)
            tube(pen, [at(tip), at(branch)], [size * 0.024, size * 0.014], (96, 84, 66))
    tube(pen, [at(nape), at(nose)], [size * deep, size * build.muzzle], build.coat)
    tip = mixed(build.coat, (30, 26, 26), 0.6)
    nx, ny = at(nose)
    r = size * build.muzzle * 0.7
    pen.ellipse((nx - r, ny - r, nx + r, ny + r), fill=tip)
    ex, ey = at((nape[0] + 0.35 * (nose[0] - nape[0]), nape[1] + 0.3 * (nose[1] - nape[1]) + 0.02))
    r = max(1.0, size * 0.012)
    pen.ellipse((ex - r, ey - r, ex + r, ey + r), fill=(16, 14, 14))


def _marks(
    image: Image.Image,
    hide: Image.Image,
    build: Build,
    frame: tuple[Point, Point, Place],
    size: float,
    draws: Draws,
) -> None:
    if build.marking == "plain":
        return
    _, (_, y), at = frame
    layer = image.copy()
    pen = ImageDraw.Draw(layer)
    low, high = y - 0.9 * build.depth, y + 0.8 * build.depth + build.neck[0]
    if build.marking == "stripes":
        x = -0.75
        while x < 0.8 + build.neck[0]:
            lean = draws.normal(0.12, 0.06)
            path = [at((x + lean * k / 4 + draws.normal(0, 0.008), low + (high - low) * k / 8))
                    for k in range(9)]  # fmt: skip
            stroke(pen, path, build.mark, size * draws.uniform(0.025, 0.045))
            x += draws.uniform(0.075, 0.1)
    else:
        r = 0.085 if build.marking == "patches" else 0.028
        step = r * (2.15 if build.marking == "patches" else 3.2)
        rows = math.ceil((high - low) / step)
        columns = math.ceil((1.5 + build.neck[0]) / step)
        for row in range(rows):
            for column in range(columns):
                x = -0.7 + (column + 0.5 * (row % 2)) * step + draws.normal(0, r / 6)
                h = low + row * step + draws.normal(0, r / 6)
                corners = [
                    (r * math.cos(t), r * math.sin(t)) for t in (0, 1.05, 2.1, 3.1, 4.2, 5.2)
                ]
                blob = ragged(corners, draws, r / 4)
                pen.polygon([at((x + a, h + b)) for a, b in blob], fill=build.mark)
    image.paste(layer, (0, 0), hide)
