"""The native layer beside the libraries that users know, on the same files, as a Markdown table.

All do the same work: decode, resize the shorter side to 224 (bicubic), cut the centre 224 x 224,
in batches of 32. Each runs in a process of its own with the Python of its own environment (see
`environments.py`); those of torch, and ours, with the package's. One that cannot be installed here
is named and left out. They alternate, so that a busy machine slows all of them; a ratio is the
median of the rounds' own ratios to the baseline. CPU time is that of a process and its children.
Starting threads counts; starting Python and the processes of a DataLoader does not. Memory is
measured in a round of its own before the others, and is what loading adds to a process. Quote
ratios: times are those of one machine on one day.

    python tests/benchmarks/decode.py [FOLDER] [--workers N ...] [--rounds N] [--limit N] [--quick]

Without a folder it takes the images of `corpus.py`, made once in `.cache/corpus` beside this file.
`--quick` is one round over drawn images, of the loaders in the package's environment alone.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import corpus
import numpy as np
from environments import (
    CACHE,
    DALI,
    KORNIA,
    PILLOW,
    PILLOW_SIMD,
    SIMPLEJPEG,
    Environment,
    left_out,
    prepare,
)
from PIL import Image
from side_by_side import Times, Way, alternate, processor, ratio, table
from workers import Stopped, Worker


@dataclass
class Loader:
    """A program of `peers`, the environment that it needs, and what was found."""

    name: str
    environment: Environment | None
    command: tuple[str, ...]
    ways: list[Way] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    peak: float = 0
    differing: float | None = None

    def start(self) -> Worker | None:
        """Its process, or None and a line that names it."""
        python = prepare(self.environment) if self.environment else Path(sys.executable)
        if python is None:
            return None
        try:
            worker = Worker(python, *self.command)
        except Stopped as error:
            left_out(self.name, error)
            return None
        self.versions = worker.versions
        return worker

    def cells(self, baseline: Loader, count: int) -> list[str]:
        last = self.ways[-1]
        cells = [
            self.name,
            f"{statistics.median(last.cpu) / count * 1000:.1f}",
            f"{ratio(baseline.ways[-1].cpu, last.cpu):.2f}",
        ]
        for theirs, way in zip(baseline.ways, self.ways, strict=True):
            cells.append(f"{count / statistics.median(way.wall):.0f}")
            cells.append(f"{ratio(theirs.wall, way.wall):.2f}")
        cells.append(f"{self.peak:.0f}")
        cells.append("" if self.differing is None else f"{100 * self.differing:.2f} %")
        return cells


def loaders(quick: bool) -> list[Loader]:
    """The baseline first, ours last."""
    found = [
        Loader("torch DataLoader + Pillow", None, ("with_torch.py", "pillow", "processes")),
        Loader("Pillow, threads", PILLOW, ("with_pillow.py", "pillow")),
        Loader("simplejpeg + Pillow's resize, threads", SIMPLEJPEG, ("with_simplejpeg.py",)),
        Loader("NVIDIA DALI on the CPU", DALI, ("with_dali.py",)),
        Loader("kornia-rs, threads", KORNIA, ("with_kornia.py",)),
        Loader("pillow-simd (AVX2), threads", PILLOW_SIMD, ("with_pillow.py", "pillow-simd")),
        Loader(
            "torchvision.io + v2.Resize, DataLoader",
            None,
            ("with_torch.py", "torchvision", "processes"),
        ),
        Loader(
            "torchvision.io + v2.Resize, threads",
            None,
            ("with_torch.py", "torchvision", "threads"),
        ),
        Loader(
            "*bound: simplejpeg, decode alone, threads*",
            SIMPLEJPEG,
            ("with_simplejpeg.py", "alone"),
        ),
        Loader("biobench.native without SIMD", None, ("with_biobench.py", "scalar")),
        Loader("biobench.native.ImageLoader", None, ("with_biobench.py",)),
    ]
    return [loader for loader in found if not (quick and loader.environment)]


def measure(
    found: list[Loader], files: list[Path], workers: list[int], rounds: int, scratch: Path
) -> list[Loader]:
    """Run those that can be run here and keep what they took; ours and the baseline must."""
    with ExitStack() as stack:
        running: list[tuple[Loader, Worker]] = []
        for loader in found:
            if worker := loader.start():
                running.append((loader, stack.enter_context(worker)))
        kept = []
        expected = None
        # This round warms the file cache as well.
        for loader, worker in running:
            path = scratch / "pixels"
            try:
                loader.peak = worker.peak(files, workers[-1], path)
            except Stopped as error:
                left_out(loader.name, error)
                continue
            pixels = np.fromfile(path, np.uint8)
            expected = pixels if expected is None else expected
            if pixels.size == expected.size:
                loader.differing = float((pixels != expected).mean())
            loader.ways = [Way(loader.name, clock(worker, files, count)) for count in workers]
            kept.append(loader)
        try:
            alternate([way for loader in kept for way in loader.ways], rounds)
        except Stopped as error:
            raise SystemExit(f"a loader stopped between two rounds: {error}") from None
    missing = {found[0].name, found[-1].name} - {loader.name for loader in kept}
    if missing:
        raise SystemExit(f"without {', '.join(sorted(missing))} there is nothing to compare")
    return kept


def clock(worker: Worker, files: list[Path], count: int) -> Callable[[], Times]:
    return lambda: (None, *worker.load(files, count))


def drawn(folder: Path) -> None:
    """Smooth JPEGs with noise, as large as a web photograph."""
    random = np.random.Generator(np.random.PCG64(1))
    for index in range(48):
        small = random.integers(0, 256, (24, 36, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(small).resize((1728, 1152), Image.Resampling.BICUBIC))
        noise = random.normal(0, 6, smooth.shape)
        pixels = np.clip(smooth + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:02}.jpg", quality=85)


def images(folder: Path | None, quick: bool, scratch: Path) -> tuple[Path, str]:
    """The folder to take, and what is in it."""
    if folder:
        return folder, "files"
    if not quick:
        folder = CACHE / "corpus"
        try:
            if not folder.exists():
                print("preparing the photographs", file=sys.stderr, flush=True)
                corpus.write(folder)
            return folder, "files"
        except RuntimeError as error:
            print(f"drawn images in place of photographs: {error}", file=sys.stderr, flush=True)
    folder = scratch / "drawn"
    folder.mkdir()
    drawn(folder)
    return folder, "drawn images"


def chosen(folder: Path, limit: int) -> list[Path]:
    """JPEGs, which is what all loaders read."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg"})
    if not files:
        raise SystemExit(f"{folder} has no JPEG; name another folder")
    return files[:: max(1, len(files) // limit)][:limit]


def describe(files: list[Path], kind: str, rounds: int, kept: list[Loader]) -> str:
    sizes = []
    for file in files:
        with Image.open(file) as image:
            sizes.append(image.size)
    pixels = statistics.mean(width * height for width, height in sizes) / 1e6
    size = statistics.mean(file.stat().st_size for file in files) / 1e3
    versions: dict[str, str] = {}
    for loader in kept:
        versions |= loader.versions
    return (
        f"{len(files)} {kind}, {pixels:.2f} million pixels and {size:.0f} kB on average; "
        f"{rounds} rounds; {processor()}; Python {platform.python_version()}, "
        + ", ".join(f"{package} {found}" for package, found in versions.items())
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit", type=int, default=512)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    rounds = 1 if arguments.quick else arguments.rounds
    with tempfile.TemporaryDirectory() as scratch:
        folder, kind = images(arguments.folder, arguments.quick, Path(scratch))
        files = chosen(folder, arguments.limit)
        found = loaders(arguments.quick)
        kept = measure(found, files, arguments.workers, rounds, Path(scratch))
        print(describe(files, kind, rounds, kept), end="\n\n")
    heading = ["loader", "CPU ms an image", "CPU ratio"]
    for count in arguments.workers:
        named = f"{count} worker{'s' if count > 1 else ''}"
        heading += [f"images/s, {named}", f"wall ratio, {named}"]
    heading += ["peak memory beyond the start, MiB", "bytes that differ"]
    table(heading, [loader.cells(kept[0], len(files)) for loader in kept])
    wrong = [loader.name for loader in kept if "biobench" in loader.name and loader.differing]
    if wrong:
        print(f"the pixels differ: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
