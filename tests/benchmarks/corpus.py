"""Photographs for the benchmarks, from the wallpapers that Debian distributes.

    python tests/benchmarks/corpus.py FOLDER [--count N]

Needs `apt-get` and `dpkg-deb`; installs nothing. Cuts windows of usual shapes out of the
photographs, three quarters of them wider than high, shrinks them to 1.5 to 2.8 million pixels and
writes them as JPEG with the qualities and subsamplings that cameras and web sites use. The same
packages give the same files.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

PACKAGES = ["plasma-workspace-wallpapers", "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04"]
SHAPES = [3 / 2, 4 / 3, 16 / 9, 3 / 2]
QUALITIES = [75, 80, 85, 90, 92]
SUBSAMPLINGS = ["4:2:0", "4:2:0", "4:2:0", "4:2:2", "4:4:4"]


def photographs(scratch: Path) -> list[Path]:
    """Every JPEG of at least 2 million pixels in the packages."""
    subprocess.run(["apt-get", "download", *PACKAGES], cwd=scratch, check=True)
    for package in sorted(scratch.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, scratch / "files"], check=True)
    found = []
    for path in sorted((scratch / "files").rglob("*.jpg")):
        # The packages link one file under the names of many screen sizes.
        if path.is_symlink() or path.name.startswith("screenshot"):
            continue
        with Image.open(path) as image:
            if image.width * image.height >= 2_000_000:
                found.append(path)
    return found


def window(image: Image.Image, draw: random.Random) -> Image.Image:
    """A part of the image, shrunk to about 2 million pixels; never enlarged."""
    shape = draw.choice(SHAPES)
    if draw.random() < 0.25:
        shape = 1 / shape
    width = min(image.width, image.height * shape) * draw.uniform(0.8, 1)
    height = width / shape
    left = draw.uniform(0, image.width - width)
    top = draw.uniform(0, image.height - height)
    pixels = draw.uniform(1.5e6, 2.8e6)
    columns = min((pixels * shape) ** 0.5, width)
    return image.resize(
        (int(columns), int(columns / shape)),
        Image.Resampling.LANCZOS,
        box=(left, top, left + width, top + height),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=100)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(1)
    with tempfile.TemporaryDirectory() as scratch:
        sources = photographs(Path(scratch))
        for index in range(arguments.count):
            with Image.open(sources[index % len(sources)]) as image:
                part = window(image.convert("RGB"), draw)
            part.save(
                arguments.folder / f"{index:03}.jpg",
                quality=draw.choice(QUALITIES),
                subsampling=draw.choice(SUBSAMPLINGS),
            )


if __name__ == "__main__":
    main()
