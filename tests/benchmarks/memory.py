"""Peak memory of large baseline JPEGs beyond that of small ones, and the bound on it.

600 images of 24 million pixels stay within 100 MiB of 600 of 1 million: rows are read and resized
as they come. One file of each size stands under 600 names. Each list is loaded by a fresh process.

    python tests/benchmarks/memory.py [--workers N] [--quick]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image
from side_by_side import table, versions
from workers import Worker

SIZES = {"1 million pixels": (1224, 816), "24 million pixels": (6000, 4000)}
BOUND = 100


def peaks(folder: Path, count: int, workers: int) -> list[float]:
    """MiB at the peak of loading ``count`` images of each size."""
    noise = Image.effect_noise((600, 400), 60).convert("RGB")
    found = []
    for name, size in SIZES.items():
        first = folder / f"{name}.jpg"
        noise.resize(size, Image.Resampling.BILINEAR).save(first, quality=75)
        files = [folder / f"{name} {index}.jpg" for index in range(count)]
        for file in files:
            os.link(first, file)
        with Worker(Path(sys.executable), "with_biobench.py") as worker:
            found.append(worker.peak(files, workers))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    count = 32 if arguments.quick else 600
    with tempfile.TemporaryDirectory() as folder:
        small, large = peaks(Path(folder), count, arguments.workers)
    print(f"{arguments.workers} workers, batches of 32; {versions('pillow')}", end="\n\n")
    rows = zip(SIZES, (small, large), strict=True)
    table(
        ["baseline JPEGs", "peak memory beyond the start, MiB"],
        [[f"{count} of {name}", f"{peak:.0f}"] for name, peak in rows],
    )
    if large - small > BOUND:
        print(f"{large - small:.0f} MiB more, {BOUND} is the bound", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
