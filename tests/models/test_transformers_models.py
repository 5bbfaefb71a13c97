"""transformers checkpoints: which features are taken, missing weights, what a result states."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import timm_folder, transformers_folder, transformers_model
from safetensors.torch import load_file, save_file

from biobench.errors import ModelError
from biobench.models.load import load_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(2))


def expected(kind: str, images: torch.Tensor) -> torch.Tensor:
    """The framework's own values of the features that the rule names."""
    model: Any = transformers_model(kind).requires_grad_(False)
    with torch.inference_mode():
        if kind in ("clip", "siglip", "siglip2"):
            out: torch.Tensor = model.get_image_features(pixel_values=images).pooler_output
        elif kind == "clip_tower":
            out = model(pixel_values=images).image_embeds
        elif kind == "vit_classifier":
            out = model.vit(pixel_values=images).last_hidden_state[:, 0]
        else:
            out = model(pixel_values=images).pooler_output
    return out


@pytest.mark.parametrize(
    ("kind", "feature", "dim"),
    [
        ("clip", "image_embedding", 12),
        ("clip_tower", "image_embedding", 12),
        ("siglip", "image_embedding", 32),
        ("siglip2", "image_embedding", 32),
        ("dinov2", "pooler", 32),
        ("convnext", "pooler", 32),
        ("vit", "pooler", 32),
        ("vit_classifier", "first_token", 32),
    ],
)
def test_features_are_the_models_own(
    kind: str, feature: str, dim: int, images: torch.Tensor, tmp_path: Path
) -> None:
    """Protects the feature rule: image embedding, else pooler, else first token, and its record."""
    folder = transformers_folder(tmp_path, kind)
    backbone = load_model(f"hf:{folder}", {}, recipes=())
    info = backbone.info
    assert (info.feature, info.dim, info.source, info.pinned) == (feature, dim, "local", False)
    with torch.inference_mode():
        assert torch.equal(backbone.embed(images), expected(kind, images))
    names = backbone.module.state_dict()  # type: ignore[attr-defined]
    assert not any("text_" in name or "classifier" in name for name in names)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("hidden_act", "relu"), ("layer_norm_eps", 1e-3), ("num_attention_heads", 4)],
)
def test_the_fingerprint_follows_the_configuration(
    setting: str, value: object, tmp_path: Path
) -> None:
    """Protects the store: a setting that no tensor's shape shows must not find old features."""
    folder = transformers_folder(tmp_path, "vit")
    first = load_model(f"hf:{folder}", {}).info
    path = folder / "config.json"
    configuration = json.loads(path.read_text())
    assert configuration[setting] != value
    path.write_text(json.dumps({**configuration, setting: value}))
    second = load_model(f"hf:{folder}", {}).info
    assert (second.weights, second.feature) == (first.weights, first.feature)
    assert second.fingerprint != first.fingerprint


def test_the_fingerprint_is_the_documented_digest_and_repeats(tmp_path: Path) -> None:
    """Protects warm runs: an unchanged model finds its features again."""
    folder = transformers_folder(tmp_path, "vit")
    backbone = load_model(f"hf:{folder}", {})
    ramp = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)
    with torch.inference_mode():
        row = backbone.embed(ramp).numpy().astype("<f4").tobytes()
    assert backbone.info.fingerprint == "sha256:" + hashlib.sha256(row).hexdigest()
    assert load_model(f"hf:{folder}", {}).info.fingerprint == backbone.info.fingerprint


def test_a_local_folder_is_recorded_by_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects ``digests.result``: where a folder lies says nothing about the model in it."""
    folder = transformers_folder(tmp_path / "a" / "plankton-vit", "vit")
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    names = [f"hf:{folder}", f"hf:{folder}/", "hf:./plankton-vit", "hf:~/plankton-vit"]
    found = [load_model(name, {}).info for name in names]
    monkeypatch.chdir(folder)
    found.append(load_model("hf:.", {}).info)
    recorded = "hf:./plankton-vit"
    assert {(info.name, info.resolved) for info in found} == {(recorded, recorded)}
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match=f"model 'hf:{folder}'"):
        load_model(f"hf:{folder}", {})


def test_mean_positions_where_there_is_neither_pooler_nor_token(
    images: torch.Tensor, tmp_path: Path
) -> None:
    """Protects the last rule, with SigLIP's tower after its pooling head is lost."""
    import transformers
    from checkpoints import VISION, image_processor, spread

    torch.manual_seed(1)
    tower = transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**VISION))
    spread(tower)
    tower.save_pretrained(tmp_path)
    image_processor("siglip").save_pretrained(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    kept = {k: v for k, v in state.items() if ".head." not in f".{k}"}
    assert len(kept) < len(state)
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    backbone = load_model(f"hf:{tmp_path}", {})
    assert backbone.info.feature == "mean_positions"
    with torch.inference_mode():
        hidden = tower.eval().requires_grad_(False)(pixel_values=images).last_hidden_state
        assert torch.equal(backbone.embed(images), hidden.mean(dim=1))


def test_a_model_that_draws_random_numbers_is_refused(tmp_path: Path) -> None:
    """Protects repeatability: a masked autoencoder hides other patches at every call."""
    import transformers
    from checkpoints import VISION, image_processor

    torch.manual_seed(1)
    config = transformers.ViTMAEConfig(**VISION, mask_ratio=0.5)
    transformers.ViTMAEModel(config).save_pretrained(tmp_path)
    image_processor("vit").save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="draws random numbers"):
        load_model(f"hf:{tmp_path}", {})


@pytest.mark.parametrize("kind", ["clip", "siglip", "dinov2", "convnext", "vit_classifier"])
def test_many_threads_get_the_same_features(
    kind: str, images: torch.Tensor, tmp_path: Path
) -> None:
    """Protects parallel embedding: transformers' wrappers around forward must not mix calls."""
    backbone = load_model(f"hf:{transformers_folder(tmp_path, kind)}", {})
    batches = [images + step for step in range(4)]

    def embed(step: int) -> torch.Tensor:
        with torch.inference_mode():
            return backbone.embed(batches[step % 4])

    alone = [embed(step) for step in range(4)]
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(embed, range(24)))
    assert all(torch.equal(alone[step % 4], row) for step, row in enumerate(rows))


def test_missing_weights_are_named(tmp_path: Path) -> None:
    """Protects from transformers' random initialisation; an unused tensor may be missing."""
    folder = transformers_folder(tmp_path, "dinov2")
    path = folder / "model.safetensors"
    state = load_file(path)
    unused = "embeddings.mask_token"
    save_file({k: v for k, v in state.items() if k != unused}, path, metadata={"format": "pt"})
    assert load_model(f"hf:{folder}", {}, recipes=()).info.feature == "pooler"
    lost = [k for k in state if "layer.1." in k and "mlp.fc1" in k]
    kept = {k: v for k, v in state.items() if k not in lost}
    save_file(kept, path, metadata={"format": "pt"})
    with pytest.raises(
        ModelError, match=r"lacks 2 tensors that the features need: .*mlp\.fc1"
    ) as e:
        load_model(f"hf:{folder}", {})
    assert e.value.exit_code == 5
    assert "\n" not in str(e.value)


def test_a_tensor_of_another_shape_counts_as_missing(tmp_path: Path) -> None:
    """Protects from a head of random values where shapes differ."""
    folder = transformers_folder(tmp_path, "dinov2")
    path = folder / "model.safetensors"
    state = load_file(path)
    state["layernorm.weight"] = torch.ones(5)
    save_file(state, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"transformers cannot load it|lacks 1 tensor"):
        load_model(f"hf:{folder}", {})


def test_a_text_model_is_refused(tmp_path: Path) -> None:
    """Protects the user who gives a language model."""
    import transformers
    from checkpoints import image_processor

    config = transformers.BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    image_processor("vit").save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="takes input_ids, not images"):
        load_model(f"hf:{tmp_path}", {})


def test_an_image_size_that_the_model_refuses(tmp_path: Path) -> None:
    """Protects from a traceback where preprocessing and model disagree."""
    folder = transformers_folder(tmp_path, "vit", size={"height": 40, "width": 40})
    with pytest.raises(ModelError, match="forward pass fails on a 40 x 40 image"):
        load_model(f"hf:{folder}", {})


def test_naflex_is_refused_with_its_reason_and_the_models_name(tmp_path: Path) -> None:
    """Protects from wrong pixels in silence: the refusal names model and reason."""
    import transformers

    folder = transformers_folder(tmp_path, "siglip2")
    for old in folder.glob("*processor_config.json"):
        old.unlink()
    transformers.Siglip2ImageProcessorPil().save_pretrained(folder)
    with pytest.raises(ModelError, match="NaFlex") as caught:
        load_model(f"hf:{folder}", {})
    assert str(folder) in str(caught.value)


def test_remote_code_is_not_run(tmp_path: Path) -> None:
    """Protects the user's machine: a repository's own Python stays text."""
    folder = transformers_folder(tmp_path, "vit")
    configuration = json.loads((folder / "config.json").read_text())
    configuration |= {
        "model_type": "own",
        "auto_map": {"AutoConfig": "own.C", "AutoModel": "own.M"},
    }
    (folder / "config.json").write_text(json.dumps(configuration))
    (folder / "own.py").write_text("open('ran', 'w').close()\n")
    with pytest.raises(ModelError, match=r"cannot load it|no image processor") as caught:
        load_model(f"hf:{folder}", {})
    assert "\n" not in str(caught.value)
    assert not Path("ran").exists()


def test_a_timm_repository_goes_to_timm(tmp_path: Path) -> None:
    """Protects ``hf:`` for repositories of another framework."""
    folder = timm_folder(tmp_path, "test_vit")
    assert load_model(f"hf:{folder}", {}).info.feature == "pre_logits"


@pytest.mark.parametrize("content", [None, "{}", "not json", "[]"])
def test_a_folder_without_configuration(content: str | None, tmp_path: Path) -> None:
    """Protects the message for a wrong folder."""
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config\.json"):
        load_model(f"hf:{tmp_path}", {})
