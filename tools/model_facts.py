"""Write runner/biobench/models/facts.json: sizes of the listed models that libraries can build.

A model of models.yaml whose architecture timm or open_clip knows by name is built on torch's meta
device, without weights, and its features are taken as a run takes them. With --check the file is
compared with what is found and not written.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

from biobench.errors import ModelError
from biobench.models import canonical_recipes, open_clip_model, timm_model
from biobench.models.canonical_recipes import RecipeRules
from biobench.models.facts import FILE
from biobench.models.names import ModelName, parse_name
from biobench.models.weights import parameter_count
from biobench.spec.load import load_spec

HERE = Path(__file__).resolve().parent.parent / "runner" / "biobench" / "models" / FILE


def measured(name: ModelName, rules: RecipeRules) -> dict[str, int] | None:
    """Parameters, side of the input in pixels, and length of a row of features; None where the
    architecture is not one that a library has by name, or cannot run without values."""
    found = _timm(name, rules) if name.loader in ("timm", "demo") else _open_clip(name, rules)
    if found is None:
        return None
    module, forward, recipe = found
    module.eval()
    with torch.inference_mode():
        rows = forward(torch.empty(1, 3, *recipe.crop, device="meta"))
    sides = {"input": recipe.crop[0]} if recipe.crop[0] == recipe.crop[1] else {}
    return {"parameters": parameter_count(module), **sides, "features": int(rows.shape[1])}


def _timm(name: ModelName, rules: RecipeRules) -> Any:
    import timm

    target = name.resolved.removeprefix("timm:")
    if not timm.is_model(target.partition(".")[0]):
        return None
    source = timm.get_pretrained_cfg(target).to_dict()
    with torch.device("meta"):
        module = timm.create_model(timm_model.as_trained(target, source), pretrained=False)
    configuration = module.pretrained_cfg
    tag = f".{configuration['tag']}" if configuration.get("tag") else ""
    rule = rules.find(name, f"timm:{configuration.get('architecture')}{tag}")
    if rule is None or rule.feature != "image_embedding":
        timm_model.drop_classifier(module)
    recipe = timm_model.timm_recipe(module)
    if rule is None:
        _, forward = timm_model.features(module, compat=False)
    else:
        recipe = canonical_recipes.apply(rule, recipe)
        _, forward = timm_model.canonical_features(module, rule)
    return module, forward, recipe


def _open_clip(name: ModelName, rules: RecipeRules) -> Any:
    import open_clip
    from open_clip.pretrained import get_pretrained_cfg

    architecture, slash, tag = name.resolved.removeprefix("open_clip:").partition("/")
    configuration = open_clip.get_model_config(architecture) if slash else None
    registered = get_pretrained_cfg(architecture, tag) if configuration is not None else None
    if configuration is None or not registered:
        return None
    options = open_clip_model.registry_options(name, configuration, registered)
    with torch.device("meta"):
        tower: Any = open_clip_model._tower(name, configuration)
    open_clip_model._describe(tower, options["preprocess"])
    recipe = open_clip_model.open_clip_recipe(tower.preprocess_cfg)
    rule = rules.find(name)
    if rule is not None:
        recipe = canonical_recipes.apply(rule, recipe)

    def forward(batch: torch.Tensor) -> torch.Tensor:
        out = tower(batch)
        embedding: torch.Tensor = out[0] if isinstance(out, tuple) else out
        return embedding

    return tower, forward, recipe


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    spec = load_spec()
    rules = RecipeRules(tuple(spec.recipes))
    facts: dict[str, dict[str, int]] = {}
    for entry in spec.models.values():
        parsed = parse_name(entry.name, spec.models)
        if parsed.kind != "registry" or entry.resolves_to in facts:
            continue
        try:
            found = measured(parsed, rules)
        except (ModelError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            print(f"{entry.name}: {str(error).splitlines()[0][:150]}", file=sys.stderr)
            continue
        if found is not None:
            facts[entry.resolves_to] = found
    lines = [f"{json.dumps(name)}: {json.dumps(facts[name])}" for name in sorted(facts)]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    if not check:
        HERE.write_text(text, encoding="utf-8")
        print(f"{len(facts)} models")
        return 0
    same = HERE.read_text(encoding="utf-8") == text
    print("equal" if same else f"{HERE.name} differs from what the installed libraries build")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
