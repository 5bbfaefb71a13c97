"""Clips of animals: savannah from a drone, and mammals as people film them.

What an animal does shows over several frames: a step is a change of the legs, a head that comes up
between bites is grazing, and one frame of either may look like standing still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo.canvas import SCALE, Colour, camera, jitter, light, modulate, smooth_noise
from demo.draws import Draws
from demo.quadruped import Build, Pose, draw_quadruped, gallop, stride

ZEBRA = Build(0.42, 0.52, 0.035, (0.42, 0.1), (0.27, 0.085), 0.055, (214, 208, 196),
              (44, 40, 40), "stripes", tail=0.4)  # fmt: skip
GIRAFFE = Build(0.46, 0.85, 0.04, (0.95, 0.085), (0.26, 0.075), 0.045, (214, 180, 122),
                (134, 82, 42), "patches", tail=0.5, horns=0.07)  # fmt: skip
DRONE = {"giraffe": GIRAFFE, "zebra": ZEBRA}

BEAR = Build(0.58, 0.36, 0.075, (0.22, 0.17), (0.3, 0.14), 0.07, (92, 66, 44), tail=0.0)
WOLF = Build(0.38, 0.48, 0.04, (0.25, 0.11), (0.3, 0.09), 0.04, (132, 126, 116), tail=0.45,
             bushy=0.07, ears=0.11)  # fmt: skip
STAG = Build(0.42, 0.62, 0.032, (0.42, 0.09), (0.26, 0.075), 0.045, (150, 104, 64), tail=0.12,
             horns=0.3)  # fmt: skip
CAT = Build(0.34, 0.38, 0.045, (0.16, 0.12), (0.19, 0.11), 0.07, (196, 154, 92), (70, 50, 30),
            "spots", tail=0.7, bushy=0.01)  # fmt: skip
COW = Build(0.56, 0.42, 0.05, (0.28, 0.14), (0.32, 0.1), 0.075, (206, 200, 190), (66, 44, 34),
            "patches", tail=0.5)  # fmt: skip
MAMMALS = {11: BEAR, 27: WOLF, 58: STAG, 90: CAT, 133: COW}
"""By the number of the species in the tables."""


@dataclass(frozen=True)
class Scene:
    """The setting that the frames of a clip share."""

    ground: Colour
    far: Colour
    horizon: float
    blotches: int
    haze: float


SAVANNAH = (
    Scene((168, 148, 96), (150, 138, 92), 0.0, 26, 0.1),
    Scene((142, 138, 82), (120, 124, 74), 0.0, 34, 0.1),
    Scene((182, 158, 116), (170, 150, 110), 0.0, 18, 0.15),
)
FILMED = (
    Scene((104, 126, 62), (176, 196, 206), 0.4, 22, 0.2),
    Scene((150, 142, 96), (186, 190, 176), 0.38, 16, 0.2),
)


def _rhythm(draws: Draws) -> tuple[float, float, int]:
    """Steps a frame, the first frame's place in its step, and when a grazing animal looks up."""
    return draws.uniform(0.07, 0.11), draws.unit(), draws.integer(3, 11)


def _raised(frame: int, lift: int) -> float:
    return max(0.0, 1 - abs(frame - lift) / 2.5)


def looks_up(behaviour: str, frame: int, draws: Draws) -> bool:
    """True where the frame by itself shows a raised head although the animal is grazing."""
    return behaviour == "graze" and _raised(frame, _rhythm(draws)[2]) > 0.5


def drone_pose(behaviour: str, build: Build, frame: int, draws: Draws) -> Pose:
    """The pose in frame ``frame``; ``draws`` is the clip's, new for every frame."""
    pace, phase, lift = _rhythm(draws)
    tail = 0.5 * math.sin(frame * draws.uniform(0.4, 0.9))
    tall = build.neck[0] > 0.6
    up = 1.15 if tall else draws.uniform(0.75, 1.0)
    if behaviour == "walk":
        bob = 0.06 * math.sin(4 * math.pi * (phase + pace * frame))
        neck = (0.95 if tall else 0.45) + bob
        return Pose(neck, 0.9, stride(phase + pace * frame, 0.42), 0.22, tail=tail)
    if behaviour == "run":
        turn = phase + 2.1 * pace * frame
        pitch = 0.08 * math.sin(2 * math.pi * turn)
        return Pose(0.75 if tall else 0.3, 0.6, gallop(turn, 0.8), 0.5, pitch, tail=0.9)
    still = Pose(legs=(0.06, -0.08, 0.1, -0.04), bend=0.08, tail=tail)
    nod = 0.1 * math.sin(0.9 * frame)
    if behaviour == "graze":
        # A few bites, a look around, and a slow step.
        raised = 0.7 * _raised(frame, lift)
        neck = -1.0 + raised * (up + 1.0) + nod
        return replace(
            still, neck=neck, nod=0.25 + 0.6 * raised, legs=stride(phase + 0.02 * frame, 0.2)
        )
    return replace(still, neck=up + nod * 0.3, nod=0.9 + 0.25 * math.sin(0.5 * frame + phase * 6))


def filmed_pose(behaviour: str, frame: int, draws: Draws) -> Pose:
    """As :func:`drone_pose` for the behaviours of the other task."""
    pace, phase = draws.uniform(0.05, 0.09), draws.unit()
    turn = phase + pace * frame
    wave = math.sin(2 * math.pi * turn)
    pause = 0.5 + 0.5 * math.sin(2 * math.pi * (phase + frame / 26))
    if behaviour == "walks":
        return Pose(0.35 + 0.07 * wave, 0.6, stride(turn, 0.45), 0.25, tail=0.3 * wave)
    if behaviour == "eats":
        # Down to the food, and up to chew.
        return Pose(
            -0.95 + 1.1 * max(0.0, pause - 0.55), 0.3 + 0.12 * wave, bend=0.1, tail=wave / 4
        )
    # Grooms itself: lies, and turns its head to its flank again and again.
    return Pose(
        0.5 - 0.3 * pause + 0.15 * wave, 0.9, (0.5, 0.3, 0.6, 0.4), 0.3, 0.05 + 0.1 * (1 - pause),
        0.62, min(1.0, 0.15 + pause), 0.4,
    )  # fmt: skip


def _background(scene: Scene, size: tuple[int, int], slide: float, draws: Draws) -> Image.Image:
    """Ground that the camera passes by ``slide`` pixels; ``draws`` is the clip's."""
    width, height = size
    image = Image.new("RGB", size, jitter(scene.ground, draws, 10))
    pen = ImageDraw.Draw(image)
    top = height * scene.horizon
    if top:
        pen.rectangle((0, 0, width, top), fill=jitter(scene.far, draws, 10))
    for _ in range(scene.blotches):
        x, y = draws.unit() * 2 * width, top + draws.unit() * (height - top)
        near = 0.4 + 0.6 * (y - top) / (height - top)
        r = draws.uniform(4, 15) * near
        spot = jitter(scene.ground, draws, 22)
        x = (x - slide * near) % (2 * width) - width / 2
        pen.ellipse((x - 1.6 * r, y - 0.6 * r, x + 1.6 * r, y + 0.6 * r), fill=spot)
    for _ in range(draws.integer(1, 5)):
        x, y, r = draws.unit() * 2 * width, top + draws.unit() * 14, draws.uniform(10, 26)
        x = (x - slide * 0.4) % (2 * width) - width / 2
        pen.ellipse((x - r, y - r, x + r, y + r * 0.5), fill=jitter((74, 92, 50), draws, 14))
    return image.filter(ImageFilter.GaussianBlur(1.5 + 2 * scene.haze))


def _filmed(image: Image.Image, clip: str, frame: Draws) -> Image.Image:
    """The scene as filmed: light, focus and exposure are the clip's, grain the frame's."""
    falling, lens = Draws(f"{clip}/light"), Draws(f"{clip}/camera")
    lit = light(image, falling, falling.uniform(0.05, 0.2))
    taken = camera(lit, lens, blur=(0.2, 0.7), grain=(0, 0), gain=(0.8, 1.15))
    grain = frame.field(taken.height, taken.width) * np.float32(lens.uniform(1, 3))
    pixels = np.asarray(taken, dtype=np.float32) * np.float32(frame.normal(1, 0.012))
    pixels = pixels + grain[..., None]
    return Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))


def drone_frame(clip: str, animal: str, behaviour: str, frame: int) -> Image.Image:
    """Frame ``frame`` of a clip: an animal in the middle of its cut-out, seen from above."""
    shared, own = Draws(f"{clip}/scene"), Draws(f"{clip}/{frame}")
    build = DRONE[animal]
    width, height = shared.integer(96, 116), shared.integer(88, 104)
    size = width * SCALE, height * SCALE
    scene, left = shared.choice(SAVANNAH), shared.chance(0.5)
    trunk = min(size) * (0.34 if animal == "giraffe" else 0.5) * shared.uniform(0.85, 1.1)
    speed = {"walk": 4.0, "run": 13.0}.get(behaviour, 0.4) * (-1 if left else 1)
    image = _background(scene, size, speed * frame, Draws(f"{clip}/ground"))
    foot = (size[0] * (0.5 + own.normal(0, 0.012)), size[1] * (0.86 + own.normal(0, 0.008)))
    shade = ImageDraw.Draw(image)
    dark = (scene.ground[0] // 2, scene.ground[1] // 2, scene.ground[2] // 2)
    box = (foot[0] - trunk * 0.65, foot[1] - trunk * 0.07, foot[0] + trunk * 0.7, foot[1] + 6)
    shade.ellipse(box, fill=dark)
    pose = drone_pose(behaviour, build, frame, Draws(f"{clip}/pose"))
    tone = Draws(f"{clip}/coat")
    coat = replace(build, coat=jitter(build.coat, tone, 9), mark=jitter(build.mark, tone, 6))
    draw_quadruped(image, coat, pose, (foot, trunk, left), Draws(f"{clip}/marks"))
    if behaviour == "run":
        dust = Image.new("L", size, 0)
        puff = ImageDraw.Draw(dust)
        for _ in range(own.integer(2, 6)):
            x = foot[0] - (-1 if left else 1) * trunk * own.uniform(0.1, 0.9)
            r = trunk * own.uniform(0.05, 0.16)
            puff.ellipse((x - r, foot[1] - 1.4 * r, x + r, foot[1] + 0.6 * r), fill=120)
        cloud = Image.new("RGB", size, (200, 184, 150))
        image.paste(cloud, (0, 0), dust.filter(ImageFilter.GaussianBlur(6)))
    return _filmed(image, clip, own)


def filmed_frame(clip: str, species: int, behaviour: str, frame: int) -> Image.Image:
    """Frame ``frame`` of a clip of a mammal, taken by hand, more or less steady."""
    shared, own = Draws(f"{clip}/scene"), Draws(f"{clip}/{frame}")
    build = MAMMALS[species]
    size = 112 * SCALE, 84 * SCALE
    scene, left = shared.choice(FILMED), shared.chance(0.5)
    trunk = size[1] * shared.uniform(0.5, 0.68)
    start, drift = shared.uniform(0.42, 0.58), shared.normal(0, 0.004)
    # Some walkers are followed, others cross the picture.
    followed = shared.chance(0.5)
    speed = 0.0
    if behaviour == "walks":
        way = -1 if left else 1
        speed = 3.0 * way if followed else 0.0
        drift += 0.0 if followed else 0.014 * way
        start -= 0.0 if followed else 0.2 * way
    image = _background(scene, size, speed * frame, Draws(f"{clip}/ground"))
    foot = (
        size[0] * (start + drift * frame + own.normal(0, 0.006)),
        size[1] * (0.88 + 0.01 * math.sin(0.3 * frame) + own.normal(0, 0.006)),
    )
    pen = ImageDraw.Draw(image)
    if shared.chance(0.8 if behaviour == "eats" else 0.3):
        x = foot[0] + (-1 if left else 1) * trunk * 0.85
        for _ in range(5):
            a, r = own.normal(0, 4), shared.uniform(4, 9)
            pen.ellipse((x + a - r, foot[1] - r, x + a + r, foot[1] + r / 2), fill=(120, 96, 60))
    pose = filmed_pose(behaviour, frame, Draws(f"{clip}/pose"))
    tone = Draws(f"{clip}/coat")
    coat = replace(build, coat=jitter(build.coat, tone, 12), mark=jitter(build.mark, tone, 8))
    draw_quadruped(image, coat, pose, (foot, trunk, left), Draws(f"{clip}/marks"))
    if shared.chance(0.15):
        # Grass or a fence between the camera and the animal.
        for i in range(shared.integer(3, 8)):
            x = (i * 47 + shared.integer(0, 30) - speed * frame) % size[0]
            pen.line((x, 0, x + shared.integer(-6, 6), size[1]), fill=(96, 100, 90), width=3)
    mottle = smooth_noise(Draws(f"{clip}/mottle"), *size, (28, 22)) * np.float32(0.05)
    return _filmed(modulate(image, 1 + mottle), clip, own)
