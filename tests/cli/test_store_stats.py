"""`biobench store stats`: the entries of a store by their kind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from biobench._common.store import Store
from biobench.cli import execute


def test_kinds_are_counted_by_their_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Features of all backbones are one kind; a hyphen in the name of a kind is part of it."""
    store = Store(tmp_path / "store")
    for number, kind in enumerate(
        ("features-" + "0" * 16, "features-" + "1" * 16, "programs", "program-lines")
    ):
        store.put(kind, f"sha256:{number:064x}", {"text": np.zeros(2, np.uint8)})
    assert execute(["store", "stats", "--json", "--store", str(tmp_path / "store")]) == 0
    kinds = json.loads(capsys.readouterr().out)["kinds"]
    assert {kind: found["entries"] for kind, found in kinds.items()} == {
        "features": 2, "program-lines": 1, "programs": 1,
    }  # fmt: skip
