"""Images per second: the native layer beside Pillow on threads, on the same files.

Both do the same work to the same bytes: decode, resize the shorter side to 224 (bicubic), crop.
The two alternate, so that a busy machine slows both; the ratio is of the medians.

    python tests/benchmarks/decode.py [FOLDER] [--workers N] [--rounds N] [--limit N]

Without a folder the files are drawn: 64 JPEGs of 1024 x 768.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from biobench.decode.loader import usable_cores
from biobench.decode.native import decode_batch
from biobench.decode.recipe import Recipe
from biobench.decode.reference import decode_reference
from biobench.native import build_info

RECIPE = Recipe(
    mode="shortest",
    size=(224, 224),
    long_side="floor",
    filter="bicubic",
    crop=(224, 224),
    crop_rounding="half-even",
    pad=(0, 0, 0),
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    table_bytes=bytes(3072),
)


def drawn(folder: Path) -> None:
    """Smooth JPEGs with noise, as large as a web photograph."""
    random = np.random.Generator(np.random.PCG64(1))
    for index in range(64):
        small = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(small).resize((1024, 768), Image.Resampling.BICUBIC))
        noise = random.normal(0, 6, smooth.shape)
        pixels = np.clip(smooth + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:02}.jpg", quality=90)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=int, default=512)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder
        if folder is None:
            folder = Path(scratch)
            drawn(folder)
        endings = {".jpg", ".jpeg", ".png"}
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in endings)
        files = files[:: max(1, len(files) // arguments.limit)]
        seconds: dict[str, list[float]] = {"native": [], "pillow": []}
        with ThreadPoolExecutor(arguments.workers) as pool:
            for _ in range(arguments.rounds + 1):
                start = time.perf_counter()
                ours = decode_batch(files, RECIPE, workers=arguments.workers).pixels
                middle = time.perf_counter()
                theirs = np.stack(list(pool.map(lambda f: decode_reference(f, RECIPE), files)))
                end = time.perf_counter()
                seconds["native"].append(middle - start)
                seconds["pillow"].append(end - middle)
                if not np.array_equal(ours, theirs):
                    print("the pixels differ", file=sys.stderr)
                    return 1
    # The first round warms the file cache.
    median = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    report = {
        "images": len(files),
        "workers": arguments.workers,
        "images_per_second": {n: round(len(files) / s, 1) for n, s in median.items()},
        "native_over_pillow": round(median["pillow"] / median["native"], 3),
        "build": build_info(),
    }
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
