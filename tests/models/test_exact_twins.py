"""One checkpoint, one program's arithmetic: the exact engine gives equal features whichever library
loads the weights, bit for bit.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from twin_checkpoints import PAIRS, timm_twin

from biobench import _native
from biobench.models.load import load_model
from biobench.models.program_model import make_program

pytestmark = pytest.mark.slow

OTHER_ORDER = {
    "radio": "transformers multiplies patches by a matrix, timm convolves the image",
    "aimv2": "transformers writes its norm as a mean of squares, timm as one operation",
}
"""Kinds of :data:`PAIRS` whose libraries ask for other roundings."""


@pytest.mark.parametrize("kind", [kind for kind in PAIRS if kind not in OTHER_ORDER])
def test_features_are_equal_through_both_libraries(kind: str, tmp_path: Path) -> None:
    """Protects comparisons between laboratories at level F; torch's own features of the two differ,
    and so do the rotary tables that the libraries compute."""
    _, make, architecture, tag, args = PAIRS[kind]
    state = make(tmp_path / "transformers")
    timm_twin(tmp_path / "timm", state, architecture, tag, args)
    rows = []
    for library in ("transformers", "timm"):
        backbone = load_model(f"hf:{tmp_path / library}", {})
        program, _ = make_program(backbone)
        images = np.random.default_rng(3).standard_normal((2, 3, *backbone.recipe.crop))
        rows.append(program.run(_native.Engine(1), images.astype(np.float32)))
    assert np.abs(rows[0]).max() > 1e-3
    np.testing.assert_array_equal(rows[0], rows[1])
