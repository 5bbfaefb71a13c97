"""Whole recipes: the native layer equals the Pillow definition, and that equals the frameworks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import picture, recipe
from PIL import Image

from biobench.decode.definition import centre_crop, decode_reference, target_size
from biobench.decode.native import decode_batch
from biobench.decode.recipe import Recipe

SIDES = st.integers(1, 90)
PAIRS = st.tuples(st.integers(1, 60), st.integers(1, 60))
RECIPES = st.builds(
    recipe,
    mode=st.sampled_from(["none", "shortest", "longest", "squash"]),
    size=PAIRS,
    long_side=st.sampled_from(["floor", "half-even"]),
    filter=st.sampled_from(["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]),
    crop=PAIRS,
    crop_rounding=st.sampled_from(["floor", "half-even"]),
    pad=st.tuples(*[st.integers(0, 255)] * 3),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes") / "image.png"


def native(file: Path, recipe: Recipe) -> np.ndarray:
    batch = decode_batch([file], recipe, workers=1)
    assert not batch.failures
    return batch.pixels[0]


@settings(max_examples=3 * settings.default.max_examples, deadline=None)
@given(height=SIDES, width=SIDES, recipe=RECIPES, seed=st.integers(0, 2**32))
def test_native_equals_definition(
    file: Path, height: int, width: int, recipe: Recipe, seed: int
) -> None:
    """Protects every mode, rounding, filter, crop and pad together, byte for byte."""
    Image.fromarray(picture(height, width, seed)).save(file, compress_level=1)
    np.testing.assert_array_equal(native(file, recipe), decode_reference(file, recipe))


SHAPES = st.tuples(st.integers(1, 3000), st.integers(1, 3000))


@pytest.mark.slow
@settings(max_examples=3 * settings.default.max_examples, deadline=None)
@given(shape=SHAPES, size=st.integers(1, 700))
def test_floor_is_torchvision(shape: tuple[int, int], size: int) -> None:
    """Protects the target size of torchvision's Resize with one number."""
    from torchvision.transforms.functional import _compute_resized_output_size

    ours = target_size(recipe(size=(size, size)), *shape)
    assert list(ours) == _compute_resized_output_size(shape, [size])


@pytest.mark.slow
@settings(max_examples=3 * settings.default.max_examples, deadline=None)
@given(shape=SHAPES, size=PAIRS, mode=st.sampled_from(["shortest", "longest"]))
def test_half_even_is_keep_ratio(shape: tuple[int, int], size: tuple[int, int], mode: Any) -> None:
    """Protects the target size of ResizeKeepRatio in timm and OpenCLIP, square or not.

    A side of 0, which the frameworks cannot resize to, is 1 here.
    """
    from open_clip.transform import ResizeKeepRatio as OpenClip
    from timm.data.transforms import ResizeKeepRatio as Timm

    image = Image.new("L", shape[::-1])
    longest = float(mode == "longest")
    ours = target_size(recipe(mode=mode, size=size, long_side="half-even"), *shape)
    for framework in (OpenClip, Timm):
        assert list(ours) == [max(1, v) for v in framework.get_params(image, size, longest)]


@pytest.mark.slow
@settings(max_examples=2 * settings.default.max_examples, deadline=None)
@given(
    height=st.integers(1, 40), width=st.integers(1, 40), crop=st.tuples(*[st.integers(1, 40)] * 2)
)
def test_crops_of_the_frameworks(height: int, width: int, crop: tuple[int, int]) -> None:
    """Protects the offsets of torchvision (half-even) and transformers (floor), padding too."""
    from timm.data.transforms import CenterCropOrPad
    from torchvision.transforms.functional import center_crop as torchvision_crop
    from transformers.image_transforms import center_crop as transformers_crop

    pixels = picture(height, width, 3)
    image = Image.fromarray(pixels)
    half_even = recipe(crop=crop, crop_rounding="half-even", pad=(0, 0, 0))
    floor = recipe(crop=crop, crop_rounding="floor", pad=(0, 0, 0))
    expected = np.asarray(torchvision_crop(image, list(crop)))
    np.testing.assert_array_equal(centre_crop(pixels, half_even), expected)
    expected = transformers_crop(pixels, crop, input_data_format="channels_last")
    np.testing.assert_array_equal(centre_crop(pixels, floor), expected)
    filled = recipe(crop=crop, crop_rounding="half-even", pad=(9, 8, 7))
    expected = np.asarray(CenterCropOrPad(crop, fill=(9, 8, 7))(image))
    np.testing.assert_array_equal(centre_crop(pixels, filled), expected)
