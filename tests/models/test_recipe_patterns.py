"""The patterns that say which checkpoints a canonical recipe is of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from biobench.models.canonical_recipes import RecipeRules, matches
from biobench.models.names import parse_name
from biobench.spec.documents import ModelEntry
from biobench.spec.load import load_spec


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("timm:vit_*_siglip_???.webli", "timm:vit_base_patch16_siglip_224.webli", True),
        ("timm:vit_*_siglip_???.webli", "timm:vit_base_patch16_siglip_gap_224.webli", False),
        ("timm:vit_*_siglip_???.webli", "timm:vit_so400m_patch14_siglip_378.webli_ft_in1k", False),
        ("hf:google/siglip2-*-patch??-???", "hf:google/siglip2-giant-opt-patch16-256", True),
        ("hf:google/siglip2-*-patch??-???", "hf:google/siglip2-base-patch16-naflex", False),
        ("timm:vit_*_clip_*.laion400m_e??", "timm:vit_base_patch32_clip_224.laion400m_e32", True),
        ("hf:a.b", "hf:aXb", False),
        ("hf:a*", "hf:a", True),
    ],
)
def test_patterns(pattern: str, key: str, expected: bool) -> None:
    """Protects which checkpoints a recipe is of: fine-tuned ones and other poolings are others."""
    assert matches(pattern, key) is expected


@pytest.mark.parametrize("entry", load_spec().models.values(), ids=lambda entry: entry.name)
def test_entries_and_patterns_agree(entry: ModelEntry) -> None:
    """Protects from two recipes for one checkpoint: that of its entry, and that of the full name
    and the architecture where the entry is not known."""
    spec = load_spec()
    name = parse_name(entry.name, spec.models)
    bare = replace(name, entry=None)
    architecture = next((v for k, v in MODEL_TYPES.items() if name.resolved.startswith(k)), "")
    by_pattern = RecipeRules(spec.recipes).find(bare, architecture)
    assert (by_pattern.id if by_pattern else None) == entry.recipe


@pytest.mark.parametrize(
    "name",
    ["hf:google/siglip2-base-patch16-naflex", "timm:vit_base_patch16_clip_224.laion2b_ft_in1k"],
)
def test_what_no_recipe_is_of(name: str) -> None:
    """Protects models whose images keep their shape, and fine-tuned ones, from others' recipes."""
    assert RecipeRules(load_spec().recipes).find(parse_name(name, {})) is None


MODEL_TYPES = {
    "hf:facebook/dinov2-with": "transformers:dinov2_with_registers",
    "hf:facebook/dinov2-": "transformers:dinov2",
    "hf:facebook/dinov3-vit": "transformers:dinov3_vit",
    "hf:facebook/dinov3-convnext": "transformers:dinov3_convnext",
    "hf:nvidia/C-RADIO": "transformers:radio",
    "hf:google/tipsv2": "transformers:tipsv2",
}
