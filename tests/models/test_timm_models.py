"""timm checkpoints: features, missing weights, unknown names."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import timm
import torch
from checkpoints import COMMIT, hub_cache, timm_folder
from safetensors.torch import load_file, save_file

from biobench.errors import ModelError
from biobench.models.load import load_model
from biobench.models.names import parse_name
from biobench.models.timm_model import load_timm_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(3, 3, 160, 160, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resnet")
    return timm_folder(folder, "test_resnet", data={"crop_pct": 0.875, "interpolation": "bilinear"})


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vit")
    return timm_folder(folder, "test_vit", data={"crop_pct": 1.0, "interpolation": "bicubic"})


def own(folder: Path) -> torch.nn.Module:
    model = timm.create_model(f"local-dir:{folder}", pretrained=True)
    return model.eval().requires_grad_(False)


@pytest.mark.parametrize("which", ["resnet", "vit"])
def test_features_are_timms(
    which: str, images: torch.Tensor, request: pytest.FixtureRequest
) -> None:
    """Protects the official feature rule, on a convnet and on a ViT."""
    folder = request.getfixturevalue(which)
    backbone = load_model(f"timm:{folder}", {})
    model = own(folder)
    with torch.inference_mode():
        expected = model.forward_head(model.forward_features(images), pre_logits=True)
        assert torch.equal(backbone.embed(images), expected)
    info = backbone.info
    assert (info.feature, info.dim, info.source, info.revision, info.pinned) == (
        "pre_logits", expected.shape[1], "local", None, False
    )  # fmt: skip
    assert info.name == info.resolved == f"timm:./{folder.name}"
    assert backbone.recipe.size[0] == {"resnet": 182, "vit": 160}[which]
    assert backbone.recipe.filter == {"resnet": "bilinear", "vit": "bicubic"}[which]


def test_compat_takes_the_class_token_or_the_maximum(
    resnet: Path, vit: Path, images: torch.Tensor
) -> None:
    """Protects compat, whose rule differs from the official one."""
    token = load_model(f"timm:{vit}", {}, feature="compat")
    highest = load_model(f"timm:{resnet}", {}, feature="compat")
    assert (token.info.feature, highest.info.feature) == ("compat_class_token", "compat_max")
    with torch.inference_mode():
        assert torch.equal(token.embed(images), own(vit).forward_features(images)[:, 0])
        grid = own(resnet).forward_features(images)
        assert torch.equal(highest.embed(images), grid.flatten(2).max(dim=2).values)


def test_compat_maximum_over_channels_last_and_token_grids(tmp_path: Path) -> None:
    """Protects the axis: timm's models disagree about where channels are."""
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    for architecture, options in (
        ("swin_tiny_patch4_window7_224", {"img_size": 64, "window_size": 2, "embed_dim": 24}),
        ("test_vit", {"img_size": 64, "class_token": False, "global_pool": "avg"}),
    ):
        folder = timm_folder(tmp_path / architecture, architecture, **options)
        backbone = load_model(f"timm:{folder}", {}, feature="compat")
        with torch.inference_mode():
            out = own(folder).forward_features(images)
            expected = out.reshape(2, -1, out.shape[-1]).max(dim=1).values
            assert torch.equal(backbone.embed(images), expected)


def test_a_classifier_does_not_count(resnet: Path, tmp_path: Path) -> None:
    """Protects the digest: weights that no feature passes through do not change it and may lack."""
    state = load_file(resnet / "model.safetensors")
    kept = {k: v for k, v in state.items() if not k.startswith("fc.")}
    kept["left.over"] = torch.zeros(3)
    other = rewritten(resnet, tmp_path, kept)
    first, second = load_model(f"timm:{resnet}", {}), load_model(f"timm:{other}", {})
    assert first.info.weights == second.info.weights
    assert len(state) > len(kept)


def test_missing_weights_are_named(resnet: Path, tmp_path: Path) -> None:
    """Protects from features of random weights: timm itself can go on without a word."""
    state = load_file(resnet / "model.safetensors")
    lost = "layer2.0.conv1.weight"
    other = rewritten(resnet, tmp_path, {k: v for k, v in state.items() if k != lost})
    with pytest.raises(
        ModelError, match=f"lacks 1 tensor that the features need: {lost}"
    ) as caught:
        load_model(f"timm:{other}", {})
    assert caught.value.exit_code == 5


def rewritten(source: Path, target: Path, state: dict[str, torch.Tensor]) -> Path:
    (target / "config.json").write_bytes((source / "config.json").read_bytes())
    save_file(state, target / "model.safetensors")
    return target


def test_a_pickle_that_runs_code_is_refused(resnet: Path, tmp_path: Path) -> None:
    """Protects the user's machine: weights are read with weights_only."""
    (tmp_path / "config.json").write_bytes((resnet / "config.json").read_bytes())
    torch.save({"state_dict": Path("x")}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="timm cannot load it"):
        load_model(f"timm:{tmp_path}", {})


def test_a_hub_name_loads_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: torch.Tensor
) -> None:
    """Protects provenance: a registry name with its weights in the hub's cache gives the commit."""
    import huggingface_hub.constants

    folder = timm_folder(tmp_path / "made", "test_vit")
    (folder / "README.md").write_text("---\ntags:\n- timm\nlicense: apache-2.0\n---\n# x\n")
    hub_cache(tmp_path / "hub", "timm/test_vit.r160_in1k", folder)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    backbone = load_model("timm:test_vit.r160_in1k", {}, offline=True)
    info = backbone.info
    assert (info.source, info.revision, info.pinned, info.licence) == (
        "hub", COMMIT, False, "apache-2.0"
    )  # fmt: skip
    assert load_model(f"timm:test_vit.r160_in1k@{COMMIT}", {}, offline=True).info.pinned
    model = own(folder)
    with torch.inference_mode():
        expected = model.forward_head(model.forward_features(images), pre_logits=True)
        assert torch.equal(backbone.embed(images), expected)
    assert load_model("hf:timm/test_vit.r160_in1k", {}, offline=True).info.weights == info.weights


@pytest.mark.parametrize("name", ["timm:resnet51", "timm:test_vit.no_such_tag"])
def test_an_unknown_name_has_suggestions(name: str) -> None:
    """Protects the user who misspells."""
    with pytest.raises(ModelError, match=r"did you mean timm:(resnet5|test_vit)"):
        load_model(name, {}, offline=True)


def test_a_folder_without_weights_or_configuration_is_refused(tmp_path: Path) -> None:
    """Protects from timm's random initialisation."""
    with pytest.raises(ModelError, match="no such folder"):
        load_model(f"timm:{tmp_path}/none", {})
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_model(f"timm:{tmp_path}", {})
    (tmp_path / "config.json").write_text('{"architecture": "test_vit", "pretrained_cfg": {}}')
    with pytest.raises(ModelError, match="no weights"):
        load_model(f"timm:{tmp_path}", {})


def test_many_threads_get_the_same_features(vit: Path, images: torch.Tensor) -> None:
    """Protects parallel embedding: the backbone holds no state of a call."""
    backbone = load_model(f"timm:{vit}", {})

    def embed(_: int) -> torch.Tensor:
        with torch.inference_mode():
            return backbone.embed(images)

    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(embed, range(12)))
    assert all(torch.equal(rows[0], row) for row in rows)


def test_the_recorder_gives_torch_back(resnet: Path, tmp_path: Path) -> None:
    """Protects other code in the process: the lenient loading ends with the load, failed or not."""
    from biobench.models.canonical_recipes import RecipeRules
    from biobench.models.module_backbone import WeightsOrigin

    before = torch.nn.Module.load_state_dict
    (tmp_path / "config.json").write_bytes((resnet / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    origin = WeightsOrigin("local", None, None, pinned=False)
    with pytest.raises(ModelError, match="timm cannot load it"):
        load_timm_folder(
            parse_name(f"timm:{tmp_path}", {}), tmp_path, origin=origin, rules=RecipeRules()
        )
    assert torch.nn.Module.load_state_dict is before
