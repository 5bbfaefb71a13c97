"""A model and a data set that cost next to nothing, so that what lies around them is measured.

The model is a program of one product over a crop of 8 x 8 pixels, which the exact engine runs; the
images are of 8 x 8 pixels too. Neither needs torch. Probing is by the nearest centroid.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from biobench._common.files import write_atomically
from biobench._native import Program
from biobench.decode.recipe import Recipe
from biobench.models.base import ModelInfo
from biobench.models.program.document import Builder, Dim
from biobench.models.program_folder import CONSTANTS, MODEL, PROGRAM, SCHEMA, TABLE
from biobench.spec.canonical import canonical_json

SIDE = 8
CLASSES = 4
FOLDER = 1000
"""Images of a folder of :func:`draw_images`."""


def write_model(folder: Path, dim: int) -> str:
    """Write a model with ``dim`` features to a folder that is not there yet; returns its name."""
    from safetensors.numpy import save_file

    builder = Builder((Dim(1, batch=True), Dim(3), Dim(SIDE), Dim(SIDE)))
    flat = builder.operation(
        "reshape", {"x": builder.input}, (Dim(1, batch=True), Dim(3 * SIDE * SIDE))
    )
    random = np.random.Generator(np.random.PCG64(3))
    weight = random.standard_normal((dim, 3 * SIDE * SIDE), dtype=np.float32)
    output = builder.operation(
        "linear",
        {"x": flat, "weight": builder.constant(weight)},
        (Dim(1, batch=True), Dim(dim)),
    )
    document = builder.document(output)
    program = Program(canonical_json(document).decode(), builder.data.get)
    table = np.tile(np.arange(256, dtype="<f4") / 255, 3).tobytes()
    recipe = Recipe(
        mode="none", size=(SIDE, SIDE), long_side="floor", filter="bicubic", crop=(SIDE, SIDE),
        crop_rounding="floor", pad=(0, 0, 0), mean=(0, 0, 0), std=(1, 1, 1), table_bytes=table,
    )  # fmt: skip
    info = ModelInfo(
        name="stub", resolved="stub", source="local", revision=None, licence=None,
        weights=program.digest, feature="stub", dim=dim, parameters=weight.size, pinned=False,
        trusted=True, fingerprint="",
    )  # fmt: skip
    stated = {k: v for k, v in vars(info).items() if k not in ("fingerprint", "program")}
    folder.mkdir(parents=True)
    write_atomically(folder / PROGRAM, program.text.encode())
    text = json.dumps(
        {
            "schema": SCHEMA,
            "program": program.digest,
            "model": stated,
            "recipe": {
                **recipe.geometry(),
                "mean": list(recipe.mean),
                "std": list(recipe.std),
                "digest": recipe.digest,
            },
        }
    )
    write_atomically(folder / MODEL, text.encode())
    tensors = {name: np.frombuffer(data, np.uint8) for name, data in builder.data.items()}
    save_file({**tensors, TABLE: np.frombuffer(table, np.uint8)}, folder / CONSTANTS)
    return f"program:{folder}"


def draw_images(root: Path, count: int) -> str:
    """Write a data set of ``count`` images, a fifth of them to be scored, and its task.

    Every image has a colour of its own; no folder holds more than some thousand.

    Returns:
        The path of the task.
    """
    data = root / "data" / "drawn"
    made: set[Path] = set()
    for i in range(count):
        split = "test" if i % 5 == 4 else "train"
        label = i // 5 % CLASSES
        folder = data / split / f"class{label}" / f"{i // FOLDER:04}"
        if folder not in made:
            folder.mkdir(parents=True)
            made.add(folder)
        pixels = np.full((SIDE, SIDE, 3), 60 * label, np.uint8)
        pixels[0, 0] = (i & 255, i >> 8 & 255, i >> 16 & 255)
        Image.fromarray(pixels).save(folder / f"{i:07}.png", compress_level=1)
    task = root / "drawn.yaml"
    task.write_text(
        yaml.safe_dump(
            {
                "task": "drawn",
                "dataset": {
                    "id": "drawn",
                    "layout": {
                        "id": "image-folder",
                        "options": {"splits": {"train": "train", "test": "test"}},
                    },
                },
                "split": "train-test",
                "protocol": "nearest_centroid",
                "metrics": [{"id": "macro_f1", "higher_is_better": True, "interval": None}],
            }
        )
    )
    return os.fspath(task)
