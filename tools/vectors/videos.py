"""Section 7.9: which frames of a video are taken, their colours, their digests."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from biobench.spec.generator import Stream
from vectors.case import Case, VectorFile
from vectors.drawn import SEED

# Frames of the video, frames taken.
VIDEOS = {
    "many": (2310, 32),
    "just-enough": (32, 32),
    "one-more": (33, 32),
    "one-too-few-for-two": (63, 32),
    "every-second": (64, 32),
    "one-frame": (9, 1),
    "one-of-one": (1, 1),
    "last-is-not-reached": (95, 32),
    "one-too-few": (31, 32),
    "none": (0, 32),
}


def frames(given: Any, output: Any) -> bool:
    """Upstream's filter: every frame whose number the step divides, until there are enough."""
    count, wanted = given["count"], given["frames"]
    if count < wanted:
        return bool(output == {"error": "value"})
    step = max(count // wanted, 1)
    return bool(output == {"frames": [n for n in range(count) if n % step == 0][:wanted]})


def frame_cases() -> Iterator[Case]:
    for name, (count, wanted) in VIDEOS.items():
        yield Case(f"videos/frames/{name}", {"count": count, "frames": wanted}, frames)


SHARES = {1: ("0.2126", "0.0722"), 9: ("0.2627", "0.0593"), 10: ("0.2627", "0.0593")}


def colour(y: int, cb: int, cr: int, matrix: int, full: bool) -> list[Fraction]:
    """The formula of ITU-T H.273, exactly."""
    red, blue = map(Fraction, SHARES.get(matrix, ("0.299", "0.114")))
    green = 1 - red - blue
    luma = Fraction(y) if full else Fraction((y - 16) * 255, 219)
    b, r = ((c - 128) * (Fraction(1) if full else Fraction(255, 224)) for c in (cb, cr))
    from_red, from_blue = 2 * (1 - red) * r, 2 * (1 - blue) * b
    return [
        luma + from_red,
        luma - from_blue * blue / green - from_red * red / green,
        luma + from_blue,
    ]


def rgb(given: Any, output: Any) -> str | None:
    """Each value is the formula's, rounded; at a half within what 16 bits can tell."""
    planes, (across, down), bits = given["planes"], given["shifts"], given["bits"]
    rows = []
    for y, line in enumerate(planes[0]):
        row = []
        for x, luma in enumerate(line):
            chroma = [p[y >> down][x >> across] >> bits - 8 for p in planes[1:]] or [128, 128]
            row.append(colour(luma >> bits - 8, *chroma, given["matrix"], given["full"]))
        rows.append(row)
    for _ in range(given["rotation"] % 360 // 90 if given["rotation"] % 90 == 0 else 0):
        rows = [list(column) for column in reversed(list(zip(*rows, strict=True)))]
    if (output["height"], output["width"]) != (len(rows), len(rows[0])):
        return f"{output['height']} x {output['width']}"
    found = base64.b64decode(output["rgb"])
    wanted = [min(max(value, 0), 255) for row in rows for pixel in row for value in pixel]
    # Five integers are each off by at most 2^-17, times at most 239, 127 and 127.
    slack = Fraction(1, 2) + Fraction(239 + 2 * 127, 2**17)
    off = [i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if abs(a - b) > slack]
    return f"values {off[:5]} are not the formula's" if off else None


def planes(name: str, sizes: list[tuple[int, int]], bits: int) -> list[list[list[int]]]:
    drawn = []
    for i, (height, width) in enumerate(sizes):
        stream = Stream(SEED, f"vectors/videos/{name}/{i}")
        drawn.append(stream.integers(1 << bits, height * width).reshape(height, width).tolist())
    return drawn


def rgb_cases() -> Iterator[Case]:
    base = {"bits": 8, "shifts": [1, 1], "matrix": 2, "full": False, "rotation": 0}
    half = [(4, 6), (2, 3), (2, 3)]

    def case(name: str, sizes: list[tuple[int, int]] = half, **more: Any) -> Case:
        given = {**base, **more}
        drawn = planes(name, sizes, given["bits"])
        return Case(f"videos/rgb/{name}", {"planes": drawn, **given}, rgb)

    for matrix in (0, 1, 2, 5, 6, 9, 10):
        for full in (False, True):
            yield case(f"matrix-{matrix}-{'full' if full else 'limited'}", matrix=matrix, full=full)
    yield case("odd-sides", [(3, 5), (2, 3), (2, 3)])
    yield case("one-pixel", [(1, 1), (1, 1), (1, 1)])
    yield case("whole-chroma", [(2, 3), (2, 3), (2, 3)], shifts=[0, 0])
    yield case("half-columns", [(3, 4), (3, 2), (3, 2)], shifts=[1, 0])
    yield case("quarter-columns", [(2, 9), (2, 3), (2, 3)], shifts=[2, 0])
    yield case("quarter-of-both", [(9, 9), (3, 3), (3, 3)], shifts=[2, 2])
    yield case("gray", [(3, 4)], shifts=[0, 0])
    yield case("gray-full", [(3, 4)], shifts=[0, 0], full=True)
    for bits in (10, 12, 16):
        yield case(f"bits-{bits}", bits=bits)
    for degrees in (90, 180, -90, -180, 45):
        yield case(f"turned-{degrees}", rotation=degrees)
    tall = [(37, 2), (19, 1), (19, 1)]
    yield case("more-rows-than-one-band", tall)
    corners = [[[0, 255, 16, 235]], [[0, 255, 128, 128]], [[255, 0, 128, 128]]]
    for full in (False, True):
        given = {**base, "planes": corners, "shifts": [0, 0], "full": full}
        yield Case(f"videos/rgb/corners-{'full' if full else 'limited'}", given, rgb)


def digest(given: Any, output: Any) -> bool:
    def of(value: Any) -> str:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    clips = {name: of(files) for name, files in given["clips"].items()}
    whole = of([[name, clips[name]] for name in sorted(clips)])
    return bool(output == {"clips": clips, "digest": whole})


def digest_cases() -> Iterator[Case]:
    def files(name: str, count: int) -> list[list[str]]:
        names = [f"frames/{name}/frame_{i:02}.jpg" for i in range(1, count + 1)]
        return [[p, "sha256:" + hashlib.sha256(p.encode()).hexdigest()] for p in names]

    clips = {name: files(name, 3) for name in ("b", "a", "a_10", "a_9", "\U0001f43b", "\uff5e")}
    yield Case("videos/digest/several", {"clips": clips}, digest)
    yield Case("videos/digest/one", {"clips": {"bear": files("bear", 32)}}, digest)
    # By number, not by name: 100 comes after 99.
    yield Case("videos/digest/a-hundred", {"clips": {"bear": files("bear", 100)}}, digest)
    yield Case("videos/digest/none", {"clips": {}}, digest)


def files() -> Iterator[VectorFile]:
    for name, about, cases, source in (
        ("frames", "Which frames of a video are taken.", frame_cases(), "a filter of numbers"),
        ("rgb", "Samples of a video as RGB.", rgb_cases(), "the formula in exact fractions"),
        ("digest", "Digests of frames, of a clip and of all.", digest_cases(), "hashlib"),
    ):
        operation = f"video.{name}"
        yield VectorFile("videos", name, "7.9", "D", operation, about, list(cases), source=source)
