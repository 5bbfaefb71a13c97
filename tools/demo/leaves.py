"""Leaves: outline, veins and shading from a few numbers a species; shared by both plant tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from PIL import ImageDraw

from demo.canvas import Colour, Point, curve, mixed, rotated, stroke
from demo.draws import Draws


@dataclass(frozen=True)
class LeafShape:
    """A species' leaf.

    aspect: half width over length. widest: where it is widest, 0 = base. point: how drawn out the
    tip is. teeth, tooth: number and depth of teeth. lobes, lobe: number and depth of lobes. heart:
    depth of the notch at the base. veins: pairs of side veins. leaflets: pairs of leaflets of a
    compound leaf.
    """

    aspect: float
    widest: float = 0.4
    point: float = 1.0
    teeth: int = 0
    tooth: float = 0.0
    lobes: int = 0
    lobe: float = 0.0
    heart: float = 0.0
    veins: int = 6
    leaflets: int = 0


def varied(shape: LeafShape, draws: Draws, amount: float) -> LeafShape:
    """One leaf of a species: no two are alike."""
    return replace(
        shape,
        aspect=shape.aspect * max(0.5, draws.normal(1, amount)),
        widest=min(0.8, max(0.15, shape.widest + draws.normal(0, amount * 0.25))),
        tooth=shape.tooth * draws.uniform(0.7, 1.3),
        lobe=min(0.85, shape.lobe * draws.uniform(0.8, 1.2)),
    )


def half_width(shape: LeafShape, place: float) -> float:
    """Half the width at ``place`` along the leaf (0 base, 1 tip), in leaf lengths."""
    warped = place ** (math.log(0.5) / math.log(shape.widest))
    width = math.sin(math.pi * warped)
    if place > shape.widest:
        width **= shape.point
    if shape.lobes:
        wave = 0.5 + 0.5 * math.cos(2 * math.pi * shape.lobes * place)
        width *= 1 - shape.lobe * wave
    if shape.teeth:
        width *= 1 - shape.tooth * (1 - (shape.teeth * place) % 1.0)
    return shape.aspect * width


def outline(shape: LeafShape, steps: int = 56) -> list[Point]:
    """A closed outline, base at (0, 0), tip at (1, 0)."""
    places = [i / steps for i in range(steps + 1)]
    edge = [(p - shape.heart * (1 - p) ** 6 * (p > 0), half_width(shape, p)) for p in places]
    return edge + [(x, -y) for x, y in reversed(edge[1:-1])]


def _bent(points: list[Point], bend: float) -> list[Point]:
    return [(x, y + bend * x * x) for x, y in points]


def draw_leaf(
    pen: ImageDraw.ImageDraw,
    shape: LeafShape,
    place: tuple[Point, float, float],
    colour: Colour,
    draws: Draws,
    *,
    vein: float = 0.25,
    rim: float = 0.25,
) -> None:
    """Draw a leaf whose base, direction (radians) and length are ``place``.

    ``vein`` and ``rim`` say how much lighter the veins and darker the edge are.
    """
    base, angle, length = place
    if shape.leaflets:
        _draw_compound(pen, shape, place, colour, draws)
        return
    bend = draws.normal(0, 0.12)
    points = rotated(_bent(outline(varied(shape, draws, 0.1)), bend), angle, base, length)
    pen.polygon(points, fill=colour)
    dark = mixed(colour, (20, 25, 10), rim)
    light_colour = mixed(colour, (235, 235, 190), vein)
    stroke(pen, [*points, points[0]], dark, 0.008 * length)
    middle = rotated(_bent([(i / 8, 0.0) for i in range(9)], bend), angle, base, length)
    stroke(pen, middle, light_colour, 0.018 * length)
    for i in range(1, shape.veins + 1):
        at = 0.08 + 0.78 * (i - 0.5) / shape.veins
        reach = min(0.95, at + 0.16)
        for side in (-1, 1):
            tip = (reach, side * 0.85 * half_width(replace(shape, teeth=0), reach))
            rib = rotated(_bent([(at, 0.0), tip], bend), angle, base, length)
            stroke(pen, rib, mixed(colour, light_colour, 0.6), 0.008 * length)


def _draw_compound(
    pen: ImageDraw.ImageDraw,
    shape: LeafShape,
    place: tuple[Point, float, float],
    colour: Colour,
    draws: Draws,
) -> None:
    base, angle, length = place
    axis = curve(base, angle, length, draws.normal(0, 0.35), 24)
    stroke(pen, axis, mixed(colour, (110, 90, 50), 0.4), 0.02 * length)
    single = replace(shape, leaflets=0, veins=min(shape.veins, 3))
    pairs = shape.leaflets
    for i in range(pairs):
        at = axis[4 + (18 * i) // pairs]
        size = length * (0.42 - 0.16 * abs(i / max(1, pairs - 1) - 0.35)) * draws.uniform(0.85, 1.1)
        for side in (-1, 1):
            lean = angle + side * draws.normal(1.05, 0.12)
            draw_leaf(pen, single, (at, lean, size), colour, draws)
    draw_leaf(pen, single, (axis[-1], angle + draws.normal(0, 0.1), length * 0.34), colour, draws)
