"""The native layer beside the libraries that users know, on the same files, as a Markdown table.

All do the same work: decode, resize the shorter side to 224 (bicubic), cut the centre 224 x 224.
They alternate, so that a busy machine slows all of them; a ratio is the median of the rounds' own
ratios to the baseline. CPU time is that of the process and its children. Quote ratios: times are
those of one machine on one day.

    python tests/benchmarks/decode.py [FOLDER] [--workers N] [--rounds N] [--limit N]

Without a folder the files are drawn: 48 JPEGs of 2 million pixels. `corpus.py` beside this file
makes a folder of real photographs.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from side_by_side import cpu_seconds, processor, ratio
from torch.utils.data import DataLoader, Dataset
from torchvision.io import ImageReadMode, decode_image, read_file
from torchvision.transforms import v2

from biobench import _native
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
BATCH = 32
Pixels = np.ndarray
Loader = Callable[[list[Path], int], Pixels]


class Files(Dataset[torch.Tensor]):
    """What a worker of a torch DataLoader reads."""

    def __init__(self, files: list[Path], one: Callable[[Path], torch.Tensor]) -> None:
        self.files, self.one = files, one

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.one(self.files[index])


def with_pillow(file: Path) -> torch.Tensor:
    return torch.from_numpy(decode_reference(file, RECIPE))


TORCHVISION = v2.Compose(
    [v2.Resize(224, interpolation=v2.InterpolationMode.BICUBIC), v2.CenterCrop(224)]
)


def decoded(file: Path) -> torch.Tensor:
    return decode_image(read_file(os.fspath(file)), ImageReadMode.RGB)


def with_torchvision(file: Path) -> torch.Tensor:
    return TORCHVISION(decoded(file)).permute(1, 2, 0)


def in_processes(one: Callable[[Path], torch.Tensor]) -> Loader:
    def load(files: list[Path], workers: int) -> Pixels:
        loader = DataLoader(Files(files, one), batch_size=BATCH, num_workers=workers)
        return np.concatenate([batch.numpy() for batch in loader])

    return load


def in_threads(one: Callable[[Path], torch.Tensor]) -> Loader:
    def load(files: list[Path], workers: int) -> Pixels:
        with ThreadPoolExecutor(workers) as pool:
            return np.stack([image.numpy() for image in pool.map(one, files)])

    return load


def decode_alone(files: list[Path], workers: int) -> Pixels:
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda file: decoded(file).shape, files))
    return np.empty(0, np.uint8)


def native(kernel: str) -> Loader:
    def load(files: list[Path], workers: int) -> Pixels:
        batch = decode_batch(files, RECIPE, workers=workers, kernel=kernel)
        assert batch.failures == [], batch.failures
        return batch.pixels

    return load


@dataclass
class Row:
    """One loader and what its rounds took."""

    name: str
    load: Loader
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    differing: float | None = None

    def run(self, files: list[Path], workers: int) -> Pixels:
        cpu, wall = cpu_seconds(), time.perf_counter()
        pixels = self.load(files, workers)
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(cpu_seconds() - cpu)
        return pixels

    def line(self, baseline: Row, count: int) -> str:
        return (
            f"| {self.name} | {statistics.median(self.cpu) / count * 1000:.1f} "
            f"| {ratio(baseline.cpu, self.cpu):.2f} "
            f"| {count / statistics.median(self.wall):.0f} "
            f"| {ratio(baseline.wall, self.wall):.2f} "
            f"| {'' if self.differing is None else f'{100 * self.differing:.2f} %'} |"
        )


def rows() -> list[Row]:
    """The baseline first."""
    return [
        Row("torch DataLoader + Pillow", in_processes(with_pillow)),
        Row("Pillow, threads", in_threads(with_pillow)),
        Row("torchvision.io + v2.Resize, DataLoader", in_processes(with_torchvision)),
        Row("torchvision.io + v2.Resize, threads", in_threads(with_torchvision)),
        Row("*torchvision.io, decode alone, threads*", decode_alone),
        *(Row(f"biobench.native, {kernel}", native(kernel)) for kernel in _native.kernels()),
    ]


def drawn(folder: Path) -> None:
    """Smooth JPEGs with noise, as large as a web photograph."""
    random = np.random.Generator(np.random.PCG64(1))
    for index in range(48):
        small = random.integers(0, 256, (24, 36, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(small).resize((1728, 1152), Image.Resampling.BICUBIC))
        noise = random.normal(0, 6, smooth.shape)
        pixels = np.clip(smooth + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:02}.jpg", quality=85)


def chosen(folder: Path, limit: int) -> list[Path]:
    endings = {".jpg", ".jpeg", ".png"}
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in endings)
    return files[:: max(1, len(files) // limit)][:limit]


def describe(files: list[Path], arguments: argparse.Namespace) -> str:
    sizes = []
    for file in files:
        with Image.open(file) as image:
            sizes.append(image.size)
    pixels = statistics.mean(width * height for width, height in sizes) / 1e6
    size = statistics.mean(file.stat().st_size for file in files) / 1e3
    return (
        f"{len(files)} files, {pixels:.2f} million pixels and {size:.0f} kB on average; "
        f"{arguments.workers} workers, {arguments.rounds} rounds; {processor()}; "
        f"Python {platform.python_version()}, Pillow {version('pillow')}, "
        f"torch {version('torch')}, torchvision {version('torchvision')}, "
        f"biobench {version('biobench')} with libjpeg-turbo {build_info()['libjpeg_turbo']}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=int, default=512)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    table = rows()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder
        if folder is None:
            folder = Path(scratch)
            drawn(folder)
        files = chosen(folder, arguments.limit)
        for turn in range(arguments.rounds + 1):
            pixels = [row.run(files, arguments.workers) for row in table]
            if turn == 0:  # it warms the file cache, and shows what is equal
                for row, found in zip(table, pixels, strict=True):
                    row.cpu.clear()
                    row.wall.clear()
                    if found.size:
                        row.differing = float((found != pixels[0]).mean())
        heading = describe(files, arguments)
    print(heading, end="\n\n")
    print("| loader | CPU ms an image | CPU ratio | images/s | wall ratio | bytes that differ |")
    print("|---|---|---|---|---|---|")
    for row in table:
        print(row.line(table[0], len(files)))
    wrong = [row.name for row in table if row.name.startswith("biobench") and row.differing]
    if wrong:
        print(f"the pixels differ: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
