"""open_clip checkpoints: features of each kind of model, missing weights, unknown names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from checkpoints import CLIP_TEXT, COMMIT, hub_cache, open_clip_folder
from safetensors.torch import load_file, save_file

from biobench.errors import ModelError
from biobench.models.load import load_model
from biobench.models.names import parse_name
from biobench.models.open_clip_model import registry_options

pytestmark = pytest.mark.slow

SIGLIP = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"}
COCA = {
    "multimodal_cfg": {
        "context_length": 8, "vocab_size": 32, "width": 16, "heads": 2, "layers": 1,
    },
    "text_cfg": {**CLIP_TEXT, "embed_cls": True, "output_tokens": True},
    "vision_cfg": {
        "image_size": 32, "layers": 1, "width": 32, "patch_size": 8, "head_width": 16,
        "attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True,
    },
    "custom_text": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("model", [{}, {"custom_text": True}, COCA], ids=["CLIP", "custom", "CoCa"])
def test_features_are_encode_image_without_normalisation(
    model: dict[str, Any], images: torch.Tensor, tmp_path: Path
) -> None:
    """Protects the feature rule for each class that open_clip builds."""
    folder = open_clip_folder(tmp_path, preprocess=SIGLIP, model=model)
    backbone = load_model(f"open_clip:{folder}", {})
    # Frozen like ours: torch's attention takes another path for weights that ask for gradients.
    theirs = open_clip.create_model(f"local-dir:{folder}").eval().requires_grad_(False)
    with torch.inference_mode():
        expected = theirs.encode_image(images, normalize=False)
        assert torch.equal(backbone.embed(images), expected)
    assert (backbone.info.feature, backbone.info.dim) == ("image_embedding", expected.shape[1])
    assert backbone.info.name == backbone.info.resolved == f"open_clip:./{folder.name}"
    assert (backbone.recipe.mode, backbone.recipe.crop) == ("squash", (32, 32))
    assert backbone.info.parameters == sum(p.numel() for p in theirs.visual.parameters())


def test_a_missing_text_tower_is_fine_and_a_missing_image_weight_is_not(tmp_path: Path) -> None:
    """Protects both sides of the rule: only what the features need must be there."""
    folder = open_clip_folder(tmp_path)
    path = folder / "open_clip_model.safetensors"
    state = load_file(path)
    whole = load_model(f"open_clip:{folder}", {}).info.weights
    towers = {k: v for k, v in state.items() if k.startswith("visual.")}
    save_file(towers, path)
    assert load_model(f"open_clip:{folder}", {}).info.weights == whole
    lost = "visual.transformer.resblocks.1.mlp.c_fc.weight"
    save_file({k: v for k, v in state.items() if k != lost}, path)
    with pytest.raises(ModelError, match="lacks 1 tensor that the features need: transformer"):
        load_model(f"open_clip:{folder}", {})


def test_a_repository_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects both spellings of a hub repository that holds an open_clip model."""
    import huggingface_hub.constants

    folder = open_clip_folder(tmp_path / "made")
    hub_cache(tmp_path / "hub", "some-lab/bird-clip", folder)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in ("open_clip:hf-hub:some-lab/bird-clip", "hf:some-lab/bird-clip"):
        for at, pinned in (("", False), ("@main", False), (f"@{COMMIT}", True)):
            info = load_model(f"{name}{at}", {}, offline=True).info
            assert (info.revision, info.pinned, info.resolved) == (COMMIT, pinned, name)


def test_a_registry_name_takes_its_weights_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: torch.Tensor
) -> None:
    """Protects the path of ``ARCH/TAG``: registry entry, cached file, preprocessing of the tag."""
    import json

    import huggingface_hub.constants
    from open_clip import factory, pretrained

    folder = open_clip_folder(tmp_path / "made")
    configuration = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    (tmp_path / "configurations").mkdir()
    (tmp_path / "configurations" / "Tiny.json").write_text(json.dumps(configuration))
    monkeypatch.setattr(factory, "_MODEL_CONFIG_PATHS", list(factory._MODEL_CONFIG_PATHS))
    monkeypatch.setattr(factory, "_MODEL_CONFIGS", dict(factory._MODEL_CONFIGS))
    open_clip.add_model_config(tmp_path / "configurations")
    entry = {"tag": pretrained._slpcfg(hf_hub="some-lab/tiny/")}
    monkeypatch.setitem(pretrained._PRETRAINED, "Tiny", entry)
    hub_cache(tmp_path / "hub", "some-lab/tiny", folder)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    backbone = load_model("open_clip:Tiny/tag", {}, offline=True)
    assert (backbone.info.revision, backbone.recipe.mode) == (COMMIT, "squash")
    assert not backbone.info.pinned
    # A registry name cannot say which commit its weights are of; a caller can.
    assert load_model(f"open_clip:Tiny/tag@{COMMIT}", {}, offline=True).info.pinned
    assert backbone.recipe.mean == (0.5, 0.5, 0.5)
    theirs = open_clip.create_model(f"local-dir:{folder}").eval().requires_grad_(False)
    with torch.inference_mode():
        assert torch.equal(backbone.embed(images), theirs.encode_image(images))


def test_weights_of_quick_gelu_get_quick_gelu() -> None:
    """Protects openai's weights: under the plain architecture open_clip only warns and goes on with
    another activation."""
    name = parse_name("open_clip:ViT-B-32/openai", {})
    tag = open_clip.pretrained.get_pretrained_cfg("ViT-B-32", "openai")
    assert registry_options(name, {}, tag)["quick_gelu"] is True
    with pytest.raises(ModelError, match="without QuickGELU"):
        registry_options(name, {"quick_gelu": True}, {"hf_hub": "a/b/"})


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("open_clip:ViT-B-32/opnai", "open_clip:ViT-B-32/openai"),
        ("open_clip:ViT-B-33/openai", "open_clip:ViT-B-32/openai"),
        ("open_clip:RN50/none-at-all-of-this", "open_clip:RN50/"),
    ],
)
def test_an_unknown_pair_has_suggestions(name: str, says: str) -> None:
    """Protects the user who misspells."""
    with pytest.raises(ModelError) as caught:
        load_model(name, {}, offline=True)
    assert says in str(caught.value)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    """Protects from open_clip's random initialisation."""
    with pytest.raises(ModelError, match=r"no open_clip_config\.json"):
        load_model(f"open_clip:{tmp_path}", {})
    folder = open_clip_folder(tmp_path / "x")
    (folder / "open_clip_model.safetensors").unlink()
    with pytest.raises(ModelError, match="no weights"):
        load_model(f"open_clip:{folder}", {})
