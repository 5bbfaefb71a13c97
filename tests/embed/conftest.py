"""The demo model on the exact engine; small checkpoints are made as in the tests of models."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from biobench._common.store import Store
from biobench.models.base import Backbone
from biobench.spec.load import load_spec

sys.path.append(str(Path(__file__).resolve().parents[1] / "models"))


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """The demo model on the exact engine."""
    # Not at the top: modules that need no model import no library of one.
    from biobench.models.exact_backbone import exact_backbone
    from biobench.models.load import load_model

    store = Store(tmp_path_factory.mktemp("programs"))
    return exact_backbone(load_model("demo", load_spec().models), store)
