"""The recipe's tensor equals the framework's own Pillow transform, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import timm
import torch
from checkpoints import image_processor
from hypothesis import example, given, settings
from hypothesis import strategies as st
from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict
from PIL import Image
from timm.data import create_transform, resolve_model_data_config

from biobench.decode.definition import centre_crop, target_size
from biobench.decode.recipe import Recipe
from biobench.errors import ModelError
from biobench.models.open_clip_model import open_clip_recipe, registry_options
from biobench.models.recipe_from_transformers import transformers_recipe
from biobench.models.recipes import image_recipe
from biobench.models.timm_model import timm_recipe

pytestmark = pytest.mark.slow

Case = tuple[Recipe, Callable[[Image.Image], Any]]

# Side and aspect apart, so that tall, wide and tiny images all come up and none is enormous.
SHAPES = st.builds(
    lambda side, aspect, tall: (int(side * aspect), side) if tall else (side, int(side * aspect)),
    st.integers(1, 260),
    st.floats(1, 7),
    st.booleans(),
)


def through_recipe(image: Image.Image, recipe: Recipe) -> np.ndarray:
    """float32 (3, H, W): the definition's pixels, then the value table."""
    height, width = target_size(recipe, image.height, image.width)
    resized = image.resize((width, height), Image.Resampling[recipe.filter.upper()])
    return recipe.normalise(centre_crop(np.asarray(resized), recipe)[None])[0]


def noise(height: int, width: int, seed: int) -> Image.Image:
    """Every value occurs, and neighbours differ as much as they can."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def timm_case(architecture: str, **data: Any) -> Case:
    model = timm.create_model(architecture, pretrained=False)
    model.pretrained_cfg.update(data)
    transform = create_transform(**resolve_model_data_config(model), is_training=False)
    return timm_recipe(model), transform


def open_clip_case(architecture: str, tag: str, **changes: Any) -> Case:
    configuration = open_clip.get_model_config(architecture)
    registered = open_clip.pretrained.get_pretrained_cfg(architecture, tag)
    forced = registry_options(None, configuration, registered)["preprocess"]  # type: ignore[arg-type]
    merged = merge_preprocess_dict(PreprocessCfg(), forced)
    merged = {**merged, "size": configuration["vision_cfg"]["image_size"], **changes}
    return open_clip_recipe(merged), image_transform_v2(PreprocessCfg(**merged), is_train=False)


def transformers_case(kind: str, **changes: Any) -> Case:
    processor = image_processor(kind, **changes)

    def transform(image: Image.Image) -> torch.Tensor:
        return processor(image, return_tensors="pt")["pixel_values"][0]

    return transformers_recipe(processor), transform


def own_case() -> Case:
    from torchvision import transforms

    chain = transforms.Compose([
        transforms.Resize(40, interpolation=transforms.InterpolationMode.LANCZOS),
        transforms.CenterCrop((33, 36)),
        transforms.ToTensor(),
        transforms.Normalize((0.1, 0.2, 0.3), (0.4, 0.5, 0.6)),
    ])  # fmt: skip
    made = image_recipe(
        size=40, crop=(33, 36), resample="lanczos", mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)
    )
    return made, chain


CASES: dict[str, Callable[[], Case]] = {
    "timm convnet, crop 0.875 bicubic": lambda: timm_case("tf_efficientnet_lite0"),
    "timm convnet, crop 0.95 bilinear": lambda: timm_case("test_resnet"),
    "timm ViT, crop 0.9 bicubic": lambda: timm_case("test_vit", crop_pct=0.9),
    "timm ViT, squash": lambda: timm_case("test_vit", crop_mode="squash", crop_pct=1.0),
    "timm squash and crop": lambda: timm_case("test_convnext", crop_mode="squash", crop_pct=0.93),
    "timm border": lambda: timm_case("test_convnext", crop_mode="border", crop_pct=0.9),
    "timm border, whole image": lambda: timm_case(
        "test_efficientnet", crop_mode="border", crop_pct=1.0, interpolation="hamming"
    ),
    "timm crop larger than the resize": lambda: timm_case("test_resnet", crop_pct=1.3),
    "open_clip ViT-B-32": lambda: open_clip_case("ViT-B-32", "laion2b_s34b_b79k"),
    "open_clip ViT-B-32 openai": lambda: open_clip_case("ViT-B-32", "openai"),
    "open_clip SigLIP": lambda: open_clip_case("ViT-B-16-SigLIP", "webli"),
    "open_clip CLIPA": lambda: open_clip_case("ViT-H-14-CLIPA", "datacomp1b"),
    "open_clip longest": lambda: open_clip_case(
        "ViT-B-32", "openai", resize_mode="longest", fill_color=127, size=63
    ),
    "transformers CLIP": lambda: transformers_case("clip"),
    "transformers CLIP, odd crop": lambda: transformers_case(
        "clip", size={"shortest_edge": 45}, crop_size={"height": 32, "width": 29}
    ),
    "transformers CLIP, crop larger than the resize": lambda: transformers_case(
        "clip", size={"shortest_edge": 30}, crop_size={"height": 43, "width": 36}
    ),
    "transformers SigLIP": lambda: transformers_case("siglip"),
    "transformers SigLIP 2": lambda: transformers_case("siglip2"),
    "transformers DINOv2": lambda: transformers_case("dinov2"),
    "transformers ConvNeXt, crop_pct": lambda: transformers_case("convnext"),
    "transformers ConvNeXt 384": lambda: transformers_case("convnext", size={"shortest_edge": 384}),
    "transformers ViT": lambda: transformers_case("vit"),
    "transformers ViT, no normalisation": lambda: transformers_case("vit", do_normalize=False),
    "transformers ViT, no rescaling": lambda: transformers_case("vit", do_rescale=False),
    "transformers crop only": lambda: transformers_case("clip", do_resize=False),
    "own recipe": own_case,
}


@cache
def case(name: str) -> Case:
    return CASES[name]()


@pytest.mark.parametrize("name", CASES)
@given(shape=SHAPES, seed=st.integers(0, 99))
@example(shape=(1, 1), seed=0)
@example(shape=(7, 1), seed=0)
@example(shape=(255, 257), seed=0)
@example(shape=(224, 224), seed=0)
@example(shape=(480, 361), seed=0)
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
def test_the_tensor_equals_the_frameworks(name: str, shape: tuple[int, int], seed: int) -> None:
    """Protects features: one wrong rounding in size, offset, filter or table changes bits here."""
    recipe, transform = case(name)
    image = noise(*shape, seed)
    ours, theirs = through_recipe(image, recipe), np.asarray(transform(image), dtype=np.float32)
    assert ours.shape == theirs.shape
    assert ours.tobytes() == theirs.tobytes()


def test_every_value_of_the_table_is_met() -> None:
    """Protects the claim of equality: one noise image holds all 256 values in each channel."""
    pixels = np.asarray(noise(255, 257, 0))
    assert all(len(np.unique(pixels[..., c])) == 256 for c in range(3))


def naflex() -> Any:
    import transformers

    return transformers.Siglip2ImageProcessorPil()


def tensors(**settings: Any) -> Any:
    import transformers

    return transformers.DINOv3ViTImageProcessor(**settings)


def own_steps() -> Any:
    import transformers

    return transformers.LevitImageProcessorPil()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (naflex, "NaFlex"),
        (lambda: tensors(rescale_factor=1 / 128), "rescale_factor"),
        (lambda: tensors(do_rescale=False), "rescale_factor"),
        (own_steps, "own resize"),
        (lambda: image_processor("clip", do_pad=True), "do_pad"),
        (lambda: image_processor("clip", do_center_crop=False), "own shape"),
        (lambda: image_processor("clip", do_resize=False, do_center_crop=False), "own size"),
        (
            lambda: image_processor("dinov2", size={"shortest_edge": 8, "longest_edge": 9}),
            "longest",
        ),
        (lambda: image_processor("convnext", do_center_crop=True, crop_size=8), "second crop"),
        (lambda: image_processor("vit", image_std=[0.0, 1.0, 1.0]), "not finite"),
    ],
)
@pytest.mark.filterwarnings(
    "ignore:divide by zero:RuntimeWarning", "ignore:invalid value:RuntimeWarning"
)
def test_transformers_steps_outside_recipes_are_refused(
    make: Callable[[], Any], reason: str
) -> None:
    """Protects from wrong pixels in silence: the message names the setting. Dividing by the zero
    std is the point of one case, so numpy's warning about it is expected."""
    with pytest.raises(ModelError, match=reason) as caught:
        transformers_recipe(make())
    assert "\n" not in str(caught.value)


def test_processors_of_tensors_alone_are_read_as_values() -> None:
    """Protects DINOv3 and TIPSv2, whose processors in transformers have no Pillow back end."""
    import transformers
    from torchvision import transforms

    small = {"height": 48, "width": 48}
    found = transformers_recipe(tensors(size=small))
    assert (found.mode, found.crop, found.filter) == ("squash", (48, 48), "bilinear")
    chain = transforms.Compose([
        transforms.Resize((48, 48)),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ])  # fmt: skip
    image = noise(61, 80, 5)
    assert through_recipe(image, found).tobytes() == np.asarray(chain(image)).tobytes()
    tips = transformers_recipe(transformers.Tipsv2ImageProcessor())
    assert (tips.mode, tips.crop, tips.filter) == ("squash", (448, 448), "bilinear")
    assert tips.table[0, 255] == 1.0
    assert tips.table[0, 0] == 0.0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"crop_mode": "magic"}, "crop mode 'magic'"),
        ({"interpolation": "random"}, "interpolation 'random'"),
        ({"input_size": (1, 160, 160)}, "1 input channels"),
        ({"input_size": (3, 160, 128)}, "not square"),
        ({"crop_mode": "border", "mean": (3.0, 0.0, 0.0)}, "border colour"),
    ],
)
def test_timm_settings_outside_recipes_are_refused(data: dict[str, Any], reason: str) -> None:
    """Protects from wrong pixels in silence."""
    model = timm.create_model("test_convnext", pretrained=False)
    model.pretrained_cfg.update(data)
    with pytest.raises(ModelError, match=reason):
        timm_recipe(model)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": "L"}, "colour mode"),
        ({"resize_mode": "other"}, "resize mode"),
        ({"size": (32, 48)}, "not square"),
        ({"interpolation": "nearest"}, "interpolation"),
        ({"resize_mode": "longest", "fill_color": 300}, "fill colour"),
    ],
)
def test_open_clip_settings_outside_recipes_are_refused(
    changes: dict[str, Any], reason: str
) -> None:
    """Protects from wrong pixels in silence."""
    configuration = {**vars(PreprocessCfg()), **changes}
    with pytest.raises(ModelError, match=reason):
        open_clip_recipe(configuration)


def test_a_squashed_shape_need_not_be_square() -> None:
    """Protects the order of height and width, which square sizes cannot tell apart."""
    recipe, transform = open_clip_case("ViT-B-16-SigLIP", "webli", size=(48, 31))
    image = noise(50, 90, 3)
    assert recipe.crop == (48, 31)
    assert through_recipe(image, recipe).tobytes() == np.asarray(transform(image)).tobytes()


def test_imports_stay_out_of_the_module() -> None:
    """Protects start-up time: the loaders import no framework before they are asked."""
    source = Path(timm_recipe.__code__.co_filename).read_text().split("\ndef ")[0]
    assert "import timm" not in source
