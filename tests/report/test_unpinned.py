"""A result's record of a model whose revision nobody named in full."""

from __future__ import annotations

import pytest

from biobench.models.names import parse_name
from biobench.report.official import unpinned
from biobench.spec.load import load_spec

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "resolved",
    ["open_clip:ViT-B-16/openai", "hf:owner/name", "timm:resnet50.a1_in1k", "timm:hf-hub:o/n"],
)
def test_the_name_to_run_instead_is_one(resolved: str) -> None:
    """The revision that a first run resolved can be asked for as the reason writes it."""
    reason = unpinned(resolved, "hub", COMMIT)
    named = reason.rpartition(" ")[2]
    parsed = parse_name(named, load_spec().models)
    assert (parsed.resolved, parsed.revision) == (resolved, COMMIT)


def test_a_folder_has_no_other_name() -> None:
    """Nothing is promised where there is no revision."""
    assert unpinned("hf:./name", "local", None) == "the model's revision is not pinned"
