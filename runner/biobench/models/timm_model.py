"""timm models: a registry name with hub weights, or a folder that timm wrote.

In: a parsed name. Out: a backbone with the recipe of timm's evaluation transform; features are
``forward_head(forward_features(x), pre_logits=True)`` or compat's class token or maximum.
"""

from __future__ import annotations

import math
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
from biobench.models.module_backbone import (
    ModuleBackbone,
    WeightsOrigin,
    finish,
    recorded_loads,
)
from biobench.models.names import ModelName
from biobench.models.unknown_names import unknown_timm

if TYPE_CHECKING:
    import torch

    from biobench.decode.recipe import Recipe
    from biobench.models.canonical_recipes import RecipeRules
    from biobench.models.module_backbone import Forward
    from biobench.spec.documents import CanonicalRecipe

# C-RADIO's summary: the class tokens of its teachers 0 and 1, which are first in the sequence.
SUMMARY_TOKENS = 2


def load_timm(name: ModelName, *, offline: bool, rules: RecipeRules) -> ModuleBackbone:
    """Load ``timm:NAME``, ``timm:hf-hub:REPO``, ``timm:./folder`` or a file of weights.

    Raises:
        ModelError: The name is unknown, the weights cannot be had, or no recipe expresses the
            transforms.
    """
    if name.kind == "folder":
        folder = local_folder(name.target, name.loader)
        return load_timm_folder(
            name, folder, origin=WeightsOrigin("local", None, None, pinned=False), rules=rules
        )
    if name.kind == "file":
        return load_timm_file(name, local_file(name.target), rules=rules)
    if name.kind == "hub":
        snapshot = hub.snapshot(
            name, name.target, name.revision, offline=offline, weights=hub.TIMM_WEIGHTS
        )
        return load_timm_folder(name, snapshot.folder, origin=snapshot.origin(), rules=rules)

    source = _registered(name, name.target)
    if not source.get("hf_hub_id"):
        raise ModelError(
            "timm lists no hub repository with weights for it",
            where=f"model {name.given!r}",
            remedy="give a local folder: timm:./folder",
        )
    hub.check_repository(name, source["hf_hub_id"])
    filename = source.get("hf_hub_filename")
    groups = ((filename,),) if filename else hub.TIMM_WEIGHTS
    snapshot = hub.snapshot(
        name, source["hf_hub_id"], name.revision, offline=offline, weights=groups
    )
    weights = hub.weights_file(name, snapshot.folder, groups)
    overlay = {"file": str(weights), "custom_load": bool(source.get("custom_load"))}
    target = name.target if rules.compat else as_trained(name.target, source)
    module, missing = _create(
        name, target, {"pretrained_cfg_overlay": overlay}, weights.stat().st_size
    )
    return wrap(name, module, missing, origin=snapshot.origin(source.get("license")), rules=rules)


def _registered(name: ModelName, target: str) -> dict[str, Any]:
    """timm's configuration of an architecture with or without a tag; raises ModelError where it
    knows none."""
    from timm.models import get_pretrained_cfg, is_model, split_model_name_tag

    architecture, _ = split_model_name_tag(target)
    try:
        config = get_pretrained_cfg(target) if is_model(architecture) else None
    except RuntimeError:  # a known architecture with an unknown tag
        config = None
    if config is None:
        raise unknown_timm(name.given, target, of_file=name.kind == "file")
    found: dict[str, Any] = config.to_dict()  # type: ignore[no-untyped-call]
    return found


def load_timm_file(name: ModelName, path: Path, *, rules: RecipeRules) -> ModuleBackbone:
    """Load a file of weights into the architecture that its name gives, with timm's preprocessing
    for it, or for its tag.

    A classifier of another number of classes is left out, as any classifier is.
    """
    import timm
    import torch

    assert name.architecture is not None
    source = _registered(name, name.architecture)
    target = name.architecture if rules.compat else as_trained(name.architecture, source)
    state = checkpoint_file.read_weights(path)
    named = source.get("classifier") or ()
    heads = (named,) if isinstance(named, str) else tuple(named)
    with untrusted_checkpoints.framework_errors(name, "timm cannot build it"), torch.device("meta"):
        shell = timm.create_model(target, pretrained=False).state_dict()
    state = {
        key: tensor
        for key, tensor in state.items()
        if not key.startswith(tuple(f"{head}." for head in heads))
        or (key in shell and shell[key].shape == tensor.shape)
    }
    # timm's own reading of weights, which turns the layouts of authors into its own.
    overlay = {"state_dict": state, "custom_load": False}
    unexpected: list[str] = []
    with checkpoint_file.shapes_checked(name, path):
        module, missing = _create(
            name, target, {"pretrained_cfg_overlay": overlay}, path.stat().st_size, unexpected
        )
    # The weights must not stay in the configuration beside the module.
    module.pretrained_cfg.pop("state_dict", None)
    checkpoint_file.refuse_unexpected(name, path, unexpected, heads)
    origin = WeightsOrigin("local", None, None, pinned=False)
    return wrap(name, module, missing, origin=origin, rules=rules)


def as_trained(target: str, configuration: Mapping[str, Any]) -> str:
    """The architecture with the activation that the weights were trained with.

    timm lists CLIP's weights under architectures with GELU too, and only notes that they were
    trained with QuickGELU.
    """
    quick = any("quickgelu" in str(note).lower() for note in configuration.get("notes") or ())
    if quick and "_clip_" in target and "_quickgelu" not in target:
        return target.replace("_clip_", "_clip_quickgelu_", 1)
    return target


def load_timm_folder(
    name: ModelName, folder: Path, *, origin: WeightsOrigin, rules: RecipeRules
) -> ModuleBackbone:
    """Load a folder with timm's config.json and its weights, a hub snapshot or a local one.

    Args:
        name: The name of the model.
        folder: The folder.
        origin: Where the weights come from.
        rules: The canonical recipes.

    Raises:
        ModelError: A file is missing or damaged, or the library cannot load the model.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(
            "holds no config.json",
            where=str(folder),
            remedy="give a checkpoint of timm, or the loader of its library (open_clip: or hf:)",
        )
    architecture = untrusted_checkpoints.read_configuration(path).get("architecture")
    if not isinstance(architecture, str) or ":" in architecture or "/" in architecture:
        raise ModelError(
            "names no architecture of timm",
            where=str(path),
            remedy="write architecture as timm calls it, such as vit_base_patch16_224",
        )
    hub.weights_file(name, folder, hub.TIMM_WEIGHTS)
    module, missing = _create(
        name, f"local-dir:{folder}", {}, untrusted_checkpoints.weights_bytes(folder)
    )
    licence = module.pretrained_cfg.get("license")
    if origin.licence is None and isinstance(licence, str):
        origin = WeightsOrigin(
            origin.source, origin.revision, licence, origin.pinned, origin.trusted
        )
    return wrap(name, module, missing, origin=origin, rules=rules)


def _create(
    name: ModelName,
    target: str,
    options: Mapping[str, Any],
    stored: int,
    unexpected: list[str] | None = None,
) -> tuple[Any, list[str]]:
    """A module with its weights, and the names of its tensors that they lack; ``unexpected`` gets
    the names of those that it has no place for."""
    import timm

    with (
        untrusted_checkpoints.no_network(),
        untrusted_checkpoints.framework_errors(name, "timm cannot load it"),
    ):
        untrusted_checkpoints.build_without_storage(
            name, stored, lambda: timm.create_model(target, pretrained=False, **options)
        )
        # It names tensors without a place in a warning, which the caller does in its error.
        with hub.quiet("timm"), recorded_loads(unexpected) as missing:
            module = timm.create_model(target, pretrained=True, **options)
    return module, list(missing)


def wrap(
    name: ModelName,
    module: Any,
    missing: list[str],
    *,
    origin: WeightsOrigin,
    rules: RecipeRules,
) -> ModuleBackbone:
    """A backbone from a loaded timm module; its classifier is dropped, no feature rests on it."""
    with untrusted_checkpoints.framework_errors(name, "its configuration cannot be read"):
        configuration = module.pretrained_cfg
        tag = f".{configuration['tag']}" if configuration.get("tag") else ""
        rule = rules.find(name, f"timm:{configuration.get('architecture')}{tag}")
        if rule is None or rule.feature != "image_embedding":
            # The projection of a CLIP checkpoint is what timm calls its classifier.
            drop_classifier(module)
        recipe = timm_recipe(module)
        if rule is None:
            taken, forward = features(module, compat=rules.compat)
        else:
            recipe = canonical_recipes.apply(rule, recipe)
            canonical_recipes.activate(rule, module)
            taken, forward = canonical_features(module, rule)
    kept = set(module.state_dict())
    return finish(
        name,
        module,
        forward,
        recipe,
        feature=taken,
        origin=origin,
        missing=[n for n in missing if n in kept],
    )


def drop_classifier(module: Any) -> None:
    """Replace the layers that timm's configuration names as classifier by the identity."""
    import torch

    names = module.pretrained_cfg.get("classifier") or ()
    for path in (names,) if isinstance(names, str) else names:
        parent, _, leaf = path.rpartition(".")
        owner = module.get_submodule(parent)
        if isinstance(getattr(owner, leaf, None), torch.nn.Module):
            setattr(owner, leaf, torch.nn.Identity())


def canonical_features(module: Any, rule: CanonicalRecipe) -> tuple[str, Forward]:
    """The output that a canonical recipe takes, and the function that takes it.

    Raises:
        ModelError: The module has no such output.
    """
    tokens = {"class_token": "token", "mean_positions": "avg"}
    if rule.feature in tokens:
        if not hasattr(module, "global_pool") or getattr(module, "attn_pool", None) is not None:
            raise canonical_recipes.no_such_output(rule, type(module).__name__)
        if rule.feature == "class_token" and getattr(module, "cls_token", None) is None:
            raise canonical_recipes.no_such_output(rule, type(module).__name__)
        module.global_pool = tokens[rule.feature]
    if rule.feature == "summary":
        if getattr(module, "num_prefix_tokens", 0) < SUMMARY_TOKENS:
            raise canonical_recipes.no_such_output(rule, type(module).__name__)

        def summary(batch: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = module.forward_features(batch)
            return out[:, :SUMMARY_TOKENS].flatten(1)

        return "summary", summary
    projected = rule.feature == "image_embedding"

    def head(batch: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = module.forward_head(
            module.forward_features(batch), pre_logits=not projected
        )
        return out.flatten(1)

    return rule.feature, head


def features(module: Any, *, compat: bool) -> tuple[str, Forward]:
    """The name of the features taken and the function that takes them.

    official: ``forward_head(forward_features(x), pre_logits=True)``. compat: the class token where
    there is one, else the maximum over all positions of ``forward_features(x)``.
    """
    if not compat:

        def pre_logits(batch: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = module.forward_head(module.forward_features(batch), pre_logits=True)
            return out.flatten(1)

        return "pre_logits", pre_logits

    if getattr(module, "cls_token", None) is not None:

        def class_token(batch: torch.Tensor) -> torch.Tensor:
            tokens: torch.Tensor = module.forward_features(batch)
            return tokens[:, 0]

        return "compat_class_token", class_token

    channels_last = getattr(module, "output_fmt", "NCHW") == "NHWC"

    def maximum(batch: torch.Tensor) -> torch.Tensor:
        grid: torch.Tensor = module.forward_features(batch)
        if grid.dim() == 4:
            return grid.amax(dim=(1, 2) if channels_last else (2, 3))
        return grid.amax(dim=1) if grid.dim() == 3 else grid

    return "compat_max", maximum


def timm_recipe(module: Any) -> Recipe:
    """The recipe of ``create_transform(**resolve_model_data_config(module))``.

    Raises:
        ModelError: The input is not RGB, or not square under ``center`` or ``border``, or the crop
            mode or the filter is unknown.
    """
    import timm.data

    data: Any = timm.data
    config = data.resolve_model_data_config(module)
    channels, height, width = config["input_size"]
    if channels != 3:
        raise recipes.unsupported(f"{channels} input channels")
    mode, fraction = config["crop_mode"], float(config["crop_pct"])
    mean, std = recipes.three(config["mean"]), recipes.three(config["std"])
    scaled = (math.floor(height / fraction), math.floor(width / fraction))
    shared: dict[str, Any] = {
        "size": scaled,
        "crop": (height, width),
        "resample": config["interpolation"],
        "table": recipes.torchvision_table(mean, std),
        "mean": mean,
        "std": std,
    }
    if mode == "squash":
        return recipes.build(mode="squash", **shared)
    if mode not in ("center", "border"):
        raise recipes.unsupported(f"crop mode {mode!r}")
    if scaled[0] != scaled[1]:
        raise recipes.unsupported(f"crop mode {mode!r} to {height} x {width}, which is not square")
    if mode == "center":
        return recipes.build(mode="shortest", **shared)
    pad = tuple(round(255 * v) for v in mean)
    if min(pad) < 0 or max(pad) > 255:
        raise recipes.unsupported(f"border colour {pad}")
    return recipes.build(
        mode="longest", long_side="half-even", pad=(pad[0], pad[1], pad[2]), **shared
    )
