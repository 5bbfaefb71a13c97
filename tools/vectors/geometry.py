"""Section 8.3: sizes, crops and padding, and images through a whole recipe."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
from PIL import Image

from vectors.case import Case, Section, VectorFile
from vectors.drawn import array, image, pixels

SECTION = Section("geometry", "8.3", "D", "pixels")

# (mode, size, long_side, image) by case.
SIZES: dict[str, tuple[str, list[int], str, tuple[int, int]]] = {
    "none": ("none", [224, 224], "floor", (31, 17)),
    "squash": ("squash", [224, 160], "floor", (31, 17)),
    "shortest-portrait": ("shortest", [224, 224], "floor", (640, 427)),
    "shortest-landscape": ("shortest", [224, 224], "floor", (427, 640)),
    "shortest-square": ("shortest", [224, 224], "floor", (300, 300)),
    "shortest-same-size": ("shortest", [224, 224], "floor", (224, 300)),
    "shortest-up": ("shortest", [224, 224], "floor", (10, 11)),
    "shortest-extreme": ("shortest", [224, 224], "floor", (1, 5000)),
    "longest-portrait": ("longest", [224, 224], "floor", (640, 427)),
    "longest-never-zero": ("longest", [16, 16], "floor", (1, 5000)),
    # 3 * 5 / 6 = 2.5 and 3 * 7 / 6 = 3.5.
    "floor-of-a-half": ("shortest", [3, 3], "floor", (6, 7)),
    # Exact quotients that float64 has a little smaller: 61 / 7 and 224 / 5.
    "floor-of-a-ratio": ("shortest", [224, 224], "floor", (61, 7)),
    "floor-of-a-quotient": ("shortest", [224, 224], "floor", (5, 45)),
    "half-even-of-a-tie": ("shortest", [3, 3], "half-even", (6, 9)),
    "half-even-down": ("shortest", [3, 3], "half-even", (6, 5)),
    "half-even-up": ("shortest", [3, 3], "half-even", (6, 7)),
    "half-even-shortest": ("shortest", [256, 256], "half-even", (333, 500)),
    "half-even-longest": ("longest", [256, 256], "half-even", (333, 500)),
    "half-even-two-sides-shortest": ("shortest", [384, 128], "half-even", (200, 300)),
    "half-even-two-sides-longest": ("longest", [384, 128], "half-even", (200, 300)),
    "half-even-never-zero": ("longest", [8, 8], "half-even", (2, 999)),
    # 585 * 224 / 576 is 227.5 and would give 228; the two divisions in float64 give less.
    "half-even-ratio": ("shortest", [224, 224], "half-even", (576, 585)),
    "most-pixels": ("squash", [13_377, 13_377], "floor", (3, 3)),
    "most-pixels-to-the-last": ("squash", [12_470, 14_351], "floor", (3, 3)),
}
OFFSETS = {
    "even-difference": (256, 224),
    "odd-difference": (257, 224),
    "odd-difference-of-one-more-pair": (259, 224),
    "none": (224, 224),
    "one-more": (225, 224),
    "padding-of-one": (223, 224),
    "padding-of-three": (221, 224),
    "padding-of-four": (220, 224),
    "padding-of-five": (1, 6),
    "crop-of-one": (7, 1),
}


def target(given: Any, output: Any) -> bool:
    geometry, h, w = given["geometry"], given["height"], given["width"]
    mode, size = geometry["mode"], geometry["size"]
    if mode == "none":
        sides = (h, w)
    elif mode == "squash":
        sides = (size[0], size[1])
    elif geometry["long_side"] == "floor":
        of = min(h, w) if mode == "shortest" else max(h, w)
        sides = tuple(int(Decimal(size[0] * side) // of) for side in (h, w))
    else:
        ratios = (h / size[0], w / size[1])
        ratio = min(ratios) if mode == "shortest" else max(ratios)
        sides = tuple(
            int(Decimal(side / ratio).quantize(Decimal(1), ROUND_HALF_EVEN)) for side in (h, w)
        )
    sides = tuple(max(1, side) for side in sides)
    if sides[0] * sides[1] > 178_956_970:
        return bool(output == {"error": "value"})
    return bool(output == {"height": sides[0], "width": sides[1]})


def offset(given: Any, output: Any) -> bool:
    half = Decimal(given["side"] - given["crop"]) / 2
    rounding = "ROUND_FLOOR" if given["crop_rounding"] == "floor" else ROUND_HALF_EVEN
    if given["crop_rounding"] == "half-even" and half < 0:
        rounding = "ROUND_DOWN"  # -floor(-d / 2): towards zero
    return bool(output["offset"] == int(half.quantize(Decimal(1), rounding)))


def through_pillow(given: Any, output: Any) -> bool:
    """Pillow's resize to the size of the target's own vector, then a crop by index."""
    geometry = given["geometry"]
    source = array(given["image"])
    height, width = given["resized"]
    resized = np.asarray(
        Image.fromarray(source).resize(
            (width, height), Image.Resampling[geometry["filter"].upper()]
        )
    )
    top, left = given["offset"]
    wanted = np.empty((*geometry["crop"], 3), np.uint8)
    for y in range(geometry["crop"][0]):
        for x in range(geometry["crop"][1]):
            inside = 0 <= y + top < height and 0 <= x + left < width
            wanted[y, x] = resized[y + top, x + left] if inside else geometry["pad"]
    return bool((array(output) == wanted).all())


def recipe(
    name: str,
    before: tuple[int, int],
    expected: tuple[tuple[int, int], tuple[int, int]],
    geometry: dict[str, Any],
) -> Case:
    """A case; `expected` are the size after the resize and the offset of the crop, by hand."""
    source = image(pixels(f"geometry/{name}", *before))
    plain = {"geometry": geometry, "image": source}
    resized, at = expected

    def check(given: Any, output: Any) -> bool:
        return through_pillow({**given, "resized": resized, "offset": at}, output)

    return Case(f"geometry/recipe/{name}", plain, check)


def recipes() -> Iterator[Case]:
    base = {"mode": "shortest", "size": [6, 6], "long_side": "floor", "filter": "bicubic"}
    base |= {"crop": [6, 6], "crop_rounding": "half-even", "pad": [0, 0, 0]}
    yield recipe("centre-crop", (9, 14), ((6, 9), (0, 2)), base)
    floor = {**base, "crop_rounding": "floor"}
    yield recipe("floor-offset", (9, 14), ((6, 9), (0, 1)), floor)
    yield recipe("no-resize-crop", (9, 8), ((9, 8), (2, 1)), {**base, "mode": "none"})
    pad = {**base, "mode": "none", "crop": [5, 6], "pad": [255, 1, 100]}
    yield recipe("pad-both-sides", (2, 3), ((2, 3), (-1, -1)), pad)
    yield recipe("pad-floor", (2, 3), ((2, 3), (-2, -2)), {**pad, "crop_rounding": "floor"})
    longest = {**base, "mode": "longest", "pad": [7, 8, 9]}
    yield recipe("longest-and-pad", (13, 7), ((6, 3), (0, -1)), longest)
    squash = {**base, "mode": "squash", "size": [6, 4], "crop": [6, 4], "filter": "bilinear"}
    yield recipe("squash", (10, 11), ((6, 4), (0, 0)), squash)
    half = {**base, "long_side": "half-even", "size": [3, 3], "crop": [3, 3], "filter": "lanczos"}
    yield recipe("long-side-half-even", (6, 7), ((3, 4), (0, 0)), half)
    crop = {**base, "crop": [3, 9], "crop_rounding": "floor", "pad": [1, 2, 3]}
    yield recipe("crop-one-side-pad-the-other", (7, 7), ((6, 6), (1, -2)), crop)


def table(given: Any, output: Any) -> bool:
    """By float64, rounded after each step: of numbers of 24 bits a quotient or a difference has the
    nearest float32 whether or not it was rounded to 53 bits before."""
    wanted = b""
    for mean, std in zip(given["mean"], given["std"], strict=True):
        low, wide = single(mean), single(std)
        wanted += b"".join(
            struct.pack("<f", single(single(v / 255) - low) / wide) for v in range(256)
        )
    return base64.b64decode(output["table"]) == wanted


def single(value: float) -> float:
    """The nearest float32."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


TABLES = {
    "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "halves": ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
    "zero-to-one": ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0]),
}


def files() -> Iterator[VectorFile]:
    sized = {
        name: {
            "geometry": {"mode": mode, "size": size, "long_side": long_side},
            "height": h,
            "width": w,
        }
        for name, (mode, size, long_side, (h, w)) in SIZES.items()
    }
    sized["too-many-pixels"] = {
        "geometry": {"mode": "squash", "size": [13_378, 13_378], "long_side": "floor"},
        "height": 3,
        "width": 3,
    }
    yield SECTION.file(
        "target_size",
        "Height and width after the resize; too many pixels are an error.",
        [Case(f"geometry/target-size/{k}", given, target) for k, given in sized.items()],
        source="decimal arithmetic",
    )
    yield SECTION.file(
        "crop_offset",
        "The crop's first position in the image, in one direction; negative where padding is.",
        [
            Case(
                f"geometry/crop-offset/{rounding}/{k}",
                {"crop_rounding": rounding, "side": side, "crop": crop},
                offset,
            )
            for rounding in ("floor", "half-even")
            for k, (side, crop) in OFFSETS.items()
        ],
        source="decimal arithmetic",
    )
    yield SECTION.file(
        "recipe",
        "An image through the geometry of a recipe: resize, crop, padding.",
        list(recipes()),
        source="Pillow 13, sizes and offsets by hand",
    )
    yield SECTION.file(
        "table",
        "The value table of a canonical recipe: 3,072 bytes.",
        [
            Case(f"geometry/table/{k}", {"mean": mean, "std": std}, table)
            for k, (mean, std) in TABLES.items()
        ],
        number="8.5",
        source="float64, rounded after each step",
    )
