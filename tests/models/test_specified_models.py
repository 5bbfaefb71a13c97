"""The names of models.yaml lead to models that the loaders' registries know."""

from __future__ import annotations

import pytest
from timm.models import get_pretrained_cfg

from biobench.models.names import parse_name
from biobench.models.unknown_names import open_clip_names
from biobench.spec.documents import ModelEntry
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow

ENTRIES = load_spec().models


@pytest.mark.parametrize("entry", list(ENTRIES.values()), ids=list(ENTRIES))
def test_a_name_leads_somewhere(entry: ModelEntry) -> None:
    """A typing error in a repository's or architecture's name would show at a user's first run."""
    parsed = parse_name(entry.name, ENTRIES)
    assert parsed.resolved == entry.resolves_to
    if parsed.kind == "registry" and parsed.loader == "open_clip":
        assert parsed.target in open_clip_names()
    if parsed.kind == "registry" and parsed.loader == "timm":
        configuration = get_pretrained_cfg(parsed.target)
        assert configuration is not None
        assert configuration.hf_hub_id
