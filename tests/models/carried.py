"""Architectures that the exact engine carries, with seeded weights, and how near torch they come.

Each is built from its configuration at full width, with few layers where all are alike. As a
program this prints the table of docs/programs.md, at the sizes of images that the checkpoints have:

    python tests/models/carried.py [PART OF A NAME ...]

With ``--listed`` it takes in their place every architecture that `models.yaml` names through timm
and open_clip, at its own width and size of images, with one layer or one for each stage.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import torch

from biobench import _native
from biobench.models.program.capture import capture
from biobench.models.program.lower import lower
from biobench.spec.canonical import canonical_json
from biobench.spec.load import load_spec

Forward = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Carried:
    """An architecture.

    Attributes:
        library: It builds the model.
        name: Of the architecture, or of the model's class.
        size: Side of the images of its checkpoints.
        made: Gives the module and the function that takes its features.
        layers: How many the model has, as text.
        small: Side of the images for tests, where it may be another one.
    """

    library: str
    name: str
    size: int
    made: Callable[[], tuple[torch.nn.Module, Forward]]
    layers: str = "all"
    small: int | None = None

    @property
    def id(self) -> str:
        """A name for a test."""
        return f"{self.library} {self.name} {self.size}"


def from_timm(name: str, size: int, small: int | None = None, **options: Any) -> Carried:
    """An architecture of timm, without a classifier."""

    def made() -> tuple[torch.nn.Module, Forward]:
        import timm

        module: Any = timm.create_model(name, pretrained=False, num_classes=0, **options)
        return module, module

    given = options.get("depth", options.get("depths", "all"))
    return Carried("timm", name, size, made, _text(given), small)


def from_transformers(
    name: str, take: Callable[[Any], torch.Tensor], size: int, **options: Any
) -> Carried:
    """A model of transformers by the name of its class without ``Model``."""

    def made() -> tuple[torch.nn.Module, Forward]:
        import transformers

        configuration = name.removesuffix("WithProjection").removesuffix("Model") + "Config"
        module = getattr(transformers, name)(getattr(transformers, configuration)(**options))
        return module, lambda images: take(module(pixel_values=images))

    given = options.get("num_hidden_layers", options.get("depths", "all"))
    return Carried("transformers", name, size, made, _text(given))


def from_open_clip(
    name: str, size: int, layers: int | None = 2, one_layer: bool = False, **changes: Any
) -> Carried:
    """The image tower of open_clip; ``layers`` None where timm builds it, with ``one_layer`` as a
    model of one."""

    def made() -> tuple[torch.nn.Module, Forward]:
        import open_clip
        import timm
        from open_clip.model import _build_vision_tower

        configuration = copy.deepcopy(open_clip.get_model_config(name))
        vision = configuration["vision_cfg"]
        if layers is not None:
            vision["layers"] = layers
        vision.update(changes)
        shallow = partial(timm.create_model, depth=1)
        with mock.patch("timm.create_model", shallow) if one_layer else nullcontext():
            tower: Any = _build_vision_tower(
                configuration["embed_dim"], vision, configuration.get("quick_gelu", False)
            )
        return tower, lambda images: _embedded(tower(images))

    form = f" ({', '.join(changes)})" if changes else ""
    return Carried("open_clip", name + form, size, made, _text(layers or ("all", 1)[one_layer]))


def _text(layers: Any) -> str:
    return " + ".join(map(str, layers)) if isinstance(layers, list | tuple) else str(layers)


def _embedded(found: Any) -> torch.Tensor:
    """CoCa gives its tokens beside the embedding."""
    embedding: torch.Tensor = found[0] if isinstance(found, tuple) else found
    return embedding


def _first(found: Any) -> torch.Tensor:
    token: torch.Tensor = found.last_hidden_state[:, 0]
    return token


def _mean(found: Any) -> torch.Tensor:
    mean: torch.Tensor = found.last_hidden_state.mean(1)
    return mean


def _pooled(found: Any) -> torch.Tensor:
    pooled: torch.Tensor = found.pooler_output
    return pooled.flatten(1)


def _embedding(found: Any) -> torch.Tensor:
    embedding: torch.Tensor = found.image_embeds
    return embedding


CARRIED = [
    from_timm("vit_base_patch16_224", 224, depth=2),
    from_timm("vit_base_patch14_dinov2", 518, depth=1),
    from_timm("vit_small_patch14_reg4_dinov2", 518, depth=2),
    from_timm("vit_base_patch16_siglip_256", 256, depth=1),
    from_timm("vit_small_patch16_dinov3", 256, depth=2),
    from_timm("vit_small_plus_patch16_dinov3", 256, depth=2),
    from_timm("vit_tiny_patch16_dinov3_qkvb", 256, depth=2),
    from_timm("vit_pe_core_tiny_patch16_384", 384, depth=2),
    from_timm("vit_pe_spatial_tiny_patch16_512", 512, depth=2),
    from_timm("eva02_tiny_patch14_224", 224, depth=2),
    from_timm("aimv2_large_patch14_224", 224, depth=1),
    from_timm("vit_base_patch16_radio_v3", 512, depth=1),
    from_timm("vit_so400m_patch16_radio_v4", 512, depth=1),
    from_timm("vit_base_patch14_reg1_tipsv2", 448, depth=1),
    from_timm("convnext_tiny", 224, 96, depths=(1, 1, 1, 1)),
    from_timm("convnextv2_tiny", 224, 96, depths=(1, 1, 1, 1)),
    from_timm("swin_tiny_patch4_window7_224", 224, depths=(2, 2)),
    from_timm("swin_large_patch4_window12_384", 384, depths=(2, 2)),
    from_timm("swinv2_tiny_window8_256", 256, depths=(2, 2)),
    from_timm("swinv2_base_window12to24_192to384", 384, depths=(1, 2)),
    from_timm("hiera_tiny_224", 224),
    from_timm("sam2_hiera_tiny", 896, 256),
    from_timm("resnet18", 224, 96),
    from_timm("resnet50d", 224, 64),
    from_timm("efficientnet_lite0", 224, 64),
    from_timm("efficientnet_b0", 224, 64),
    from_timm("efficientnet_b3", 288, 64),
    from_timm("mobilenetv2_100", 224, 64),
    from_timm("mobilenetv3_large_100", 224, 64),
    from_transformers("ViTModel", _first, 224, num_hidden_layers=2),
    from_transformers(
        "Dinov2Model", _first, 518, num_hidden_layers=1, image_size=518, patch_size=14
    ),
    from_transformers(
        "Dinov2WithRegistersModel", _first, 518,
        num_hidden_layers=1, image_size=518, patch_size=14,
    ),
    from_transformers("DINOv3ViTModel", _first, 256, num_hidden_layers=2),
    from_transformers("DINOv3ConvNextModel", _pooled, 256, depths=[1, 1, 1, 1]),
    from_transformers("ConvNextV2Model", _pooled, 224, depths=[1, 1, 1, 1]),
    from_transformers("Tipsv2VisionModel", _first, 448, num_hidden_layers=1),
    from_transformers("RadioModel", lambda found: found[0], 512, num_hidden_layers=1),
    from_transformers("Aimv2VisionModel", _mean, 224, num_hidden_layers=1, use_head=False),
    from_transformers("CLIPVisionModelWithProjection", _embedding, 224, num_hidden_layers=2),
    from_transformers(
        "MetaClip2VisionModelWithProjection", _embedding, 224, num_hidden_layers=2
    ),
    from_transformers("SiglipVisionModel", _pooled, 256, num_hidden_layers=2, image_size=256),
    from_transformers("SwinModel", _pooled, 224, depths=[2, 2]),
    from_transformers("Swinv2Model", _pooled, 256, depths=[2, 2], image_size=256, window_size=8),
    from_transformers("HieraModel", _pooled, 224),
    from_transformers("ResNetModel", _pooled, 224),
    from_open_clip("ViT-B-16", 224),
    from_open_clip("ViT-B-16-quickgelu", 224),
    from_open_clip("ViT-H-14-worldwide", 224, 1),
    # OpenVision's form.
    from_open_clip("ViT-B-16", 224, no_ln_pre=True, pool_type="avg", final_ln_after_pool=True),
    from_open_clip("ViT-B-16-SigLIP2-256", 256, None),
    from_open_clip("PE-Core-T-16-384", 384, None),
    from_open_clip("coca_ViT-B-32", 224),
    from_open_clip("RN50", 224, None),
]  # fmt: skip

WIDEST = [
    from_timm("vit_7b_patch16_dinov3", 256, depth=1),
    from_timm("vit_giant_patch14_dinov2", 518, depth=1),
    from_timm("vit_pe_core_gigantic_patch14_448", 448, depth=1),
    from_timm("aimv2_3b_patch14_448", 448, depth=1),
    from_timm("convnext_large", 256, depths=(1, 1, 1, 1)),
    from_timm("vit_base_patch16_224", 224),
    from_open_clip("ViT-bigG-14", 224),
]
"""The widest of models.yaml of families that have a narrow one above, and one with all of its
layers."""


def listed() -> list[Carried]:
    """The architectures of the names of models.yaml that timm and open_clip build themselves."""
    import open_clip
    import timm

    found: dict[str, Carried] = {}
    for entry in load_spec().models.values():
        library, _, name = entry.resolves_to.partition(":")
        architecture = name.split("/")[0].split(".")[0]
        if name.startswith("hf-hub:"):
            continue
        if library == "timm":
            size = timm.get_pretrained_cfg(architecture).input_size[-1]
            found[architecture] = from_timm(architecture, size, **_one_layer(architecture))
        elif library == "open_clip":
            vision = open_clip.get_model_config(architecture)["vision_cfg"]
            by_timm = "timm_model_name" in vision
            found[architecture] = from_open_clip(
                architecture, vision["image_size"], None if by_timm else 1, one_layer=by_timm
            )
    return [found[name] for name in sorted(found)]


def _one_layer(architecture: str) -> dict[str, Any]:
    """The options that leave one layer, or one for each stage, where timm has such options."""
    if architecture.startswith("vit_"):
        return {"depth": 1}
    return {"depths": (1, 1, 1, 1)} if architecture.startswith("convnext") else {}


def seeded(model: torch.nn.Module) -> torch.nn.Module:
    """The model with affine parts and statistics that are not those of a fresh one."""
    for parameter in model.parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, 0.5, 0.3)
    for buffer_name, buffer in model.named_buffers():
        if "running_var" in buffer_name:
            buffer.uniform_(0.5, 2.0)
        if "running_mean" in buffer_name:
            buffer.normal_(0.0, 0.3)
    return model.eval().requires_grad_(False)


def program_of(module: torch.nn.Module, forward: Forward, size: int) -> _native.Program:
    """The program of a model for images of a side."""
    document, constants = lower(capture(module, forward, (size, size)))
    return _native.Program(canonical_json(document).decode(), constants.get)


def differences(
    module: torch.nn.Module, forward: Forward, program: _native.Program, images: torch.Tensor
) -> tuple[float, float]:
    """The largest 1 - cosine and the largest difference, of the largest feature, to torch in
    float64; the module is float64 afterwards."""
    found = program.run(_native.Engine(1), images.numpy()).astype(np.float64)
    expected = forward_in_double(module, forward, images)
    products = (found * expected).sum(axis=1)
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    apart = np.abs(found - expected).max(axis=1) / np.abs(expected).max(axis=1)
    return float((1 - products / lengths).max()), float(apart.max())


def forward_in_double(
    module: torch.nn.Module, forward: Forward, images: torch.Tensor
) -> np.ndarray:
    """Features of torch in float64."""
    module.double()
    with torch.inference_mode():
        found: np.ndarray = forward(images.double()).numpy()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", help="of a name")
    parser.add_argument("--listed", action="store_true", help="the architectures of models.yaml")
    arguments = parser.parse_args()
    parts = arguments.part
    print("| library | architecture | layers | side | 1 - cosine | largest difference |")
    print("|---|---|---|---|---|---|")
    for one in listed() if arguments.listed else CARRIED + WIDEST:
        if parts and not any(part in one.id for part in parts):
            continue
        torch.manual_seed(0)
        module, forward = one.made()
        seeded(module)
        program = program_of(module, forward, one.size)
        images = torch.randn(1, 3, one.size, one.size)
        cosine, apart = differences(module, forward, program, images)
        figures = f"{max(cosine, 0):.0e} | {apart:.0e}"
        print(f"| {one.library} | {one.name} | {one.layers} | {one.size} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
