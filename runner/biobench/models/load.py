"""Loading a backbone by name (SPEC.md, section "Features").

In: a name, the entries of models.yaml, which features to take. Out: a frozen backbone. Each
framework has its own file; none is imported before a name asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from biobench.errors import ModelError
from biobench.models.base import Backbone
from biobench.models.canonical_recipes import RecipeRules
from biobench.models.names import ModelName, parse_name
from biobench.spec.documents import CanonicalRecipe, ModelEntry


def load_model(
    name: str,
    entries: Mapping[str, ModelEntry],
    *,
    offline: bool = False,
    feature: Literal["official", "compat"] = "official",
    recipes: Sequence[CanonicalRecipe] | None = None,
) -> Backbone:
    """Load the backbone that ``name`` means; forms of names: docs/models.md.

    Args:
        name: A name as the user gives it.
        entries: The names of models.yaml.
        offline: Never ask the network, use the files of the hub's cache.
        feature: ``compat`` takes the features of the published scores: no canonical recipe, and
            other outputs of timm models.
        recipes: Canonical recipes; by default those of the specification.

    Raises:
        ModelError: (exit 5) The model cannot be loaded; gives the reason in one line.
    """
    if recipes is None:
        from biobench.spec.load import load_spec

        recipes = load_spec().recipes
    rules = RecipeRules(tuple(recipes), compat=feature == "compat")
    try:
        return _dispatch(parse_name(name, entries), offline=offline, rules=rules)
    except ModelError as error:
        if error.where is not None:
            raise
        # Recipes are refused without knowing whose they are.
        raise ModelError(error.what, where=f"model {name!r}", remedy=error.remedy) from error


def _dispatch(parsed: ModelName, *, offline: bool, rules: RecipeRules) -> Backbone:
    if parsed.loader == "demo":
        from biobench.models.demo_model import load_demo

        return load_demo(parsed, rules=rules)
    if parsed.loader == "timm":
        from biobench.models.timm_model import load_timm

        return load_timm(parsed, offline=offline, rules=rules)
    if parsed.loader == "open_clip":
        from biobench.models.open_clip_model import load_open_clip

        return load_open_clip(parsed, offline=offline, rules=rules)
    if parsed.loader == "hf":
        from biobench.models.transformers_model import load_hf

        return load_hf(parsed, offline=offline, rules=rules)
    if parsed.loader in ("program", "onnx"):
        return _exact(parsed)
    from biobench.models.python_model import load_python

    return load_python(parsed)


def _exact(parsed: ModelName) -> Backbone:
    """Load what the exact engine alone runs."""
    if parsed.loader == "onnx":
        from biobench.models.onnx_model import load_onnx

        return load_onnx(parsed)
    from biobench.models.program_folder import load_program

    return load_program(parsed)
