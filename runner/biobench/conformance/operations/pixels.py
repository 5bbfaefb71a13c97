"""Sizes, resizing, cropping and decoding (SPEC.md, section 8)."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._native import resize
from biobench.conformance.operations import Invalid
from biobench.decode.definition import crop_offset, target_size
from biobench.decode.limits import MAX_PIXELS
from biobench.decode.native import DecodedBatch, decode_batch, decode_file
from biobench.decode.recipe import Recipe
from biobench.models.recipes import torchvision_table
from biobench.spec.load import Spec

Pixels = npt.NDArray[np.uint8]


def image_array(given: Mapping[str, Any]) -> Pixels:
    """``{"height", "width", "rgb": base64}`` as uint8, shape (height, width, 3)."""
    data = base64.b64decode(given["rgb"], validate=True)
    return np.frombuffer(data, np.uint8).reshape(given["height"], given["width"], 3)


def image_value(pixels: Pixels) -> dict[str, Any]:
    """The inverse of :func:`image_array`."""
    rgb = base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()
    return {"height": pixels.shape[0], "width": pixels.shape[1], "rgb": rgb}


def recipe_of(geometry: Mapping[str, Any], table: bytes = bytes(3072)) -> Recipe:
    """A recipe from the geometry of section 8.4; fields that it leaves out have no effect."""
    return Recipe(
        mode=geometry["mode"],
        size=_pair(geometry.get("size", [1, 1])),
        long_side=geometry.get("long_side", "floor"),
        filter=geometry.get("filter", "bicubic"),
        crop=_pair(geometry.get("crop", [1, 1])),
        crop_rounding=geometry.get("crop_rounding", "floor"),
        pad=tuple(geometry.get("pad", [0, 0, 0])),
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        table_bytes=table,
    )


def decode_arrays(images: list[Pixels], recipe: Recipe) -> DecodedBatch:
    """Decode images on the runner's own path from file to crop, as lossless files."""
    from PIL import Image

    with tempfile.TemporaryDirectory(prefix="biobench-") as folder:
        paths = [Path(folder) / f"{i}.png" for i in range(len(images))]
        for path, pixels in zip(paths, images, strict=True):
            Image.fromarray(pixels).save(path, compress_level=0)
        return decode_batch(paths, recipe, workers=1)


def _pair(sides: Any) -> tuple[int, int]:
    height, width = sides
    return int(height), int(width)


def _target_size(given: Mapping[str, Any], spec: Spec) -> Any:
    height, width = target_size(recipe_of(given["geometry"]), given["height"], given["width"])
    if height * width > MAX_PIXELS:
        raise Invalid("value")
    return {"height": height, "width": width}


def _crop_offset(given: Mapping[str, Any], spec: Spec) -> Any:
    return {"offset": crop_offset(given["crop_rounding"], given["side"], given["crop"])}


def _resize(given: Mapping[str, Any], spec: Spec) -> Any:
    pixels = image_array(given["image"])
    return image_value(resize(pixels, given["height"], given["width"], given["filter"]))


def _recipe(given: Mapping[str, Any], spec: Spec) -> Any:
    batch = decode_arrays([image_array(given["image"])], recipe_of(given["geometry"]))
    if batch.failures:
        raise Invalid("value")
    return image_value(batch.pixels[0])


def _table(given: Mapping[str, Any], spec: Spec) -> Any:
    table = torchvision_table(given["mean"], given["std"]).astype("<f4")
    return {"table": base64.b64encode(table.tobytes()).decode()}


def _decode(given: Mapping[str, Any], spec: Spec) -> Any:
    """Decode a file of any format; the optional formats have names of their own, so that a port
    which lacks one does not claim it."""
    with tempfile.NamedTemporaryFile(prefix="biobench-") as file:
        file.write(base64.b64decode(given["file"], validate=True))
        file.flush()
        try:
            return image_value(decode_file(file.name))
        except ValueError:
            raise Invalid("value") from None


OPERATIONS = {
    "pixels.target_size": _target_size,
    "pixels.crop_offset": _crop_offset,
    "pixels.resize": _resize,
    "pixels.recipe": _recipe,
    "pixels.table": _table,
    "pixels.decode": _decode,
    "pixels.decode_webp": _decode,
    "pixels.decode_gif": _decode,
    "pixels.decode_bmp": _decode,
    "pixels.decode_tiff": _decode,
}
