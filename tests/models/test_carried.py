"""Every name of models.yaml that timm or open_clip has gives its output in its canonical recipe.

The full architectures are built on torch's meta device: shapes and no values.
"""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch

from biobench.models.canonical_recipes import RecipeRules, apply
from biobench.models.names import parse_name
from biobench.models.open_clip_model import _tower, open_clip_recipe, registry_options
from biobench.models.timm_model import as_trained, canonical_features, drop_classifier, timm_recipe
from biobench.spec.documents import ModelEntry
from biobench.spec.load import load_spec

pytestmark = [pytest.mark.slow, pytest.mark.depth]

SPEC = load_spec()
RULES = RecipeRules(SPEC.recipes)
BY_TARGET = {entry.resolves_to: entry for entry in SPEC.models.values()}
TIMM = [entry for full, entry in BY_TARGET.items() if full.startswith("timm:") and entry.recipe]
PAIRS = [e for f, e in BY_TARGET.items() if f.startswith("open_clip:") and "hf-hub" not in f]


@pytest.fixture(autouse=True)
def _no_initial_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A weight on the meta device has no values, and drawing none takes a third of the time."""
    for draw in ("timm.layers.weight_init._trunc_normal_", "torch.nn.init._no_grad_trunc_normal_"):
        monkeypatch.setattr(draw, lambda tensor, *_, **__: tensor)


@pytest.mark.parametrize("entry", TIMM, ids=lambda entry: entry.resolves_to)
def test_timm_gives_the_output_of_the_recipe(entry: ModelEntry) -> None:
    """Protects the list: an output that an architecture lacks, or a side that it refuses, would
    show at a user's first run."""
    name = parse_name(entry.name, SPEC.models)
    rule = RULES.find(name)
    assert rule is not None
    source = timm.get_pretrained_cfg(name.target).to_dict()
    with torch.device("meta"):
        module: Any = timm.create_model(as_trained(name.target, source), pretrained=False)
    if rule.feature != "image_embedding":
        drop_classifier(module)
    recipe = apply(rule, timm_recipe(module))
    feature, forward = canonical_features(module.eval(), rule)
    with torch.inference_mode():
        row = forward(torch.zeros(1, 3, *recipe.crop, device="meta"))
    assert feature == rule.feature
    width = module.num_features * (2 if feature == "summary" else 1)
    assert row.shape == (1, module.num_classes if feature == "image_embedding" and
                         module.num_classes else width)  # fmt: skip


@pytest.mark.parametrize("entry", PAIRS, ids=lambda entry: entry.resolves_to)
def test_open_clip_gives_the_embedding(entry: ModelEntry) -> None:
    """Protects the list for open_clip's registry, whose image tower is built alone."""
    import open_clip
    from open_clip.transform import PreprocessCfg, merge_preprocess_dict

    name = parse_name(entry.name, SPEC.models)
    architecture, _, tag = name.target.partition("/")
    configuration = open_clip.get_model_config(architecture)
    registered = open_clip.pretrained.get_pretrained_cfg(architecture, tag)
    options = registry_options(name, configuration, registered)
    with torch.device("meta"):
        tower: Any = _tower(name, {**configuration, "quick_gelu": options["quick_gelu"]}).eval()
    merged = merge_preprocess_dict(PreprocessCfg(), options["preprocess"])
    own = open_clip_recipe({**merged, "size": tower.image_size})
    rule = RULES.find(name)
    recipe = apply(rule, own) if rule is not None else own
    with torch.inference_mode():
        row = tower(torch.zeros(1, 3, *recipe.crop, device="meta"))
    assert row.shape == (1, configuration["embed_dim"])
