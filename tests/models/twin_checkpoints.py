"""Small checkpoints of transformers with seeded weights, and their twins under timm's names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
import torch
import transformers
from checkpoints import spread, timm_folder
from safetensors.torch import load_file, save_file

State = dict[str, torch.Tensor]


def saved(folder: Path, module: Any, processor: Any) -> State:
    """A transformers model and its processor as ``save_pretrained`` writes them; its tensors."""
    spread(module)
    if isinstance(module, transformers.RadioModel):
        # C-RADIO has no scale of layers; transformers' modules have one that is always 1.
        for name, parameter in module.named_parameters():
            if name.endswith("lambda1"):
                torch.nn.init.ones_(parameter)
    module.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    state: State = module.state_dict()
    return state


def joined(state: State, prefix: str, suffix: str, parts: tuple[str, str, str]) -> torch.Tensor:
    """Query, key and value as one tensor; a bias that the model lacks is zero."""
    found = [state.get(f"{prefix}{part}.{suffix}") for part in parts]
    some = next(tensor for tensor in found if tensor is not None)
    return torch.cat([torch.zeros_like(some) if t is None else t for t in found])


def rest(name: str, renames: dict[str, str]) -> str:
    for old, new in renames.items():
        name = name.replace(old, new)
    return name


def dinov2(folder: Path, *, registers: int) -> State:
    shared: dict[str, Any] = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_ratio": 4,
        "image_size": 518, "patch_size": 14, "layerscale_value": 0.5,
    }  # fmt: skip
    torch.manual_seed(1)
    module: Any
    if registers:
        module = transformers.Dinov2WithRegistersModel(
            transformers.Dinov2WithRegistersConfig(**shared, num_register_tokens=registers)
        )
    else:
        module = transformers.Dinov2Model(transformers.Dinov2Config(**shared))
    processor = transformers.BitImageProcessorPil(
        size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224},
        image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225],
    )  # fmt: skip
    state = saved(folder, module, processor)
    return vit_names(state)


def vit_names(state: State) -> State:
    """timm's names of a DINOv2-like model of transformers."""
    made: State = {}
    for name, tensor in state.items():
        if not name.startswith("encoder.layer."):
            continue
        block, _, leaf = name.removeprefix("encoder.layer.").partition(".")
        if leaf.startswith("attention.") and "o_proj" not in leaf:
            suffix = leaf.rpartition(".")[2]
            prefix = f"encoder.layer.{block}.attention."
            made[f"blocks.{block}.attn.qkv.{suffix}"] = joined(state, prefix, suffix, QKV)
            continue
        leaf = rest(
            leaf,
            {"attention.o_proj": "attn.proj", "layer_scale1.lambda1": "ls1.gamma"}
            | {"layer_scale2.lambda1": "ls2.gamma"},
        )
        made[f"blocks.{block}.{leaf}"] = tensor
    names = {
        "embeddings.cls_token": "cls_token",
        "embeddings.position_embeddings": "pos_embed",
        "embeddings.register_tokens": "reg_token",
        "embeddings.patch_embeddings.projection.weight": "patch_embed.proj.weight",
        "embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias",
        "layernorm.weight": "norm.weight",
        "layernorm.bias": "norm.bias",
    }
    made |= {new: state[old] for old, new in names.items() if old in state}
    if "reg_token" in made and "pos_embed" in made:
        # timm adds the class token's position once and for all.
        made["cls_token"] = made["cls_token"] + made["pos_embed"][:, :1]
        made["pos_embed"] = made["pos_embed"][:, 1:]
    return made


QKV = ("q_proj", "k_proj", "v_proj")


def dinov3(folder: Path, *, biases: bool = False) -> State:
    torch.manual_seed(1)
    config = transformers.DINOv3ViTConfig(
        hidden_size=64, intermediate_size=256, num_hidden_layers=2, num_attention_heads=2,
        num_register_tokens=4, layerscale_value=0.5, query_bias=biases, key_bias=False,
        value_bias=biases,
    )  # fmt: skip
    processor = transformers.DINOv3ViTImageProcessor()
    state = saved(folder, transformers.DINOv3ViTModel(config), processor)
    made: State = {
        "cls_token": state["embeddings.cls_token"],
        "reg_token": state["embeddings.register_tokens"],
        "patch_embed.proj.weight": state["embeddings.patch_embeddings.weight"],
        "patch_embed.proj.bias": state["embeddings.patch_embeddings.bias"],
        "norm.weight": state["norm.weight"],
        "norm.bias": state["norm.bias"],
    }
    for name, tensor in state.items():
        layer = name.removeprefix("model.")
        if not layer.startswith("layer."):
            continue
        block, _, leaf = layer.removeprefix("layer.").partition(".")
        start = f"{name[: name.index('layer.')]}layer.{block}.attention."
        if "attention." in leaf and "o_proj" not in leaf:
            made[f"blocks.{block}.attn.qkv.weight"] = joined(state, start, "weight", QKV)
            if leaf.endswith(".bias"):
                made[f"blocks.{block}.attn.{leaf.removeprefix('attention.')[0]}_bias"] = tensor
            continue
        leaf = rest(
            leaf,
            {"attention.o_proj": "attn.proj", "mlp.up_proj": "mlp.fc1", "mlp.down_proj": "mlp.fc2"}
            | {"layer_scale1.lambda1": "gamma_1", "layer_scale2.lambda1": "gamma_2"},
        )
        made[f"blocks.{block}.{leaf}"] = tensor
    return made


def dinov3_convnext(folder: Path) -> State:
    torch.manual_seed(1)
    config = transformers.DINOv3ConvNextConfig(
        hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 2, 1], layer_scale_init_value=0.5
    )
    processor = transformers.DINOv3ViTImageProcessor()
    state = saved(folder, transformers.DINOv3ConvNextModel(config), processor)
    made: State = {}
    for name, tensor in state.items():
        if name.startswith("layer_norm."):
            made[name.replace("layer_norm", "head.norm")] = tensor
            continue
        _, stage, kind, index, *leaf = name[name.index("stages.") :].split(".")
        tail = ".".join(leaf)
        if kind == "downsample_layers":
            start = "stem" if stage == "0" else f"stages.{stage}.downsample"
            made[f"{start}.{index}.{tail}"] = tensor
            continue
        tail = rest(
            tail,
            {"depthwise_conv": "conv_dw", "layer_norm": "norm", "pointwise_conv1": "mlp.fc1"}
            | {"pointwise_conv2": "mlp.fc2"},
        )
        made[f"stages.{stage}.blocks.{index}.{tail}"] = tensor
    return made


def tipsv2(folder: Path) -> State:
    torch.manual_seed(1)
    config = transformers.Tipsv2VisionConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, layerscale_value=0.5
    )
    processor = transformers.Tipsv2ImageProcessor()
    state = saved(folder, transformers.Tipsv2VisionModel(config), processor)
    return vit_names(state)


def radio(folder: Path) -> State:
    torch.manual_seed(1)
    config = transformers.RadioConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, max_img_size=512
    )
    processor = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": 512}, crop_size={"height": 512, "width": 512}, do_normalize=False
    )
    state = saved(folder, transformers.RadioModel(config), processor)
    made = vit_names(state)
    made = {k: v for k, v in made.items() if "ls1" not in k and "ls2" not in k}
    tokens = state["embeddings.cls_register_token"][None]
    weight = state["embeddings.patch_projection.weight"]
    made |= {
        "cls_token": tokens[:, :1],
        "reg_token": tokens[:, 1:],
        "pos_embed": state["embeddings.position_embedding"],
        "patch_embed.proj.weight": weight.reshape(len(weight), 3, 16, 16),
        "patch_embed.proj.bias": torch.zeros(len(weight)),
    }
    return made


def aimv2(folder: Path) -> State:
    torch.manual_seed(1)
    config = transformers.Aimv2VisionConfig(
        hidden_size=32, intermediate_size=88, num_hidden_layers=2, num_attention_heads=2,
        image_size=224, use_head=False,
    )  # fmt: skip
    processor = transformers.CLIPImageProcessorPil()
    state = saved(folder, transformers.Aimv2VisionModel(config), processor)
    made: State = {
        "pos_embed": state["embeddings.position_embedding.weight"][None],
        "patch_embed.proj.weight": state["embeddings.patch_embed.weight"],
        "patch_embed.proj.bias": state["embeddings.patch_embed.bias"],
        "patch_embed.norm.weight": state["embeddings.rms_norm.weight"],
        "norm.weight": state["rms_norm.weight"],
    }
    for block in range(config.num_hidden_layers):
        start, new = f"encoder.layers.{block}.", f"blocks.{block}."
        made |= {
            f"{new}norm1.weight": state[f"{start}rms_norm1.weight"],
            f"{new}norm2.weight": state[f"{start}rms_norm2.weight"],
            f"{new}attn.qkv.weight": joined(state, f"{start}attention.", "weight", QKV),
            f"{new}attn.proj.weight": state[f"{start}attention.out_proj.weight"],
            f"{new}mlp.fc1_g.weight": state[f"{start}ffn.gate_proj.weight"],
            f"{new}mlp.fc1_x.weight": state[f"{start}ffn.up_proj.weight"],
            f"{new}mlp.fc2.weight": state[f"{start}ffn.down_proj.weight"],
        }
    return made


SMALL = {"embed_dim": 32, "depth": 2, "num_heads": 2}
# The recipe, the model in transformers, and its architecture, tag and arguments in timm.
PAIRS: dict[str, tuple[str, Callable[[Path], State], str, str, dict[str, Any]]] = {
    "dinov2": (
        "dinov2", lambda f: dinov2(f, registers=0), "vit_small_patch14_dinov2", "lvd142m", SMALL
    ),
    "dinov2, registers": (
        "dinov2", lambda f: dinov2(f, registers=4), "vit_small_patch14_reg4_dinov2", "lvd142m",
        SMALL,
    ),
    "dinov3": (
        "dinov3", dinov3, "vit_small_patch16_dinov3", "lvd1689m", {**SMALL, "embed_dim": 64}
    ),
    "dinov3, convnext": (
        "dinov3-convnext", dinov3_convnext, "convnext_tiny", "dinov3_lvd1689m",
        {"depths": [1, 1, 2, 1], "dims": [8, 16, 24, 32], "num_classes": 0},
    ),
    "eupe": (
        "dinov3", lambda f: dinov3(f, biases=True), "vit_small_patch16_dinov3_qkvb",
        "eupe_lvd1689m", {**SMALL, "embed_dim": 64},
    ),
    "eupe, convnext": (
        "dinov3-convnext", dinov3_convnext, "convnext_tiny", "eupe_lvd1689m",
        {"depths": [1, 1, 2, 1], "dims": [8, 16, 24, 32], "num_classes": 0},
    ),
    "tipsv2": ("tipsv2", tipsv2, "vit_base_patch14_reg1_tipsv2", "webli", SMALL),
    "radio": ("c-radio-v4", radio, "vit_huge_patch16_radio_v4", "c_radio", SMALL),
    "aimv2": (
        "aimv2", aimv2, "aimv2_large_patch14_224", "apple_pt", {**SMALL, "mlp_ratio": 88 / 32}
    ),
}  # fmt: skip


def timm_twin(folder: Path, state: State, architecture: str, tag: str, args: Any) -> Path:
    """The tensors as a folder of timm, with the tag's own preprocessing."""
    data = timm.get_pretrained_cfg(f"{architecture}.{tag}").to_dict()
    keys = ("input_size", "crop_pct", "crop_mode", "interpolation", "mean", "std")
    timm_folder(folder, architecture, data={"tag": tag, **{k: data[k] for k in keys}}, **args)
    wanted = load_file(folder / "model.safetensors")
    assert {k: v.shape for k, v in state.items()} == {k: v.shape for k, v in wanted.items()}
    save_file({k: v.detach().clone().contiguous() for k, v in state.items()},
              folder / "model.safetensors")  # fmt: skip
    return folder
