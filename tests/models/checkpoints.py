"""Small checkpoints with seeded weights, written as the frameworks themselves write them.

Each function fills a folder that the loaders read on the path that a hub snapshot takes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def timm_folder(
    folder: Path,
    architecture: str,
    *,
    seed: int = 1,
    data: Mapping[str, Any] | None = None,
    **args: Any,
) -> Path:
    """A timm model as ``save_for_hf`` writes it; ``data`` overrides its preprocessing."""
    import timm
    from timm.models import save_for_hf

    torch.manual_seed(seed)
    model = timm.create_model(architecture, pretrained=False, **args)
    spread(model)
    save_for_hf(
        model, folder, model_args=args, safe_serialization=True, data_config=dict(data or {})
    )
    configuration = json.loads((folder / "config.json").read_text())
    configuration["pretrained_cfg"].update(data or {})
    (folder / "config.json").write_text(json.dumps(configuration))
    return folder


def spread(module: torch.nn.Module) -> None:
    """Replace constant values, which seeds do not reach, so that every tensor counts."""
    for name, parameter in module.named_parameters():
        first = parameter.detach().flatten()[0]
        if parameter.numel() > 1 and bool((parameter == first).all()):
            torch.nn.init.normal_(parameter, mean=float(first), std=0.05)
        assert torch.isfinite(parameter).all(), name


CLIP_TEXT = {"context_length": 8, "vocab_size": 32, "width": 16, "heads": 2, "layers": 1}


def open_clip_folder(
    folder: Path,
    *,
    seed: int = 1,
    preprocess: Mapping[str, Any] | None = None,
    model: Mapping[str, Any] | None = None,
) -> Path:
    """An open_clip model with open_clip_config.json; ``model`` is added to its configuration."""
    import open_clip
    from safetensors.torch import save_file

    configuration: dict[str, Any] = {
        "embed_dim": 12,
        "vision_cfg": {
            "image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16
        },
        "text_cfg": dict(CLIP_TEXT),
        **(model or {}),
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    written = {"model_cfg": configuration, "preprocess_cfg": dict(preprocess or {})}
    (folder / "open_clip_config.json").write_text(json.dumps(written))
    torch.manual_seed(seed)
    kind = open_clip.CLIP
    options = dict(configuration)
    if "multimodal_cfg" in options:
        kind = open_clip.CoCa
    elif options.pop("custom_text", False):
        kind = open_clip.CustomTextCLIP
    options.pop("custom_text", None)
    built = kind(**json.loads(json.dumps(options)))
    spread(built)
    state = {k: v.clone().contiguous() for k, v in built.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return folder


VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
TEXT = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "vocab_size": 40,
    "max_position_embeddings": 8,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
}
SMALL_CONVNEXT = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}


def transformers_model(kind: str, *, seed: int = 1) -> torch.nn.Module:
    """A small model of one of the families under test, in eval mode."""
    import transformers as t

    torch.manual_seed(seed)
    built: torch.nn.Module
    if kind == "clip":
        config = t.CLIPConfig(vision_config=VISION, text_config=TEXT, projection_dim=12)
        built = t.CLIPModel(config)
    elif kind == "clip_tower":
        built = t.CLIPVisionModelWithProjection(t.CLIPVisionConfig(**VISION, projection_dim=12))
    elif kind in ("siglip", "siglip2"):
        # Checkpoints of SigLIP 2 with a fixed resolution state SigLIP's model type.
        built = t.SiglipModel(t.SiglipConfig(vision_config=VISION, text_config=TEXT))
    elif kind == "dinov2":
        built = t.Dinov2Model(t.Dinov2Config(**dict(VISION.items())))
    elif kind == "convnext":
        built = t.ConvNextModel(t.ConvNextConfig(**SMALL_CONVNEXT))
    elif kind == "vit":
        built = t.ViTModel(t.ViTConfig(**VISION))
    elif kind == "vit_classifier":
        built = t.ViTForImageClassification(t.ViTConfig(**VISION, num_labels=3))
    else:
        raise ValueError(kind)
    spread(built)
    return built.eval()


def image_processor(kind: str, **settings: Any) -> Any:
    """The family's image processor, Pillow back end, at the size of the small models."""
    import transformers as t

    square = {"height": 32, "width": 32}
    if kind in ("clip", "clip_tower"):
        options = {"size": {"shortest_edge": 32}, "crop_size": square}
        return t.CLIPImageProcessorPil(**{**options, **settings})
    if kind in ("siglip", "siglip2"):
        bilinear = {"resample": 2} if kind == "siglip2" else {}
        return t.SiglipImageProcessorPil(**{"size": square, **bilinear, **settings})
    if kind == "dinov2":
        options = {
            "size": {"shortest_edge": 36}, "crop_size": square,
            "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
        }  # fmt: skip
        return t.BitImageProcessorPil(**{**options, **settings})
    if kind == "convnext":
        return t.ConvNextImageProcessorPil(**{"size": {"shortest_edge": 64}, **settings})
    return t.ViTImageProcessorPil(**{"size": square, **settings})


def transformers_folder(folder: Path, kind: str, *, seed: int = 1, **settings: Any) -> Path:
    """Model and image processor as ``save_pretrained`` writes them."""
    transformers_model(kind, seed=seed).save_pretrained(folder)
    image_processor(kind, **settings).save_pretrained(folder)
    return folder


def hub_cache(cache: Path, repository: str, folder: Path, *, revision: str = "main") -> Path:
    """Put ``folder`` into a hub cache as the snapshot that ``revision`` of ``repository`` means."""
    root = cache / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / revision).write_text(COMMIT)
    snapshot = root / "snapshots" / COMMIT
    shutil.copytree(folder, snapshot)
    return snapshot
