"""A program is held to torch's features as far as rounding goes, and no further."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from carried import seeded

from biobench._native import Engine, Program
from biobench.errors import ModelError
from biobench.models.load import load_model
from biobench.models.module_backbone import ModuleBackbone
from biobench.models.program.capture import capture
from biobench.models.program.lower import lower
from biobench.models.program_model import DIFFERENCE, make_program, require_features_of_torch
from biobench.spec.canonical import canonical_json

pytestmark = pytest.mark.slow

MODULES = """
import timm
import torch

from biobench.models.recipes import image_recipe


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.recipe = image_recipe(size=64, crop=64, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        self.net = timm.create_model(
            "vit_tiny_patch16_224", pretrained=False, img_size=64, depth=2, num_classes=0
        )

    def embed(self, batch):
        return self.net(batch)


class Cancelling(Small):
    # Sums of large terms of either sign, of which little is left.
    def __init__(self):
        super().__init__()
        pairs = torch.randn(64, 96, 1) * 3e3
        pairs = torch.cat([pairs, -pairs * (1 + 1e-4 * torch.randn(64, 96, 1))], dim=2)
        self.head = torch.nn.Linear(192, 64, bias=False)
        self.mix = torch.nn.Linear(192, 192)
        self.mix.weight.data[1::2] = self.mix.weight.data[::2]
        self.mix.bias.data[1::2] = self.mix.bias.data[::2]
        self.head.weight.data = pairs.reshape(64, 192)

    def embed(self, batch):
        return self.head(self.mix(self.net(batch)))
"""


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleBackbone]:
    """Load a model of somebody's own by the name of its class."""
    (tmp_path / "own_small_models.py").write_text(MODULES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_small_models", raising=False)

    def load(name: str) -> ModuleBackbone:
        backbone = load_model(f"py:own_small_models:{name}", {})
        assert isinstance(backbone, ModuleBackbone)
        return backbone

    return load


@pytest.mark.parametrize("wrong", ["gelu_tanh", "quick_gelu"])
def test_a_wrong_form_of_an_activation_is_refused(
    wrong: str, loaded: Callable[[str], ModuleBackbone]
) -> None:
    """Protects: the two forms of GELU differ by so little that a bar of 1e-4 passed them."""
    backbone = loaded("Small")
    seeded(backbone.module)
    document, constants = lower(capture(backbone.module, backbone.forward, backbone.recipe.crop))
    text = canonical_json(document).decode()
    require_features_of_torch(backbone, Program(text, constants.get))
    changed = text.replace('"gelu"', f'"{wrong}"')
    assert changed != text
    with pytest.raises(ModelError, match="differ from torch's by"):
        require_features_of_torch(backbone, Program(changed, constants.get))


def test_a_model_whose_terms_cancel_is_carried(loaded: Callable[[str], ModuleBackbone]) -> None:
    """Protects: where torch in float32 is as far from float64 as the program, the difference is
    none of the program's; and the module has its bits afterwards."""
    backbone = loaded("Cancelling")
    before = {name: tensor.clone() for name, tensor in backbone.module.state_dict().items()}
    images = torch.linspace(-1, 1, 2 * 3 * 64 * 64).reshape(2, 3, 64, 64)
    with torch.inference_mode():
        expected = backbone.embed(images)
    program, _ = make_program(backbone)
    found = torch.from_numpy(program.run(Engine(1), images.numpy()))
    assert (found - expected).abs().max() / expected.abs().max() > 2 * DIFFERENCE
    for name, tensor in backbone.module.state_dict().items():
        assert tensor.dtype == before[name].dtype
        assert torch.equal(tensor, before[name]), name


def test_features_that_are_all_zero_are_torchs(
    loaded: Callable[[str], ModuleBackbone], recwarn: pytest.WarningsRecorder
) -> None:
    """Nothing is divided by the largest feature where it is 0."""
    backbone = loaded("Small")
    for parameter in backbone.module.parameters():
        parameter.data.zero_()
    program, _ = make_program(backbone)
    assert not program.run(Engine(1), torch.ones(1, 3, 64, 64).numpy()).any()
    assert not [warning for warning in recwarn if warning.category is RuntimeWarning]
