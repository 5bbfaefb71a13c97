"""open_clip models: a registry pair with hub weights, a hub repository, or a local folder.

In: a parsed name. Out: a backbone of the image tower alone, with the recipe of open_clip's
evaluation transform; features are ``encode_image(x)`` without normalisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench.errors import ModelError
from biobench.models import (
    canonical_recipes,
    checkpoint_file,
    hub,
    recipes,
    untrusted_checkpoints,
)
from biobench.models.local_paths import local_file, local_folder
from biobench.models.module_backbone import ModuleBackbone, WeightsOrigin, finish
from biobench.models.names import ModelName
from biobench.models.unknown_names import unknown_open_clip

if TYPE_CHECKING:
    import torch

    from biobench.decode.recipe import Recipe
    from biobench.models.canonical_recipes import RecipeRules

# What open_clip itself looks for in a folder, best first.
FOLDER_WEIGHTS = (*hub.OPEN_CLIP_WEIGHTS, ("*.safetensors",), ("*.bin",), ("*.pth",))
TOWER = "visual."


def load_open_clip(name: ModelName, *, offline: bool, rules: RecipeRules) -> ModuleBackbone:
    """Load ``open_clip:ARCH/TAG``, ``open_clip:hf-hub:REPO``, ``open_clip:./folder`` or a file of
    weights.

    Raises:
        ModelError: The name is unknown, the weights cannot be had, or no recipe expresses the
            transforms.
    """
    if name.kind == "folder":
        origin = WeightsOrigin("local", None, None, pinned=False)
        folder = local_folder(name.target, name.loader)
        return load_open_clip_folder(name, folder, origin=origin, rules=rules)
    if name.kind == "file":
        return load_open_clip_file(name, local_file(name.target), rules=rules)
    if name.kind == "hub":
        snapshot = hub.snapshot(
            name, name.target, name.revision, offline=offline, weights=hub.OPEN_CLIP_WEIGHTS
        )
        return load_open_clip_folder(name, snapshot.folder, origin=snapshot.origin(), rules=rules)

    import open_clip
    from open_clip.pretrained import get_pretrained_cfg

    architecture, _, tag = name.target.partition("/")
    registered: Mapping[str, Any] = get_pretrained_cfg(architecture, tag)
    if not registered:
        raise unknown_open_clip(name.given, name.target)
    repository, filename = _repository(name, registered)
    hub.check_repository(name, repository)
    groups = ((filename,),) if filename else hub.OPEN_CLIP_WEIGHTS
    snapshot = hub.snapshot(name, repository, name.revision, offline=offline, weights=groups)
    configuration = open_clip.get_model_config(architecture) or {}
    options = registry_options(name, configuration, registered)
    configuration |= {"quick_gelu": options["quick_gelu"]}
    weights = hub.weights_file(name, snapshot.folder, groups)
    tower, missing = _create(name, configuration, options["preprocess"], weights)
    return wrap(name, tower, missing, origin=snapshot.origin(), rules=rules)


def load_open_clip_file(name: ModelName, path: Path, *, rules: RecipeRules) -> ModuleBackbone:
    """Load a file of weights into ``ARCH`` or ``ARCH/TAG``; with a tag it gets the activation and
    the preprocessing of that tag, else those of the architecture's configuration."""
    import open_clip
    from open_clip.pretrained import get_pretrained_cfg

    assert name.architecture is not None
    architecture, slash, tag = name.architecture.partition("/")
    # Other words than its names could lead to a hub.
    known = architecture in open_clip.list_models()
    registered: Mapping[str, Any] = get_pretrained_cfg(architecture, tag) if slash else {}
    if not known or (slash and not registered):
        raise unknown_open_clip(name.given, name.architecture)
    configuration = open_clip.get_model_config(architecture) or {}
    preprocess: Mapping[str, Any] = {}
    if registered:
        options = registry_options(name, configuration, registered)
        configuration |= {"quick_gelu": options["quick_gelu"]}
        preprocess = options["preprocess"]
    state = checkpoint_file.read_weights(path)
    with checkpoint_file.shapes_checked(name, path):
        tower, missing = _create(name, configuration, preprocess, path, state)
    return wrap(
        name, tower, missing, origin=WeightsOrigin("local", None, None, pinned=False), rules=rules
    )


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
    """Activation and preprocessing that go with a registry entry.

    Weights trained with QuickGELU get QuickGELU, whichever spelling of the architecture is asked
    for: open_clip itself only warns and gives other features.

    Raises:
        ModelError: QuickGELU is asked for with weights that were trained without it.
    """
    if configuration.get("quick_gelu") and not registered.get("quick_gelu"):
        raise ModelError(
            "these weights were trained without QuickGELU",
            where=f"model {name.given!r}",
            remedy="use the architecture without -quickgelu",
        )
    keys = ("mean", "std", "interpolation", "resize_mode", "fill_color")
    return {
        "quick_gelu": bool(registered.get("quick_gelu")),
        "preprocess": {k: registered[k] for k in keys if k in registered},
    }


def load_open_clip_folder(
    name: ModelName, folder: Path, *, origin: WeightsOrigin, rules: RecipeRules
) -> ModuleBackbone:
    """Load a folder with open_clip_config.json and its weights, a hub snapshot or a local one.

    Args:
        name: The name of the model.
        folder: The folder.
        origin: Where the weights come from.
        rules: The canonical recipes.

    Raises:
        ModelError: A file is missing or damaged, or the library cannot load the model.
    """
    path = folder / "open_clip_config.json"
    if not path.is_file():
        raise ModelError(
            "holds no open_clip_config.json",
            where=str(folder),
            remedy="give a checkpoint of open_clip, or the loader of its library (timm: or hf:)",
        )
    written = untrusted_checkpoints.read_configuration(path)
    model, preprocess = written.get("model_cfg"), written.get("preprocess_cfg") or {}
    if not isinstance(model, dict) or not isinstance(preprocess, dict):
        raise ModelError(
            "has no object model_cfg, or another preprocess_cfg",
            where=str(path),
            remedy="use the file that open_clip wrote with the weights",
        )
    weights = hub.weights_file(name, folder, FOLDER_WEIGHTS)
    tower, missing = _create(name, model, preprocess, weights)
    return wrap(name, tower, missing, origin=origin, rules=rules)


def _create(
    name: ModelName,
    model: Mapping[str, Any],
    preprocess: Mapping[str, Any],
    weights: Path,
    state: Mapping[str, torch.Tensor] | None = None,
) -> tuple[torch.nn.Module, list[str]]:
    """The image tower with its weights, and the names of its tensors that the file lacks; with
    ``state``, the tensors of a file that may be of another architecture.

    The text tower is not built: it is not needed, and its configuration may name a repository that
    open_clip would ask a hub for.
    """
    with (
        untrusted_checkpoints.no_network(),
        untrusted_checkpoints.framework_errors(name, "open_clip cannot load it"),
    ):
        stored = weights.stat().st_size
        untrusted_checkpoints.build_without_storage(name, stored, lambda: _tower(name, model))
        tower = _tower(name, model)
        missing, unexpected = _load(tower, weights, state)
        if state is not None:
            checkpoint_file.refuse_unexpected(name, weights, unexpected)
        _describe(tower, preprocess)
    return tower, missing


def _tower(name: ModelName, model: Mapping[str, Any]) -> torch.nn.Module:
    from open_clip.model import _build_vision_tower

    vision = dict(model.get("vision_cfg") or {})
    named = vision.get("timm_model_name")
    if named is not None and not (isinstance(named, str) and named.isascii() and ":" not in named):
        raise ModelError(
            f"its image tower is {named!r}, which is not an architecture of timm",
            where=f"model {name.given!r}",
            remedy="write timm_model_name as timm calls it, without the name of a hub",
        )
    if named is not None:
        vision["timm_model_pretrained"] = False
    tower: torch.nn.Module = _build_vision_tower(
        model["embed_dim"], vision, bool(model.get("quick_gelu"))
    )
    return tower


def _load(
    tower: torch.nn.Module, weights: Path, state: Mapping[str, torch.Tensor] | None
) -> tuple[list[str], list[str]]:
    """Load a file of both towers into the image tower; returns the names that it lacks, and those
    that the tower has no place for."""
    import torch
    from open_clip.convert import convert_state_dict
    from open_clip.factory import load_state_dict
    from open_clip.model import resize_pos_embed

    holder: Any = torch.nn.Module()
    holder.visual = tower
    stored = (
        load_state_dict(str(weights), device="cpu", weights_only=True) if state is None else state
    )
    own = {k: v for k, v in convert_state_dict(holder, stored).items() if k.startswith(TOWER)}
    resize_pos_embed(own, holder)
    report = holder.load_state_dict(own, strict=False)
    return (
        [key.removeprefix(TOWER) for key in report.missing_keys],
        [key.removeprefix(TOWER) for key in report.unexpected_keys],
    )


def _describe(tower: Any, preprocess: Mapping[str, Any]) -> None:
    """Give a tower its preprocessing, with the side that it was built for, as open_clip does."""
    from open_clip.transform import PreprocessCfg, merge_preprocess_dict

    tower.preprocess_cfg = merge_preprocess_dict(PreprocessCfg(), dict(preprocess))
    if hasattr(tower, "image_size"):
        tower.preprocess_cfg["size"] = tower.image_size


def wrap(
    name: ModelName, tower: Any, missing: list[str], *, origin: WeightsOrigin, rules: RecipeRules
) -> ModuleBackbone:
    """A backbone from a loaded image tower of open_clip."""

    def image_embedding(batch: torch.Tensor) -> torch.Tensor:
        out = tower(batch)
        # Towers of CoCa and of models that hand out tokens give (embedding, tokens).
        embedding: torch.Tensor = out[0] if isinstance(out, tuple) else out
        return embedding

    with untrusted_checkpoints.framework_errors(name, "its preprocessing cannot be read"):
        recipe = open_clip_recipe(tower.preprocess_cfg)
        named = f"open_clip:{name.architecture}" if name.architecture else ""
        rule = rules.find(name, named)
        if rule is not None:
            if rule.feature != "image_embedding":
                raise canonical_recipes.no_such_output(rule, type(tower).__name__)
            recipe = canonical_recipes.apply(rule, recipe)
            canonical_recipes.activate(rule, tower)
    return finish(
        name,
        tower,
        image_embedding,
        recipe,
        feature="image_embedding",
        origin=origin,
        missing=missing,
    )


def open_clip_recipe(configuration: Mapping[str, Any]) -> Recipe:
    """The recipe of ``image_transform_v2(PreprocessCfg(**configuration), is_train=False)``.

    open_clip resizes before it converts to RGB; on RGB images, which recipes work on, both orders
    are the same.

    Raises:
        ModelError: The colour mode or the resize mode is another one, or the size is not square.
    """
    if configuration["mode"] != "RGB":
        raise recipes.unsupported(f"colour mode {configuration['mode']!r}")
    size = recipes.extents(configuration["size"])
    mean, std = recipes.three(configuration["mean"]), recipes.three(configuration["std"])
    interpolation = configuration["interpolation"]
    if interpolation not in ("bicubic", "bilinear", "random"):
        raise recipes.unsupported(f"interpolation {interpolation!r}")
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
        raise recipes.unsupported(f"resize mode {mode!r}")
    if size[0] != size[1]:
        raise recipes.unsupported(
            f"resize mode {mode!r} to {size[0]} x {size[1]}, which is not square"
        )
    if mode == "shortest":
        return recipes.build(mode="shortest", **shared)
    fill = configuration["fill_color"]
    pad = (fill, fill, fill) if isinstance(fill, int) else tuple(fill)
    if len(pad) != 3 or min(pad) < 0 or max(pad) > 255:
        raise recipes.unsupported(f"fill colour {fill!r}")
    return recipes.build(mode="longest", long_side="half-even", pad=pad, **shared)
