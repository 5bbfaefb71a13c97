"""Two thousand images through recipes of every kind: no byte differs from Pillow, for any kernel.

The files come from one seed: JPEG and PNG of many sizes and subsamplings, smooth, noisy and
saturated. Every filter meets every mode, shrinking, enlarging and both at once.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from images import picture, recipe
from PIL import Image

from biobench import _native
from biobench.decode.definition import decode_reference
from biobench.decode.native import decode_batch
from biobench.decode.recipe import Recipe

FILTERS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
MODES = ["none", "shortest", "longest", "squash"]
SHARES = 8
IMAGES = 252
"""Of each share: 8 * 252 = 2,016 images, and each pair of filter and mode 84 times."""


def side(random: np.random.Generator, small: int, large: int) -> int:
    """Small sides more often than large ones."""
    return int(np.exp(random.uniform(np.log(small), np.log(large + 1))))


def image_file(random: np.random.Generator, path: Path) -> None:
    pixels = picture(side(random, 1, 400), side(random, 1, 400), int(random.integers(2**32)))
    image = Image.fromarray(pixels)
    if random.random() < 0.1:
        image = image.convert("L")
    if random.random() < 0.25:
        image.save(path, "PNG", compress_level=1)
        return
    out = io.BytesIO()
    image.save(
        out,
        "JPEG",
        quality=int(random.integers(30, 100)),
        subsampling=int(random.integers(3)),
        progressive=bool(random.random() < 0.15),
        restart_marker_blocks=int(random.choice([0, 0, 0, 5])),
    )
    path.write_bytes(out.getvalue())


def drawn_recipe(random: np.random.Generator, index: int) -> Recipe:
    size = (side(random, 1, 160), side(random, 1, 160))
    # Mostly the crop of the size, as models have it; else anything, larger ones with padding.
    crop = size if random.random() < 0.5 else (side(random, 1, 200), side(random, 1, 200))
    return recipe(
        filter=FILTERS[index % len(FILTERS)],
        mode=MODES[index // len(FILTERS) % len(MODES)],
        size=size,
        crop=crop,
        long_side=str(random.choice(["floor", "half-even"])),
        crop_rounding=str(random.choice(["floor", "half-even"])),
        pad=tuple(int(value) for value in random.integers(0, 256, 3)),
    )


def native(path: Path, chosen: Recipe, kernel: str) -> np.ndarray:
    batch = decode_batch([path], chosen, workers=1, kernel=kernel)
    assert batch.failures == []
    return batch.pixels[0]


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_no_byte_differs(tmp_path: Path, share: int) -> None:
    """Protects the claim itself: equal to Pillow byte for byte."""
    random = np.random.Generator(np.random.PCG64([20, share]))
    path = tmp_path / "image"
    for index in range(IMAGES):
        image_file(random, path)
        chosen = drawn_recipe(random, index)
        expected = decode_reference(path, chosen)
        for kernel in _native.kernels():
            differing = int((native(path, chosen, kernel) != expected).sum())
            assert differing == 0, f"image {index}, {kernel}, {chosen.geometry()}"


def test_kernels_of_this_machine() -> None:
    """Protects the tests above: the vector code is among what they compare, where there is any."""
    names = _native.kernels()
    assert names[0] == "scalar"
    flags = Path("/proc/cpuinfo")
    if flags.exists() and " avx2 " in flags.read_text():
        assert names[-1] == "avx2"
    with pytest.raises(ValueError, match="one of scalar"):
        _native.resize(np.zeros((4, 4, 3), np.uint8), 2, 2, "box", kernel="none")
