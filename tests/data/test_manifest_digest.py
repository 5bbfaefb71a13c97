"""The digest of a manifest is that of its value, whatever the blocks that it is made in."""

from __future__ import annotations

from pathlib import Path

import pytest

from biobench.data.manifest import BLOCK, Manifest, Row
from biobench.spec.canonical import sha256_json


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_blocks_leave_no_trace(count: int) -> None:
    """Names with quotes, groups and traits as they come."""
    rows = tuple(
        Row(f'"{i}é', f"a/{i}", i, "train", False, (i % 2,) if i % 3 else (), "g" if i else "")
        for i in range(count)
    )
    manifest = Manifest(Path("."), (), rows, {}, ())
    assert manifest.digest == sha256_json(manifest.value())
