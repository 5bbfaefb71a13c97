"""Images for the benchmarks: Debian's wallpapers, and what scikit-image and scikit-learn ship.

    python tests/benchmarks/corpus.py FOLDER [--count N]

Needs `apt-get`, `dpkg-deb` and pip, which fetch packages and install nothing. Cuts windows of usual
shapes out of the photographs, three quarters of them wider than high, shrinks them to 1.5 to 2.8
million pixels and writes them as JPEG with the qualities and subsamplings that cameras and web
sites use. The colour images of the two libraries stay as they are where they are JPEGs. The same
packages give the same files.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import sklearn.datasets
from PIL import Image

PACKAGES = ["plasma-workspace-wallpapers", "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04"]
SCIKIT_IMAGE = "scikit-image==0.26.0"
SHAPES = [3 / 2, 4 / 3, 16 / 9, 3 / 2]
QUALITIES = [75, 80, 85, 90, 92]
SUBSAMPLINGS = ["4:2:0", "4:2:0", "4:2:0", "4:2:2", "4:4:4"]


def photographs(scratch: Path) -> list[Path]:
    """Every JPEG of at least 2 million pixels in Debian's packages."""
    fetch(["apt-get", "download", "--quiet=2", *PACKAGES], scratch)
    for package in sorted(scratch.glob("*.deb")):
        fetch(["dpkg-deb", "-x", str(package), str(scratch / "files")], scratch)
    found = []
    for path in sorted((scratch / "files").rglob("*.jpg")):
        # The packages link one file under the names of many screen sizes.
        if path.is_symlink() or path.name.startswith("screenshot"):
            continue
        with Image.open(path) as image:
            if image.width * image.height >= 2_000_000:
                found.append(path)
    return found


def shipped(scratch: Path) -> list[Path]:
    """The colour images of at least 100,000 pixels that scikit-image and scikit-learn ship."""
    fetch([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", SCIKIT_IMAGE], scratch)
    for wheel in scratch.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(scratch, [n for n in archive.namelist() if "skimage/data/" in n])
    folders = [scratch / "skimage/data", Path(sklearn.datasets.__file__).parent / "images"]
    found = []
    for folder in folders:
        for path in sorted([*folder.glob("*.png"), *folder.glob("*.jpg")]):
            with Image.open(path) as image:
                if image.mode == "RGB" and image.width * image.height >= 100_000:
                    found.append(path)
    return found


def fetch(command: list[str], folder: Path) -> None:
    """Run a command there; RuntimeError with one line where it cannot."""
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except OSError as error:
        raise RuntimeError(f"{command[0]}: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines() or ["no reason given"]
        raise RuntimeError(f"{' '.join(command[:2])}: {said[-1]}") from None


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


def write(folder: Path, count: int = 100) -> None:
    """Make the folder, of ``count`` photographs and the shipped images; whole or not at all.

    RuntimeError where a package cannot be had.
    """
    draw = random.Random(1)
    with tempfile.TemporaryDirectory() as scratch:
        sources = photographs(Path(scratch))
        others = shipped(Path(scratch))
        made = Path(scratch) / "made"
        made.mkdir()
        for index in range(count):
            with Image.open(sources[index % len(sources)]) as image:
                part = window(image.convert("RGB"), draw)
            part.save(
                made / f"{index:03}.jpg",
                quality=draw.choice(QUALITIES),
                subsampling=draw.choice(SUBSAMPLINGS),
            )
        for path in others:
            if path.suffix == ".jpg":
                shutil.copy(path, made)
            else:
                with Image.open(path) as image:
                    image.save(made / f"{path.stem}.jpg", quality=90)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=100)
    arguments = parser.parse_args()
    if arguments.folder.exists():
        parser.error(f"{arguments.folder} exists; name a new folder")
    try:
        write(arguments.folder, arguments.count)
    except RuntimeError as error:
        print(f"no photographs: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
