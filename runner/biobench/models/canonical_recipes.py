"""Canonical recipes: one way to take features of a checkpoint, whichever library loads it.

In: a model's name, the recipes of models.yaml, and the recipe of the checkpoint's configuration.
Out: the rule that applies, and the recipe by that rule (SPEC.md, section "Which output").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from biobench.errors import ModelError
from biobench.models import recipes
from biobench.spec.documents import CanonicalRecipe

if TYPE_CHECKING:
    import torch

    from biobench.decode.recipe import Recipe
    from biobench.models.names import ModelName


@dataclass(frozen=True)
class RecipeRules:
    """The canonical recipes that apply to a load.

    Attributes:
        recipes: Recipes in the order in which they are searched.
        compat: True where compat's features are taken, which are those of the published scores: no
            canonical recipe applies, and other outputs of timm models are taken.
    """

    recipes: Sequence[CanonicalRecipe] = ()
    compat: bool = False

    def find(self, name: ModelName, architecture: str = "") -> CanonicalRecipe | None:
        """Find the rule for a checkpoint; None where its own configuration is the recipe.

        That is the rule of the name's entry in models.yaml; else the first with a pattern that the
        full name or ``architecture`` matches: ``transformers:MODEL_TYPE`` or
        ``timm:ARCHITECTURE.TAG``.
        """
        if self.compat:
            return None
        if name.entry is not None and name.entry.repository is not None:
            return next((rule for rule in self.recipes if rule.id == name.entry.recipe), None)
        keys = [key for key in (name.resolved, architecture) if key]
        for rule in self.recipes:
            if any(matches(pattern, key) for pattern in rule.applies_to for key in keys):
                return rule
        return None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def matches(pattern: str, key: str) -> bool:
    """Return whether all of ``key`` matches ``pattern``; ``*`` is any characters and ``?`` is
    one."""
    return _expression(pattern).fullmatch(key) is not None


def apply(rule: CanonicalRecipe, own: Recipe) -> Recipe:
    """The canonical recipe; mean, standard deviation and, without a size, the side stay its own.

    Raises:
        ModelError: The model's own input is not square and the rule states no size.
    """
    if rule.size is None and own.crop[0] != own.crop[1]:
        raise recipes.unsupported(
            f"canonical recipe {rule.id} with an input of {own.crop[0]} x {own.crop[1]}"
        )
    side = rule.size or own.crop[0]
    return recipes.build(
        mode=rule.mode,
        size=(side, side),
        crop=(side, side),
        resample=rule.filter,
        table=recipes.torchvision_table(own.mean, own.std),
        mean=own.mean,
        std=own.std,
    )


def activate(rule: CanonicalRecipe, module: torch.nn.Module) -> None:
    """Give a module the GELU that its weights were trained with."""
    import torch

    for part in module.modules() if rule.gelu else ():
        if isinstance(part, torch.nn.GELU):
            part.approximate = str(rule.gelu)


def no_such_output(rule: CanonicalRecipe, kind: str) -> ModelError:
    """The error for a model that lacks the output that its canonical recipe takes."""
    return ModelError(
        f"{kind} has no {rule.feature}, which canonical recipe {rule.id} takes",
        remedy="load the checkpoint with another of timm:, open_clip: and hf:",
    )
