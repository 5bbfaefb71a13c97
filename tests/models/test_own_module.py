"""A torch module and its transform, as a call from Python gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import timm
import torch
from PIL import Image
from torchvision import transforms as v1
from torchvision.transforms import v2

import biobench
from biobench.errors import ModelError, UsageError
from biobench.models.own_module import own_backbone, recipe_of_transform
from biobench.models.recipes import image_recipe
from biobench.native import load_batch

pytestmark = pytest.mark.slow

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TRANSFORMS: dict[str, Callable[[], Any]] = {
    "torchvision": lambda: v1.Compose(
        [v1.Resize(72), v1.CenterCrop(64), v1.ToTensor(), v1.Normalize(MEAN, STD)]
    ),
    "torchvision, squashed": lambda: v1.Compose(
        [v1.Resize((64, 48), interpolation=v1.InterpolationMode.BICUBIC), v1.ToTensor()]
    ),
    "torchvision v2": lambda: v2.Compose(
        [
            v2.RGB(), v2.Resize(72), v2.CenterCrop(64), v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD),
        ]
    ),
    "timm": lambda: timm.data.create_transform((3, 64, 64), is_training=False, crop_pct=0.9),
    "open_clip": lambda: open_clip.image_transform(64, is_train=False),
}  # fmt: skip


class Pooled(torch.nn.Module):
    """Mean colours of a grid."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
        self.pool = torch.nn.AdaptiveAvgPool2d(4)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.pool(batch).flatten(1) * self.scale
        return out


@pytest.mark.parametrize("which", TRANSFORMS)
def test_a_recipe_has_the_values_of_the_transform(which: str, tmp_path: Path) -> None:
    """The pixels that the runner decodes are those that the transform gives, bit for bit."""
    transform = TRANSFORMS[which]()
    recipe = recipe_of_transform(transform)
    pixels = np.random.default_rng(1).integers(0, 256, (150, 97, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    expected = np.asarray(transform(Image.open(tmp_path / "x.png").convert("RGB")))
    crop = load_batch(
        [tmp_path / "x.png"], resize=recipe.mode, size=recipe.size, filter=recipe.filter,
        crop=recipe.crop,
    )[0]  # fmt: skip
    ours = np.stack([recipe.table[channel][crop[:, :, channel]] for channel in range(3)])
    assert np.array_equal(ours, expected)


@pytest.mark.parametrize(
    ("transform", "says"),
    [
        (v1.Compose([v1.Resize(64), v1.ToTensor()]), "without CenterCrop"),
        (v1.Compose([v1.CenterCrop(64), v1.ToTensor()]), "step CenterCrop"),
        (v1.Compose([v1.Resize((64, 64))]), "no conversion"),
        (v1.Compose([v1.Resize((64, 64)), v1.PILToTensor()]), "no conversion"),
        (v1.Compose([v1.Resize((8, 8)), v1.ToTensor(), v1.RandomErasing()]), "step RandomErasing"),
        (v1.Compose([v1.Resize(64, max_size=80), v1.CenterCrop(64), v1.ToTensor()]), "max_size"),
        (v1.Compose([v1.ToTensor(), v1.Resize((64, 64))]), "step Resize"),
        (lambda image: image, "step function"),
    ],
)
def test_a_transform_that_no_recipe_expresses_is_refused(transform: Any, says: str) -> None:
    """Other pixels than those of training would be scored in silence."""
    with pytest.raises(ModelError, match=says):
        own_backbone(Pooled(), transform)


def test_a_step_that_does_not_do_what_it_says_is_found() -> None:
    """Steps are read as values, and compared with what they do."""

    class Resize(v1.Resize):
        def forward(self, image: Any) -> Any:
            return super().forward(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))

    with pytest.raises(ModelError, match="becomes other values"):
        recipe_of_transform(v1.Compose([Resize((64, 64)), v1.ToTensor()]))


def test_the_callers_module_stays_as_it_is() -> None:
    """A model in the middle of its training is copied, not frozen."""
    module = Pooled().train()
    backbone = own_backbone(module, image_recipe(size=64), name="pooled")
    assert module.training
    assert module.scale.requires_grad
    assert module.scale.dtype == torch.float64
    assert not backbone.module.training
    assert (backbone.info.name, backbone.info.dim, backbone.info.trusted) == ("pooled", 48, False)
    assert backbone.info.resolved == "py:test_own_module:Pooled"


def test_evaluate_takes_a_module_and_a_list(tmp_path: Path) -> None:
    """The calls of the page: one model gives Results, a list a ResultSet in its order."""
    pair = Pooled(), TRANSFORMS["torchvision"]()
    one = biobench.evaluate(pair, "demo-plankton", engine="torch")
    assert isinstance(one, biobench.Results)
    found = biobench.evaluate(
        [own_backbone(*pair, name="pooled"), "no-such-model"], "demo-plankton", engine="torch",
        out=tmp_path,
    )  # fmt: skip
    assert isinstance(found, biobench.ResultSet)
    assert [result.document["model"]["name"] for result in found] == ["pooled"]
    assert list(found.failures) == ["no-such-model"]
    assert found[0].tasks["demo-plankton"]["score"] == one.tasks["demo-plankton"]["score"]
    assert (tmp_path / "pooled" / "results.json").is_file()
    assert list(found.to_frame()["model"]) == ["pooled"]
    assert found.compare(0, "pooled").rows["demo-plankton"].test.difference == 0
    with pytest.raises(UsageError, match="0 results of model 'other'"):
        found.compare(0, "other")


@pytest.mark.parametrize("model", [[], (1, 2, 3), 7, ("demo", "demo")])
def test_what_is_no_model_is_refused(model: Any) -> None:
    """A tuple of names is not a list of models."""
    with pytest.raises(UsageError):
        biobench.evaluate(model, "demo-plankton")
