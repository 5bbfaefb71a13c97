"""Distances of two results at a stage, in the measures of SPEC.md, section "Evidence".

In: evidence, predictions or scores of one task in two results. Out: sizes by name, and the same in
words. Items are matched by their ids.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.data.predictions import Predictions
from biobench.decode.headers import more_formats
from biobench.decode.native import decode_batch
from biobench.decode.recipe import Recipe
from biobench.embed.evidence import Evidence
from biobench.errors import counted
from biobench.verify.from_data import batch_size
from biobench.verify.recipes import impossible_sides

BLOCK = 4096
DECODED = 512
"""Images of which the pixels themselves are compared; digests tell which differ of all."""


@dataclass(frozen=True)
class Distance:
    """A measured distance: in words, and as numbers."""

    text: str
    size: Mapping[str, Any] = field(default_factory=dict)


def matched(
    ours: Sequence[str], theirs: Sequence[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Positions of the ids that both have, in our order, int64 (n,) each."""
    place = {id: i for i, id in enumerate(theirs)}
    pairs = [(i, place[id]) for i, id in enumerate(ours) if id in place]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def pixel_distance(
    a: Evidence, b: Evidence, roots: tuple[Path | None, Path | None], recipe: Recipe, workers: int
) -> Distance:
    """Share of images with other pixels, and the largest difference of two values, 0 to 255."""
    here, there = matched([row[0] for row in a.rows], [row[0] for row in b.rows])
    differ = np.flatnonzero((a.pixels[here] != b.pixels[there]).any(axis=1))
    if differ.size == 0:
        return Distance("other images; those in both results have the same pixels")
    first = str(a.rows[int(here[differ[0]])][1])
    size = {"images": int(differ.size), "of": int(here.size), "share": differ.size / here.size}
    text = f"{differ.size} of {here.size} images have other pixels ({first})"
    largest = _largest(a, b, here[differ], there[differ], roots, recipe, workers)
    if isinstance(largest, str):
        return Distance(f"{text}; {largest}", size)
    only = f" in {DECODED} of them" if differ.size > DECODED else ""
    return Distance(
        f"{text}, the largest difference is {largest} of 255{only}", {**size, "largest": largest}
    )


def _largest(
    a: Evidence,
    b: Evidence,
    here: npt.NDArray[np.int64],
    there: npt.NDArray[np.int64],
    roots: tuple[Path | None, Path | None],
    recipe: Recipe,
    workers: int,
) -> int | str:
    """The largest difference of two values of the first images, or the reason why it cannot be
    measured."""
    if None in roots:
        return "by how much cannot be measured: give --data and --against-data"
    odd = impossible_sides(recipe)
    if odd is not None:
        return f"by how much cannot be measured: {odd}"
    largest, count = 0, batch_size(recipe.crop)
    for start in range(0, min(here.size, DECODED), count):
        pixels = []
        for evidence, rows, root in ((a, here, roots[0]), (b, there, roots[1])):
            part = rows[start : start + count].tolist()
            paths = [os.path.join(str(root), str(evidence.rows[i][1])) for i in part]
            # Digests tell whether these are the images of the run, whatever their formats.
            decoded = decode_batch(paths, recipe, workers=workers, decoder=more_formats())
            found = np.frombuffer(b"".join(decoded.digests), np.uint8).reshape(-1, 32)
            if not np.array_equal(found, evidence.pixels[part]):
                return f"by how much cannot be measured: {root} does not have the images of the run"
            pixels.append(decoded.pixels.astype(np.int16))
        largest = max(largest, int(np.abs(pixels[0] - pixels[1]).max()))
    return largest


def feature_distance(a: Evidence, b: Evidence) -> Distance:
    """Least and mean cosine between two features of an item, and the largest difference.

    In float64. The cosine with a feature that is all zero is 0, of two such 1.
    """
    if a.features.shape[1] != b.features.shape[1]:
        return Distance(f"rows of {a.features.shape[1]} and of {b.features.shape[1]} numbers")
    here, there = matched(a.items, b.items)
    cosines, largest, differ = np.ones(here.size), 0.0, 0
    for start in range(0, here.size, BLOCK):
        part = slice(start, start + BLOCK)
        x = a.features[here[part]].astype(np.float64)
        y = b.features[there[part]].astype(np.float64)
        apart = np.abs(x - y).max(axis=1)
        largest = max(largest, float(apart.max()))
        other = apart > 0
        differ += int(other.sum())
        cosines[part][other] = _cosines(x[other], y[other])
    if not differ:
        return Distance("other items; those in both results have the same features")
    least, mean = float(cosines.min()), float(cosines.mean())
    text = (
        f"{differ} of {here.size} items differ, least cosine {least:.9g}, mean {mean:.9g}, "
        f"largest difference {largest:.3g}"
    )
    return Distance(
        text,
        {
            "items": differ,
            "of": int(here.size),
            "least_cosine": least,
            "mean_cosine": mean,
            "largest": largest,
        },
    )


def _cosines(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    norms = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    found: npt.NDArray[np.float64] = np.where(
        norms > 0, (x * y).sum(axis=1) / np.where(norms > 0, norms, 1.0), 0.0
    )
    return found


def prediction_distance(a: Predictions, b: Predictions) -> Distance:
    """Share of the items of both that have equal predictions."""
    here, there = matched(a.ids, b.ids)
    lost = len(a.ids) + len(b.ids) - 2 * int(here.size)
    alone = f"; {counted(lost, 'item is', 'items are')} in one of them only" if lost else ""
    if here.size == 0 or a.y_pred.shape[1:] != b.y_pred.shape[1:]:
        return Distance(f"they have no item in common{alone}")
    equal = (a.y_pred[here] == b.y_pred[there]).reshape(here.size, -1).all(axis=1)
    share, count = float(equal.mean()), int(equal.size - equal.sum())
    size = {"equal": share, "differ": count, "of": int(here.size), "alone": lost}
    if not count:
        return Distance(f"equal, but not what comes with them{alone}", size)
    first = a.ids[int(here[int(np.argmin(equal))])]
    text = f"{100 * share:.2f}% equal: {count} of {here.size} differ ({first}){alone}"
    return Distance(text, size)


def score_distance(a: Mapping[str, Any], b: Mapping[str, Any]) -> Distance:
    """Difference of two scores, and its place in the first one's interval.

    Args:
        a: An entry of a result, or its mean, with ``score`` and the bounds of its interval.
        b: The same of the other result.
    """
    difference = b["score"] - a["score"]
    bounds = a.get("interval", a)
    text = f"{a['score']:.6f} against {b['score']:.6f}, {abs(difference):.6f} "
    text += "less" if difference < 0 else "more"
    size: dict[str, Any] = {"difference": difference}
    if bounds is not None and bounds["low"] is not None:
        inside = bounds["low"] <= b["score"] <= bounds["high"]
        size |= {"low": bounds["low"], "high": bounds["high"], "inside": inside}
        word = "inside" if inside else "outside"
        text += f", {word} the interval {bounds['low']:.3f} to {bounds['high']:.3f}"
    return Distance(text, size)
