"""open_clip models: a registry pair with hub weights, a hub repository, or a local folder.

In: a parsed name. Out: a backbone of the image tower alone, with the recipe of open_clip's
evaluation transform; features are ``encode_image(x)`` without normalisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench.errors import ModelError
from biobench.models import hub, recipes
from biobench.models.module_backbone import (
    ModuleBackbone,
    Origin,
    finish,
    first_line,
    recorded_loads,
)
from biobench.models.names import ModelName, local_folder, unknown_open_clip

if TYPE_CHECKING:
    import torch

    from biobench.decode.recipe import Recipe

# What open_clip itself looks for in a folder, best first.
FOLDER_WEIGHTS = (*hub.OPEN_CLIP_WEIGHTS, ("*.safetensors",), ("*.bin",), ("*.pth",))
TOWER = "visual."


def load_open_clip(name: ModelName, *, offline: bool) -> ModuleBackbone:
    """Load ``open_clip:ARCH/TAG``, ``open_clip:hf-hub:REPO`` or ``open_clip:./folder``.

    Raises ModelError for unknown names, weights that cannot be had, and transforms that no recipe
    expresses.
    """
    if name.kind == "folder":
        origin = Origin("local", None, None, pinned=False)
        return load_open_clip_folder(name, local_folder(name), origin=origin)
    if name.kind == "hub":
        snapshot = hub.snapshot(
            name, name.target, name.revision, offline=offline, weights=hub.OPEN_CLIP_WEIGHTS
        )
        return load_open_clip_folder(name, snapshot.folder, origin=snapshot.origin())

    import open_clip
    from open_clip.pretrained import get_pretrained_cfg

    architecture, _, tag = name.target.partition("/")
    registered: Mapping[str, Any] = get_pretrained_cfg(architecture, tag)
    if not registered:
        raise unknown_open_clip(name.given, name.target)
    repository, filename = _repository(name, registered)
    groups = ((filename,),) if filename else hub.OPEN_CLIP_WEIGHTS
    snapshot = hub.snapshot(name, repository, name.revision, offline=offline, weights=groups)
    options = registry_options(name, open_clip.get_model_config(architecture) or {}, registered)
    options["pretrained"] = str(hub.weights_file(name, snapshot.folder, groups))
    model, missing = _create(name, architecture, options)
    return wrap(name, model, missing, origin=snapshot.origin())


def _repository(name: ModelName, registered: Mapping[str, Any]) -> tuple[str, str]:
    """Repository and file (or an empty string) of a registry entry, written ``owner/name/file``."""
    owner, _, rest = str(registered.get("hf_hub") or "").partition("/")
    repository, _, filename = rest.partition("/")
    if not owner or not repository:
        raise ModelError(
            "open_clip lists no hub repository with weights for it",
            where=f"model {name.given!r}",
            remedy="give a local folder: open_clip:./folder",
        )
    return f"{owner}/{repository}", filename


def registry_options(
    name: ModelName, configuration: Mapping[str, Any], registered: Mapping[str, Any]
) -> dict[str, Any]:
    """Options of ``open_clip.create_model`` that go with a registry entry.

    Weights trained with QuickGELU get QuickGELU, whichever spelling of the architecture is asked
    for: open_clip itself only warns and gives other features.
    """
    if configuration.get("quick_gelu") and not registered.get("quick_gelu"):
        raise ModelError(
            "these weights were trained without QuickGELU",
            where=f"model {name.given!r}",
            remedy="use the architecture without -quickgelu",
        )
    keys = ("mean", "std", "interpolation", "resize_mode", "fill_color")
    return {
        "force_quick_gelu": bool(registered.get("quick_gelu")),
        "force_preprocess_cfg": {k: registered[k] for k in keys if k in registered},
    }


def load_open_clip_folder(name: ModelName, folder: Path, *, origin: Origin) -> ModuleBackbone:
    """Load a folder with open_clip_config.json and its weights, a hub snapshot or a local one."""
    if not (folder / "open_clip_config.json").is_file():
        raise ModelError("holds no open_clip_config.json", where=str(folder))
    hub.weights_file(name, folder, FOLDER_WEIGHTS)
    model, missing = _create(name, f"local-dir:{folder}", {})
    return wrap(name, model, missing, origin=origin)


def _create(
    name: ModelName, target: str, options: Mapping[str, Any]
) -> tuple[torch.nn.Module, list[str]]:
    import open_clip

    with recorded_loads() as missing:
        try:
            model = open_clip.create_model(
                target, precision="fp32", device="cpu", require_pretrained=True, **options
            )
        except Exception as error:  # frameworks raise anything; all of it is exit 5
            raise ModelError(
                f"open_clip cannot load it: {first_line(error)}", where=f"model {name.given!r}"
            ) from error
    return model, list(missing)


def wrap(
    name: ModelName, model: torch.nn.Module, missing: list[str], *, origin: Origin
) -> ModuleBackbone:
    """A backbone from a loaded open_clip model; the text tower is dropped."""
    tower: Any = model.visual

    def image_embedding(batch: torch.Tensor) -> torch.Tensor:
        out = tower(batch)
        # Towers of CoCa and of models that hand out tokens give (embedding, tokens).
        embedding: torch.Tensor = out[0] if isinstance(out, tuple) else out
        return embedding

    return finish(
        name,
        tower,
        image_embedding,
        open_clip_recipe(tower.preprocess_cfg),
        feature="image_embedding",
        origin=origin,
        missing=[n.removeprefix(TOWER) for n in missing if n.startswith(TOWER)],
    )


def open_clip_recipe(configuration: Mapping[str, Any]) -> Recipe:
    """The recipe of ``image_transform_v2(PreprocessCfg(**configuration), is_train=False)``.

    open_clip resizes before it converts to RGB; on RGB images, which recipes work on, both orders
    are the same. Raises ModelError for other colour modes, resize modes and sizes not square.
    """
    if configuration["mode"] != "RGB":
        raise recipes.refuse(f"colour mode {configuration['mode']!r}")
    size = recipes.extents(configuration["size"])
    mean, std = recipes.three(configuration["mean"]), recipes.three(configuration["std"])
    interpolation = configuration["interpolation"]
    if interpolation not in ("bicubic", "bilinear", "random"):
        raise recipes.refuse(f"interpolation {interpolation!r}")
    mode = configuration["resize_mode"]
    shared: dict[str, Any] = {
        "size": size,
        "crop": size,
        # In evaluation open_clip reads "random" as bicubic.
        "resample": "bilinear" if interpolation == "bilinear" else "bicubic",
        "table": recipes.torchvision_table(mean, std),
        "mean": mean,
        "std": std,
    }
    if mode == "squash":
        return recipes.build(mode="squash", **shared)
    if mode not in ("shortest", "longest"):
        raise recipes.refuse(f"resize mode {mode!r}")
    if size[0] != size[1]:
        raise recipes.refuse(f"resize mode {mode!r} to {size[0]} x {size[1]}, which is not square")
    if mode == "shortest":
        return recipes.build(mode="shortest", **shared)
    fill = configuration["fill_color"]
    pad = (fill, fill, fill) if isinstance(fill, int) else tuple(fill)
    if len(pad) != 3 or min(pad) < 0 or max(pad) > 255:
        raise recipes.refuse(f"fill colour {fill!r}")
    return recipes.build(mode="longest", long_side="half-even", pad=pad, **shared)
