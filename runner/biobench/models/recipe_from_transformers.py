"""Recipes from transformers' image processors, Pillow back end (SPEC.md, section "Recipes").

In: an image processor. Out: its recipe, or a ModelError that names the step no recipe expresses.
transformers' torchvision back end resizes tensors, with other pixels, and is not used. A processor
that exists for it alone (DINOv3, TIPSv2) is read as values, and images are resized as all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from biobench.models import recipes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from biobench.decode.recipe import Recipe

# The steps of the Pillow back end; a processor with its own version of one does something else.
STEPS = (
    "preprocess",
    "process_image",
    "_prepare_images_structure",
    "_prepare_image_like_inputs",
    "_preprocess_image_like_inputs",
    "_preprocess",
    "resize",
    "center_crop",
    "rescale",
    "normalize",
    "pad",
)
# ConvNeXt's own resize: below this size shortest side and crop, from it on squash.
# DINOv3's own _preprocess rescales before it resizes; the values are the same ones.
TENSORS_ONLY_STEPS = {"DINOv3ViTImageProcessor": ("_preprocess",)}
CONVNEXT = "ConvNextImageProcessorPil"
CONVNEXT_SQUASH_FROM = 384


def transformers_recipe(processor: Any) -> Recipe:
    """The recipe of ``processor(image)``.

    Raises:
        ModelError: No recipe expresses the processor.
    """
    from transformers.image_processing_backends import PilBackend, TorchvisionBackend

    kind = type(processor).__name__
    backend: Any = PilBackend if isinstance(processor, PilBackend) else TorchvisionBackend
    if not isinstance(processor, backend):
        raise recipes.unsupported(f"{kind} has no back end of transformers")
    if kind.startswith("Siglip2"):
        raise recipes.unsupported(f"{kind} (NaFlex) keeps each image's own shape")
    own = [
        step
        for step in STEPS
        if getattr(type(processor), step, None) is not getattr(backend, step, None)
        and step not in TENSORS_ONLY_STEPS.get(kind, ())
    ]
    if kind == CONVNEXT:
        own = [step for step in own if step not in ("resize", "_preprocess")]
    if own:
        raise recipes.unsupported(f"{kind} has its own {', '.join(own)}")
    if _setting(processor, "do_pad"):
        raise recipes.unsupported("do_pad")
    geometry = _convnext(processor) if kind == CONVNEXT else _geometry(processor)
    mean = _setting(processor, "image_mean") if _setting(processor, "do_normalize") else 0.0
    std = _setting(processor, "image_std") if _setting(processor, "do_normalize") else 1.0
    return recipes.build(
        **geometry,
        crop_rounding="floor",
        resample=_filter(processor),
        table=_table(processor) if backend is PilBackend else _tensors_table(processor, mean, std),
        mean=mean if isinstance(mean, list | tuple) else (mean,),
        std=std if isinstance(std, list | tuple) else (std,),
    )


def _setting(processor: Any, name: str) -> Any:
    return getattr(processor, name, None)


def _sizes(value: Any) -> dict[str, int]:
    """The keys of a size that are set; transformers gives a dict or its SizeDict."""
    return {k: int(v) for k, v in dict(value or {}).items() if v is not None}


def _geometry(processor: Any) -> dict[str, Any]:
    """mode, size and crop of the plain steps: resize, then centre crop."""
    crop = None
    if _setting(processor, "do_center_crop"):
        keys = _sizes(_setting(processor, "crop_size"))
        if set(keys) != {"height", "width"}:
            raise recipes.unsupported(f"crop_size {keys}")
        crop = (keys["height"], keys["width"])
    if not _setting(processor, "do_resize"):
        if crop is None:
            raise recipes.unsupported("no resize and no crop: each image keeps its own size")
        return {"mode": "none", "size": crop, "crop": crop}
    keys = _sizes(_setting(processor, "size"))
    if set(keys) == {"height", "width"}:
        size = (keys["height"], keys["width"])
        return {"mode": "squash", "size": size, "crop": crop or size}
    if set(keys) != {"shortest_edge"}:
        raise recipes.unsupported(f"size {keys}")
    if crop is None:
        raise recipes.unsupported("shortest_edge without a crop: each image keeps its own shape")
    return {"mode": "shortest", "size": (keys["shortest_edge"],) * 2, "crop": crop}


def _convnext(processor: Any) -> dict[str, Any]:
    """mode, size and crop of ConvNeXt's resize, which crops the share ``crop_pct``."""
    if _setting(processor, "do_center_crop"):
        raise recipes.unsupported("ConvNeXt's resize followed by a second crop")
    if not _setting(processor, "do_resize"):
        raise recipes.unsupported("no resize and no crop: each image keeps its own size")
    keys = _sizes(_setting(processor, "size"))
    if set(keys) != {"shortest_edge"}:
        raise recipes.unsupported(f"size {keys}")
    edge = keys["shortest_edge"]
    crop = (edge, edge)
    if edge >= CONVNEXT_SQUASH_FROM:
        return {"mode": "squash", "size": crop, "crop": crop}
    return {"mode": "shortest", "size": (int(edge / processor.crop_pct),) * 2, "crop": crop}


def _filter(processor: Any) -> str:
    """The resampling filter's name; transformers reads none as bilinear."""
    from PIL import Image

    resample = _setting(processor, "resample")
    if resample is None:
        return "bilinear"
    if not isinstance(resample, int):
        raise recipes.unsupported(f"resample {resample!r}")
    return Image.Resampling(resample).name.lower()


def _tensors_table(processor: Any, mean: Any, std: Any) -> npt.NDArray[np.float32]:
    """The table of a processor of tensors: torchvision's, of values from 0 to 1."""
    factor = _setting(processor, "rescale_factor")
    if not _setting(processor, "do_rescale") or round(1 / float(factor)) != 255:
        raise recipes.unsupported(f"rescale_factor {factor!r} of a processor of tensors")
    return recipes.torchvision_table(mean, std)


def _table(processor: Any) -> npt.NDArray[np.float32]:
    """The processor's own rescale and normalize of every pixel value, float32, shape (3, 256)."""
    import numpy as np

    values: Any = np.repeat(np.arange(256, dtype=np.uint8)[None, None, :], 3, axis=0)
    if _setting(processor, "do_rescale"):
        values = processor.rescale(values, processor.rescale_factor)
    if _setting(processor, "do_normalize"):
        values = processor.normalize(values, processor.image_mean, processor.image_std)
    return np.ascontiguousarray(values[:, 0, :], dtype=np.float32)
