"""One checkpoint, one recipe: equal features whichever library loads it.

Each model is built small from a configuration with seeded weights in one library; its tensors get
the other library's names, and both folders are loaded as a user loads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import transformers
from checkpoints import hub_cache, open_clip_folder, timm_folder
from open_clip.pretrained import get_pretrained_cfg
from PIL import Image
from safetensors.torch import load_file, save_file
from twin_checkpoints import PAIRS, QKV, SMALL, State, joined, saved, timm_twin

from biobench.decode.definition import centre_crop, target_size
from biobench.models.base import Backbone
from biobench.models.canonical_recipes import RecipeRules, matches
from biobench.models.load import load_model
from biobench.models.names import parse_name
from biobench.models.timm_model import as_trained
from biobench.models.unknown_names import open_clip_names, timm_names
from biobench.spec.documents import CanonicalRecipe
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow


def embed(backbone: Backbone, image: Image.Image) -> np.ndarray:
    """Features of one image, from its pixels on, by the backbone's own recipe."""
    recipe = backbone.recipe
    height, width = target_size(recipe, image.height, image.width)
    resized = image.resize((width, height), Image.Resampling[recipe.filter.upper()])
    values = recipe.normalise(centre_crop(np.asarray(resized), recipe)[None])
    with torch.inference_mode():
        return backbone.embed(torch.from_numpy(values)).numpy()


@pytest.fixture(scope="module")
def image() -> Image.Image:
    values = np.random.default_rng(4).integers(0, 256, (90, 130, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((650, 450), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("kind", PAIRS)
def test_features_do_not_depend_on_the_library(
    kind: str, image: Image.Image, tmp_path: Path
) -> None:
    """Protects comparisons between laboratories: the libraries' own defaults differ in size,
    filter, crop and output for each of these."""
    recipe, make, architecture, tag, args = PAIRS[kind]
    state = make(tmp_path / "transformers")
    timm_twin(tmp_path / "timm", state, architecture, tag, args)
    ours = [load_model(f"hf:{tmp_path / library}", {}) for library in ("transformers", "timm")]
    assert ours[0].recipe.geometry() == ours[1].recipe.geometry()
    assert ours[0].info.feature == ours[1].info.feature
    if kind != "radio":  # transformers' model normalises its own input
        assert ours[0].recipe.digest == ours[1].recipe.digest
    rule = next(rule for rule in load_spec().recipes if rule.id == recipe)
    assert ours[0].info.feature == rule.feature
    first, second = (embed(backbone, image) for backbone in ours)
    assert first.shape == second.shape
    scale = np.abs(first).max()
    assert scale > 1e-3
    # The libraries sum in another order; on these models that is 2e-6 at most.
    assert np.abs(first - second).max() < 1e-5 * max(scale, 1.0)
    # The libraries' own recipes are not the same, so that the equality is that of the rule.
    own = [
        load_model(f"hf:{tmp_path / library}", {}, recipes=())
        for library in ("transformers", "timm")
    ]
    assert [b.recipe.geometry() for b in own] != [b.recipe.geometry() for b in ours]


@dataclass(frozen=True)
class ClipKind:
    """Whose weights: the recipe, the name on the hub, the side, the model type of transformers,
    and timm's architecture and tag."""

    recipe: str
    repository: str
    size: int
    model_type: str
    architecture: str
    tag: str

    @property
    def quick(self) -> bool:
        return "quickgelu" in self.architecture


CLIPS = [
    ClipKind(
        "clip", "openai/clip-vit-tiny", 64, "CLIP", "vit_base_patch16_clip_quickgelu_224", "openai"
    ),
    ClipKind(
        "clip", "facebook/metaclip-2-worldwide-tiny", 64, "MetaClip2",
        "vit_huge_patch14_clip_224", "metaclip2_worldwide",
    ),
    ClipKind(
        "metaclip2-378", "facebook/metaclip-2-worldwide-tiny-378", 378, "MetaClip2",
        "vit_huge_patch14_clip_378", "metaclip2_worldwide",
    ),
]  # fmt: skip


def clip_for_transformers(state: State, folder: Path, kind: ClipKind, *, heads: int) -> None:
    """open_clip's image tower as a CLIP of transformers."""
    width = state["visual.class_embedding"].shape[0]
    vision = {
        "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": 2,
        "num_attention_heads": heads, "image_size": kind.size,
        "patch_size": state["visual.conv1.weight"].shape[-1],
        "hidden_act": "quick_gelu" if kind.quick else "gelu",
    }  # fmt: skip
    text = {
        "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1,
        "num_attention_heads": 2, "vocab_size": 40, "max_position_embeddings": 8,
    }  # fmt: skip
    torch.manual_seed(2)
    config = getattr(transformers, f"{kind.model_type}Config")
    module: Any = getattr(transformers, f"{kind.model_type}Model")(
        config(vision_config=vision, text_config=text, projection_dim=12)
    )
    start = "vision_model."
    made: State = {
        "visual_projection.weight": state["visual.proj"].T,
        f"{start}embeddings.class_embedding": state["visual.class_embedding"],
        f"{start}embeddings.patch_embedding.weight": state["visual.conv1.weight"],
        f"{start}embeddings.position_embedding.weight": state["visual.positional_embedding"],
    }
    for old, new in (("ln_pre", "pre_layrnorm"), ("ln_post", "post_layernorm")):
        for leaf in ("weight", "bias"):
            made[f"{start}{new}.{leaf}"] = state[f"visual.{old}.{leaf}"]
    for block in range(2):
        old, new = f"visual.transformer.resblocks.{block}.", f"{start}encoder.layers.{block}."
        for leaf in ("weight", "bias"):
            parts = state[f"{old}attn.in_proj_{leaf}"].chunk(3)
            made |= {f"{new}self_attn.{q}.{leaf}": t for q, t in zip(QKV, parts, strict=True)}
            for a, b in (
                ("attn.out_proj", "self_attn.out_proj"), ("ln_1", "layer_norm1"),
                ("ln_2", "layer_norm2"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"),
            ):  # fmt: skip
                made[f"{new}{b}.{leaf}"] = state[f"{old}{a}.{leaf}"]
    report = module.load_state_dict(made, strict=False)
    assert not report.unexpected_keys
    assert all(
        "text" in key or "logit" in key or "position_ids" in key for key in report.missing_keys
    )
    module.eval().save_pretrained(folder)
    transformers.CLIPImageProcessorPil(
        size={"shortest_edge": kind.size}, crop_size={"height": kind.size, "width": kind.size}
    ).save_pretrained(folder)


@pytest.mark.parametrize("kind", CLIPS, ids=lambda kind: kind.repository)
def test_a_clip_has_one_embedding_in_three_libraries(
    kind: ClipKind, image: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects comparisons of CLIP's weights: timm by itself leaves out the projection, takes GELU
    for QuickGELU and crops nine tenths; transformers rounds the crop otherwise, and crops what
    MetaCLIP 2 squashes at 378."""
    import huggingface_hub.constants

    patch = 14 if kind.size % 16 else 16
    model = {
        "quick_gelu": kind.quick,
        "vision_cfg": {
            "image_size": kind.size, "layers": 2, "width": 64, "patch_size": patch, "head_width": 32
        },
    }  # fmt: skip
    folder = open_clip_folder(tmp_path / "open_clip", model=model)
    state = load_file(folder / "open_clip_model.safetensors")
    clip_for_transformers(state, tmp_path / "transformers", kind, heads=2)
    hub_cache(tmp_path / "hub", kind.repository, tmp_path / "transformers")
    timm_folder(
        tmp_path / "timm", kind.architecture,
        data={"tag": kind.tag, "input_size": (3, kind.size, kind.size), "crop_pct": 0.9,
              "mean": OPENAI[0], "std": OPENAI[1]},
        embed_dim=64, depth=2, num_heads=2, img_size=kind.size, patch_size=patch, num_classes=12,
    )  # fmt: skip
    # timm renames open_clip's tensors itself when it loads them.
    save_file(state, tmp_path / "timm" / "model.safetensors")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    rules = of_open_clip_too(kind.recipe)
    loaded = [
        load_model(name, {}, offline=True, recipes=rules)
        for name in (
            f"open_clip:{folder}", f"hf:{kind.repository}", f"timm:{tmp_path / 'timm'}"
        )
    ]  # fmt: skip
    assert {backbone.recipe.digest for backbone in loaded} == {loaded[0].recipe.digest}
    assert {backbone.info.feature for backbone in loaded} == {"image_embedding"}
    rows = [embed(backbone, image) for backbone in loaded]
    assert rows[0].shape == (1, 12)
    assert all(np.abs(rows[0] - row).max() < 1e-5 for row in rows)


def of_open_clip_too(recipe: str) -> list[CanonicalRecipe]:
    """The recipe for folders of open_clip, which have no name that says whose weights they hold."""
    rule = next(rule for rule in load_spec().recipes if rule.id == recipe)
    return [replace(rule, applies_to=(*rule.applies_to, "open_clip:*"))]


def test_pe_core_has_one_embedding_in_two_libraries(image: Image.Image, tmp_path: Path) -> None:
    """Protects PE-Core, whose image tower open_clip takes from timm: timm by itself gives what lies
    before the projection, and crops."""
    architecture, size = "vit_pe_core_tiny_patch16_384", 384
    model = {
        "custom_text": True,
        "vision_cfg": {
            "image_size": size, "timm_model_name": architecture, "timm_pool": "map",
            "timm_proj": None,
        },
    }  # fmt: skip
    half = ((0.5,) * 3, (0.5,) * 3)
    preprocess = {"mean": half[0], "std": half[1], "interpolation": "bicubic"}
    folder = open_clip_folder(tmp_path / "open_clip", model=model, preprocess=preprocess)
    state = load_file(folder / "open_clip_model.safetensors")
    timm_folder(
        tmp_path / "timm", architecture,
        data={"tag": "fb", "input_size": (3, size, size), "crop_pct": 0.9, "mean": half[0],
              "std": half[1], "interpolation": "bicubic"},
        num_classes=12,
    )  # fmt: skip
    start = "visual.trunk."
    trunk = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
    save_file(trunk, tmp_path / "timm" / "model.safetensors")
    loaded = [
        load_model(name, {}, recipes=of_open_clip_too("pe-core"))
        for name in (f"open_clip:{folder}", f"timm:{tmp_path / 'timm'}")
    ]
    assert loaded[0].recipe.digest == loaded[1].recipe.digest
    assert (loaded[0].recipe.mode, loaded[0].recipe.filter) == ("squash", "bilinear")
    assert {backbone.info.feature for backbone in loaded} == {"image_embedding"}
    first, second = (embed(backbone, image) for backbone in loaded)
    assert first.shape == (1, 12)
    assert np.abs(first).max() > 1e-3
    assert np.abs(first - second).max() < 1e-5


OPENAI = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


def test_quick_gelu_follows_the_weights_in_timm() -> None:
    """Protects openai's weights under timm's plain name, which would get another activation."""
    for target, expected in (
        ("vit_base_patch32_clip_224.openai", "vit_base_patch32_clip_quickgelu_224.openai"),
        ("vit_base_patch32_clip_224.laion2b", "vit_base_patch32_clip_224.laion2b"),
        ("resnet50.a1_in1k", "resnet50.a1_in1k"),
    ):
        configuration = timm.get_pretrained_cfg(target)
        assert as_trained(target, configuration.to_dict()) == expected
        assert timm.get_pretrained_cfg(expected).hf_hub_id == configuration.hf_hub_id


def siglip(folder: Path) -> State:
    torch.manual_seed(1)
    vision = {
        "hidden_size": 32, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 2, "image_size": 224, "patch_size": 16,
    }  # fmt: skip
    config = transformers.SiglipConfig(vision_config=vision, text_config={
        "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1,
        "num_attention_heads": 2, "vocab_size": 40, "max_position_embeddings": 8,
    })  # fmt: skip
    processor = transformers.SiglipImageProcessorPil(size={"height": 224, "width": 224}, resample=2)
    state = saved(folder, transformers.SiglipModel(config), processor)
    state = {k.removeprefix("vision_model."): v for k, v in state.items() if "vision_model" in k}
    made: State = {
        "pos_embed": state["embeddings.position_embedding.weight"][None],
        "patch_embed.proj.weight": state["embeddings.patch_embedding.weight"],
        "patch_embed.proj.bias": state["embeddings.patch_embedding.bias"],
        "attn_pool.latent": state["head.probe"],
    }
    for leaf in ("weight", "bias"):
        made[f"norm.{leaf}"] = state[f"post_layernorm.{leaf}"]
        query, *kv = state[f"head.attention.in_proj_{leaf}"].chunk(3)
        made |= {f"attn_pool.q.{leaf}": query, f"attn_pool.kv.{leaf}": torch.cat(kv)}
        for old, new in (
            ("head.attention.out_proj", "attn_pool.proj"), ("head.layernorm", "attn_pool.norm"),
            ("head.mlp.fc1", "attn_pool.mlp.fc1"), ("head.mlp.fc2", "attn_pool.mlp.fc2"),
        ):  # fmt: skip
            made[f"{new}.{leaf}"] = state[f"{old}.{leaf}"]
        for block in range(2):
            start, new = f"encoder.layers.{block}.", f"blocks.{block}."
            made[f"{new}attn.qkv.{leaf}"] = joined(state, f"{start}self_attn.", leaf, QKV)
            for a, b in (
                ("self_attn.out_proj", "attn.proj"), ("layer_norm1", "norm1"),
                ("layer_norm2", "norm2"), ("mlp.fc1", "mlp.fc1"), ("mlp.fc2", "mlp.fc2"),
            ):  # fmt: skip
                made[f"{new}{b}.{leaf}"] = state[f"{start}{a}.{leaf}"]
    return made


def test_siglip2_has_one_embedding_in_two_libraries(
    image: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects SigLIP 2, bilinear and squashed at Google, bicubic and cropped in timm."""
    import huggingface_hub.constants

    state = siglip(tmp_path / "transformers")
    hub_cache(tmp_path / "hub", "google/siglip2-tiny-patch16-224", tmp_path / "transformers")
    timm_twin(tmp_path / "timm", state, "vit_base_patch16_siglip_224", "v2_webli", SMALL)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    names = ("hf:google/siglip2-tiny-patch16-224", f"hf:{tmp_path / 'timm'}")
    loaded = [load_model(name, {}, offline=True) for name in names]
    assert loaded[0].recipe.digest == loaded[1].recipe.digest
    assert (loaded[0].recipe.mode, loaded[0].recipe.filter) == ("squash", "bilinear")
    first, second = (embed(backbone, image) for backbone in loaded)
    assert np.abs(first - second).max() < 1e-5


def test_compat_keeps_the_recipes_of_the_published_scores(tmp_path: Path) -> None:
    """Protects compat: its scores were taken with the libraries' own recipes."""
    folder = timm_folder(
        tmp_path, "vit_small_patch16_dinov3", data={"tag": "lvd1689m", "input_size": (3, 64, 64)},
        embed_dim=64, depth=1, num_heads=2,
    )  # fmt: skip
    compat = load_model(f"timm:{folder}", {}, feature="compat")
    assert (compat.info.feature, compat.recipe.crop) == ("compat_class_token", (64, 64))
    official = load_model(f"timm:{folder}", {})
    assert (official.info.feature, official.recipe.crop) == ("class_token", (256, 256))


def test_every_pattern_is_of_something() -> None:
    """Protects from a pattern that a typing error keeps from matching any checkpoint."""
    known = [f"timm:{name}" for name in timm_names()]
    known += [f"open_clip:{name}" for name in open_clip_names()]
    known += [f"transformers:{kind}" for kind in transformers.CONFIG_MAPPING]
    known += [entry.resolves_to for entry in load_spec().models.values()]
    # Repositories that no list of the libraries has, and of which one is named in their documents.
    known += [
        "hf:google/siglip-base-patch16-224", "hf:timm/ViT-B-16-SigLIP", "hf:timm/PE-Core-B-16",
        "hf:timm/ViT-B-16-SigLIP2", "open_clip:hf-hub:timm/ViT-B-16-SigLIP",
        "open_clip:hf-hub:timm/ViT-B-16-SigLIP2", "open_clip:hf-hub:timm/PE-Core-B-16",
    ]  # fmt: skip
    known += [f"{prefix}{repository}" for _, _, repository in listed() for prefix in REPOSITORY]
    for rule in load_spec().recipes:
        for pattern in rule.applies_to:
            assert any(matches(pattern, key) for key in known), pattern


REPOSITORY = ("hf:", "open_clip:hf-hub:")


def listed() -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Names in open_clip's registry, with what it says of them and the repository."""
    for name in open_clip_names():
        configuration = get_pretrained_cfg(*name.split("/"))
        yield name, configuration, "/".join(configuration["hf_hub"].split("/")[:2])


def test_a_repository_has_one_recipe_under_each_of_its_names() -> None:
    """Protects from a score that rests on how a checkpoint was called; where there is a recipe, the
    libraries agree on mean, standard deviation and activation too, which it takes from them."""
    rules = RecipeRules(load_spec().recipes)
    compared = 0
    for name, configuration, repository in listed():
        keys = [f"open_clip:{name}", f"open_clip:hf-hub:{repository}"]
        tagged = repository.removeprefix("timm/")
        of_timm = tagged in timm_names()
        keys.append(f"timm:{tagged}" if of_timm else f"hf:{repository}")
        found = {rules.find(parse_name(key, {})) for key in keys}
        assert len(found) == 1, keys
        if of_timm and found != {None}:
            other = timm.get_pretrained_cfg(tagged).to_dict()
            for key in ("mean", "std"):
                assert tuple(configuration[key]) == tuple(other[key]), keys
            quick = "quickgelu" in as_trained(tagged, other)
            assert quick is bool(configuration.get("quick_gelu")), keys
            compared += 1
    assert compared > 20
