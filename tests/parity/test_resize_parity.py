"""The native resize equals Pillow's, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import picture
from PIL import Image

from biobench import _native

FILTERS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
SIDES = st.one_of(st.integers(1, 8), st.integers(1, 260))


def pillow(pixels: np.ndarray, height: int, width: int, name: str) -> np.ndarray:
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling[name.upper()])
    return np.asarray(image)


@settings(max_examples=4 * settings.default.max_examples, deadline=None)
@given(
    height=SIDES,
    width=SIDES,
    to_height=SIDES,
    to_width=SIDES,
    name=st.sampled_from(FILTERS),
    seed=st.integers(0, 2**32),
)
def test_any_sizes(
    height: int, width: int, to_height: int, to_width: int, name: str, seed: int
) -> None:
    """Protects byte equality for any pair of sizes, up, down and one pixel wide."""
    pixels = picture(height, width, seed)
    ours = _native.resize(pixels, to_height, to_width, name)
    np.testing.assert_array_equal(ours, pillow(pixels, to_height, to_width, name))


@settings(max_examples=100, deadline=None)
@given(
    height=st.integers(1, 120),
    width=st.integers(1, 120),
    other=st.integers(1, 200),
    vertical=st.booleans(),
    name=st.sampled_from(FILTERS),
)
def test_one_side_kept(height: int, width: int, other: int, vertical: bool, name: str) -> None:
    """Protects the rule that a side which keeps its length is not filtered."""
    pixels = picture(height, width, 1)
    target = (other, width) if vertical else (height, other)
    ours = _native.resize(pixels, *target, name)
    np.testing.assert_array_equal(ours, pillow(pixels, *target, name))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(
    ("source", "target"), [((1500, 2000), (224, 298)), ((37, 4000), (224, 3)), ((9, 9), (640, 427))]
)
def test_large_factors(name: str, source: tuple[int, int], target: tuple[int, int]) -> None:
    """Protects long weight rows, where sums in 32 bits come closest to their limits."""
    pixels = picture(*source, 5)
    pixels[::2] = np.where(pixels[::2] > 127, 255, 0)
    ours = _native.resize(pixels, *target, name)
    np.testing.assert_array_equal(ours, pillow(pixels, *target, name))


def test_strided_input() -> None:
    """Protects views: a flipped array is resized as it looks, not as it lies in memory."""
    pixels = picture(30, 40, 2)[:, ::-1]
    ours = _native.resize(pixels, 11, 13, "bicubic")
    np.testing.assert_array_equal(ours, pillow(np.ascontiguousarray(pixels), 11, 13, "bicubic"))


@settings(max_examples=100, deadline=None)
@given(
    width=st.integers(1, 60),
    to_width=st.integers(1, 60),
    to_height=st.integers(1, 40),
    beside=st.integers(-2, 2),
    name=st.sampled_from(FILTERS[1:]),
    seed=st.integers(0, 2**32),
)
def test_order_of_the_passes(
    width: int, to_width: int, to_height: int, beside: int, name: str, seed: int
) -> None:
    """Protects the rule which pass is first, on both sides of its border: the order moves bytes."""
    height = max(1, to_height + max(0, 2 * (width - to_width)) + beside)
    pixels = picture(height, width, seed)
    ours = _native.resize(pixels, to_height, to_width, name)
    np.testing.assert_array_equal(ours, pillow(pixels, to_height, to_width, name))
