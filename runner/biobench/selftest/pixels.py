"""Images of the embedded demo suite to pixels and values (SPEC.md, "Decode", "Resize", "Recipes").

In: files that ship with the package. Out: the digest of every uint8 crop, and of the float32 values
that a model would get of them. Nothing but NumPy and the native layer is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from biobench.data.locate import EMBEDDED
from biobench.decode.recipe import Recipe
from biobench.selftest.part import Conditions, Measured, SelftestPart
from biobench.spec.canonical import sha256_bytes, sha256_json

IMAGES_OF_A_SET = 24
_SUFFIXES = (".jpg", ".png")


def value_table(mean: float, std: float) -> bytes:
    """(v / 255 - mean) / std of every pixel value in float32, for three equal channels."""
    values = np.arange(256, dtype=np.float32) / np.float32(255)
    values = (values - np.float32(mean)) / np.float32(std)
    return np.tile(values.astype("<f4"), 3).tobytes()


def _recipe(**changes: Any) -> Recipe:
    plain: dict[str, Any] = {
        "long_side": "floor",
        "crop_rounding": "half-even",
        "pad": (0, 0, 0),
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
        "table_bytes": value_table(0.5, 0.5),
    }
    return Recipe(**{**plain, **changes})


def recipes() -> dict[str, Recipe]:
    """One recipe a mode and filter that published backbones use; the first is the demo model's."""
    return {
        "shortest-bicubic": _recipe(
            mode="shortest", size=(256, 256), filter="bicubic", crop=(224, 224)
        ),
        "squash-bilinear": _recipe(
            mode="squash", size=(96, 160), filter="bilinear", crop=(96, 160)
        ),
        "longest-lanczos": _recipe(
            mode="longest", size=(128, 128), filter="lanczos", crop=(128, 128),
            long_side="half-even", pad=(127, 127, 127),
        ),
    }  # fmt: skip


def images(count: int = IMAGES_OF_A_SET) -> dict[str, list[Path]]:
    """Up to ``count`` image files of each embedded data set, evenly from its sorted paths."""
    found: dict[str, list[Path]] = {}
    for folder in sorted(path for path in EMBEDDED.iterdir() if path.is_dir()):
        files = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)
        step = max(1, len(files) // count)
        found[folder.name] = files[::step][:count]
    return found


def _measure(name: str, conditions: Conditions) -> Measured:
    from biobench.native import ImageLoader

    recipe = recipes()[name]
    sets: dict[str, str] = {}
    for dataset, paths in images().items():
        with ImageLoader(
            paths, recipe, batch_size=len(paths), layout="NCHW", dtype="float32",
            workers=conditions.workers,
        ) as loader:  # fmt: skip
            batch = next(loader)
        values = np.ascontiguousarray(batch.array, "<f4")
        sets[dataset] = sha256_json(
            [
                *("blake3:" + digest.hex() for digest in batch.digests),
                sha256_bytes(values.tobytes()),
            ]
        )
    return Measured(sha256_json([recipe.digest, sets]), {"sets": sets})


def _part(name: str) -> SelftestPart:
    return SelftestPart("pixels", name, "D", (), lambda conditions: _measure(name, conditions))


PARTS = tuple(_part(name) for name in recipes())
