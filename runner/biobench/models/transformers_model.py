"""transformers models, and hub repositories of any framework (``hf:``).

In: a parsed name. Out: a backbone with the recipe of the model's own image processor; the features
are the first of image embedding, pooler output, first token, mean over positions that the
checkpoint has the weights for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from biobench.errors import ModelError
from biobench.models import canonical_recipes, hub, untrusted_checkpoints
from biobench.models.local_paths import local_folder
from biobench.models.module_backbone import (
    ModuleBackbone,
    WeightsOrigin,
    finish,
    forward_errors,
    freeze,
    needed_tensors,
)
from biobench.models.names import ModelName
from biobench.models.recipe_from_transformers import transformers_recipe

if TYPE_CHECKING:
    import torch

    from biobench.decode.recipe import Recipe
    from biobench.models.canonical_recipes import RecipeRules
    from biobench.models.module_backbone import Forward
    from biobench.spec.documents import CanonicalRecipe

# Parts of a two-tower model that image embeddings do not pass through.
TEXT_PARTS = ("text_model", "text_projection", "logit_scale", "logit_bias", "temperature")
CLASS_TOKENS = ("cls_token", "class_embedding", "class_token")


def load_hf(name: ModelName, *, offline: bool, rules: RecipeRules) -> ModuleBackbone:
    """Load ``hf:OWNER/NAME[@REVISION]`` or ``hf:./folder``; remote code is never run.

    A repository of timm or open_clip goes to that framework's loader.

    Raises:
        ModelError: The weights cannot be had, the model type is unknown, or no recipe expresses
            the transforms.
    """
    if name.kind == "folder":
        folder = local_folder(name.target, name.loader)
        framework = framework_of(folder)
        origin = WeightsOrigin("local", None, None, pinned=False)
    else:
        # The configuration first: it says which framework's weights to fetch.
        snapshot = hub.snapshot(name, name.target, name.revision, offline=offline)
        folder, framework = snapshot.folder, framework_of(snapshot.folder)
        groups = {
            "transformers": hub.TRANSFORMERS_WEIGHTS,
            "timm": hub.TIMM_WEIGHTS,
            "open_clip": hub.OPEN_CLIP_WEIGHTS,
        }[framework]
        hub.snapshot(name, name.target, snapshot.commit, offline=offline, weights=groups)
        origin = snapshot.origin()
    if framework == "timm":
        from biobench.models.timm_model import load_timm_folder

        return load_timm_folder(name, folder, origin=origin, rules=rules)
    if framework == "open_clip":
        from biobench.models.open_clip_model import load_open_clip_folder

        return load_open_clip_folder(name, folder, origin=origin, rules=rules)
    return load_transformers_folder(name, folder, origin=origin, rules=rules)


def framework_of(folder: Path) -> Literal["transformers", "timm", "open_clip"]:
    """The framework that wrote a folder: transformers states a model type, timm an architecture.

    Raises:
        ModelError: No configuration tells.
    """
    path = folder / "config.json"
    configuration = untrusted_checkpoints.read_configuration(path) if path.is_file() else {}
    if "model_type" in configuration:
        return "transformers"
    if (folder / "open_clip_config.json").is_file():
        return "open_clip"
    if "architecture" in configuration:
        return "timm"
    raise ModelError(
        "no config.json of transformers or timm and no open_clip_config.json",
        where=str(folder),
        remedy="give the folder that save_pretrained wrote",
    )


def load_transformers_folder(
    name: ModelName, folder: Path, *, origin: WeightsOrigin, rules: RecipeRules
) -> ModuleBackbone:
    """Load a folder that ``save_pretrained`` wrote, a hub snapshot or a local one.

    Args:
        name: The name of the model.
        folder: The folder.
        origin: Where the weights come from.
        rules: The canonical recipes.

    Raises:
        ModelError: A file is missing or damaged, or the library cannot load the model.
    """
    untrusted_checkpoints.check_index(folder)
    hub.weights_file(name, folder, hub.TRANSFORMERS_WEIGHTS)
    with _quiet(), untrusted_checkpoints.no_network():
        recipe = _recipe(name, folder)
        module, missing = _module(name, folder)
    rule = rules.find(name, f"transformers:{module.config.model_type}")
    if rule is not None:
        recipe = canonical_recipes.apply(rule, recipe)
    for part in TEXT_PARTS if hasattr(module, "get_image_features") else ():
        if getattr(module, part, None) is not None:
            setattr(module, part, None)
    kept = set(module.state_dict())
    missing = [n for n in missing if n in kept]
    freeze(module)
    if rule is not None:
        canonical_recipes.activate(rule, module)
        feature, forward = canonical_features(name, module, rule)
    else:
        feature, forward = choose_features(name, module, missing, recipe)
    return finish(name, module, forward, recipe, feature=feature, origin=origin, missing=missing)


def _recipe(name: ModelName, folder: Path) -> Recipe:
    import transformers

    family: Any = transformers.AutoImageProcessor
    for file in ("preprocessor_config.json", "processor_config.json"):
        if (folder / file).is_file():
            untrusted_checkpoints.read_configuration(folder / file)
    with untrusted_checkpoints.framework_errors(name, "no image processor can be read"):
        processor = family.from_pretrained(
            folder, backend="pil", trust_remote_code=False, local_files_only=True
        )
        return transformers_recipe(processor)


def _module(name: ModelName, folder: Path) -> tuple[Any, list[str]]:
    """The module without its head, and the names of tensors that the checkpoint lacks."""
    import torch
    import transformers

    with (
        untrusted_checkpoints.framework_errors(name, "transformers cannot load it"),
        untrusted_checkpoints.budget(name, untrusted_checkpoints.weights_bytes(folder)),
    ):
        configuration = transformers.AutoConfig.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
        # A tower with its projection, saved alone, has a class of its own outside AutoModel.
        saved_as = (configuration.architectures or [""])[0]
        family: Any = transformers.AutoModel
        if saved_as.endswith("VisionModelWithProjection"):
            family = getattr(transformers, saved_as)
        module, report = family.from_pretrained(
            folder,
            config=configuration,
            dtype=torch.float32,
            output_loading_info=True,
            trust_remote_code=False,
            local_files_only=True,
            weights_only=True,
        )
    mismatched = [key[0] if isinstance(key, tuple) else key for key in report["mismatched_keys"]]
    return module, sorted({*report["missing_keys"], *mismatched})


def canonical_features(name: ModelName, module: Any, rule: CanonicalRecipe) -> tuple[str, Forward]:
    """The output that a canonical recipe takes, and the function that takes it."""

    def output(batch: torch.Tensor) -> torch.Tensor:
        # Of TIPSv2 and its like the class token is what their API calls the image features.
        if hasattr(module, "get_image_features"):
            return _embedding(module.get_image_features(pixel_values=batch))
        out = module(pixel_values=batch)
        if rule.feature == "class_token":
            found = out.last_hidden_state[:, 0]
        elif rule.feature == "mean_positions":
            found = out.last_hidden_state.mean(dim=1)
        else:
            attribute = {"pooled": "pooler_output", "summary": "summary"}.get(
                rule.feature, "image_embeds"
            )
            found = getattr(out, attribute, None)
            if found is None:
                raise canonical_recipes.no_such_output(rule, type(module).__name__)
        taken: torch.Tensor = found.flatten(1)
        return taken

    if getattr(module, "main_input_name", "pixel_values") != "pixel_values" and not hasattr(
        module, "get_image_features"
    ):
        raise _no_images(name, module)
    return rule.feature, output


def _no_images(name: ModelName, module: Any) -> ModelError:
    return ModelError(
        f"{type(module).__name__} takes {module.main_input_name}, not images",
        where=f"model {name.given!r}",
        remedy="use an encoder of images",
    )


def choose_features(
    name: ModelName, module: Any, missing: Sequence[str], recipe: Recipe
) -> tuple[str, Forward]:
    """The features taken and the function that takes them: the first rule that applies.

    ``image_embedding`` where the model's own API has one; ``pooler`` where there is a pooler output
    and no weight behind it is missing; ``first_token`` of the last hidden state where the model
    has a class token; else ``mean_positions``.

    Raises:
        ModelError: The model takes no images, or gives no features.
    """
    import torch

    if hasattr(module, "get_image_features"):
        return "image_embedding", lambda batch: _embedding(
            module.get_image_features(pixel_values=batch)
        )
    if getattr(module, "main_input_name", "pixel_values") != "pixel_values":
        raise _no_images(name, module)
    if type(module).__name__.endswith("WithProjection"):
        return "image_embedding", lambda batch: module(pixel_values=batch).image_embeds

    def pooler(batch: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = module(pixel_values=batch).pooler_output
        return out.flatten(1)

    def first_token(batch: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = module(pixel_values=batch).last_hidden_state
        return out[:, 0]

    def mean_positions(batch: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = module(pixel_values=batch).last_hidden_state
        return out.mean(dim=(2, 3) if out.dim() == 4 else 1)

    with forward_errors(name, recipe):
        with torch.inference_mode():
            out = module(pixel_values=torch.zeros(1, 3, *recipe.crop))
        pooled = getattr(out, "pooler_output", None) is not None
        if pooled and not needed_tensors(module, pooler, missing, recipe.crop):
            return "pooler", pooler
    if getattr(out, "last_hidden_state", None) is None:
        raise ModelError(
            f"{type(module).__name__} gives neither pooler output nor hidden states",
            where=f"model {name.given!r}",
            remedy="use an encoder of images, or give the model as py:package.module:Class",
        )
    tokens = any(n.rpartition(".")[2] in CLASS_TOKENS for n, _ in module.named_parameters())
    if tokens and out.last_hidden_state.dim() == 3:
        return "first_token", first_token
    return "mean_positions", mean_positions


def _embedding(out: Any) -> torch.Tensor:
    """The embedding that ``get_image_features`` gives; transformers 5 wraps it as pooler output."""
    embedding: torch.Tensor = getattr(out, "pooler_output", out)
    return embedding


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress load reports and progress bars of transformers; what matters becomes an error."""
    import transformers.utils

    logging: Any = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
