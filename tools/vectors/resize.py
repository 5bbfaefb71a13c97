"""Section 8.2: resizing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from vectors.case import Case, VectorFile
from vectors.drawn import array, image, pixels

FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
# (height, width) -> (height, width). Each filter meets all of them: what a filter's radius does at
# an edge is not what another's does.
SIZES = {
    "down": ((16, 12), (5, 7)),
    "up": ((4, 3), (9, 8)),
    "one-pixel-up": ((1, 1), (3, 2)),
    "down-to-one-pixel": ((7, 6), (1, 1)),
    # h - H > 0 and h - H > 2 (w - W): the vertical pass comes first.
    "vertical-first": ((18, 5), (6, 4)),
    "vertical-first-and-wider": ((9, 3), (7, 8)),
    # 2 (w - W) is reached and not passed: the horizontal pass comes first.
    "horizontal-first-at-the-boundary": ((12, 8), (8, 6)),
    "one-row": ((1, 11), (1, 4)),
    "one-column-taller": ((3, 1), (7, 1)),
}
# For two filters: more columns and rows than a byte counts.
LONG = {"long-row": ((1, 601), (1, 307)), "long-column": ((601, 1), (307, 1))}
# For one filter only: what does not depend on the weights.
BICUBIC = {
    "same-size": ((5, 4), (5, 4)),
    "rows-only": ((11, 6), (4, 6)),
    "columns-only": ((6, 11), (6, 4)),
    "odd-scale": ((13, 17), (7, 11)),
    "taller-and-narrower": ((5, 14), (11, 3)),
}


def pillow(given: Any, output: Any) -> str | None:
    resized = Image.fromarray(array(given["image"])).resize(
        (given["width"], given["height"]), Image.Resampling[given["filter"].upper()]
    )
    different = int((np.asarray(resized) != array(output)).sum())
    return f"{different} values differ" if different else None


def case(name: str, source: npt.NDArray[np.uint8], size: tuple[int, int], kind: str) -> Case:
    given = {"image": image(source), "height": size[0], "width": size[1], "filter": kind}
    return Case(f"resize/{kind}/{name}", given, pillow)


def extremes(name: str, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Black and white only: the overshoot of bicubic and Lanczos is clamped at both ends."""
    return np.where(pixels(name, height, width) < 128, 0, 255).astype(np.uint8)


def nearest_sums() -> Iterator[Case]:
    """Widths at which the sum of steps falls on another position than a product would."""
    for before, after in ((14, 5), (4, 6), (2, 7)):
        source = pixels(f"resize/nearest/{before}", 1, before)
        yield case(f"sum-of-steps-{before}-to-{after}", source, (1, after), "nearest")


LAST_BITS = {
    # Values that are rounded to another one where 0.54 and 0.46 are not those of float32.
    f"last-bit-{len(row)}-to-{size}": (
        np.repeat(np.array([row], np.uint8)[:, :, None], 3, axis=2),
        (1, size),
    )
    for row, size in (
        ([0, 11, 191, 166, 190, 39, 110, 0], 5),
        ([0, 0, 0, 0, 0, 0, 15, 60, 253, 0, 0, 0, 0], 8),
    )
}


def files() -> Iterator[VectorFile]:
    for kind in FILTERS:
        sizes = {**SIZES, **(BICUBIC if kind == "bicubic" else {})}
        cases = [
            case(name, pixels(f"resize/{name}", *before), after, kind)
            for name, (before, after) in sizes.items()
        ]
        if kind in ("bicubic", "lanczos"):
            cases.append(case("clamped-down", extremes("resize/down-bw", 9, 10), (4, 6), kind))
            cases.append(case("clamped-up", extremes("resize/up-bw", 3, 3), (7, 7), kind))
        if kind == "hamming":
            cases += [case(name, *given, kind) for name, given in LAST_BITS.items()]
        if kind in ("nearest", "bilinear"):
            cases += [
                case(name, pixels(f"resize/{name}", *before), after, kind)
                for name, (before, after) in LONG.items()
            ]
        if kind == "nearest":
            cases += nearest_sums()
        yield VectorFile(
            "resize",
            kind,
            "8.2",
            "D",
            "pixels.resize",
            f"Filter {kind}: smaller, larger, single pixels, both orders of the passes.",
            cases,
            source="Pillow 13",
        )
