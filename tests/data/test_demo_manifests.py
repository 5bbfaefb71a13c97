"""Manifests of the demo tasks: what a layout, a label rule or a view changes shows here first."""

from __future__ import annotations

import pytest

from biobench.data.build import build_manifest
from biobench.data.locate import EMBEDDED
from biobench.spec.load import load_spec

# A change of one of these is a change of what the task means, and raises the task's version.
DIGESTS = {
    "demo-beluga": "sha256:33d0e3fa1465f230cafbf0e46d0cf2e2b046acf99bb981fcdc5e90304d3c1b23",
    "demo-herbarium19": "sha256:7ed4d5a95e1610d172787d515b5f708b31f4bcc16ee2e3d6886e9b8f4231a8d2",
    "demo-plankton": "sha256:b8f1cbc9d695679cc02aaf3b92949d2a001b0cd17d9d5f2e8feea7920b2e3c8a",
    "demo-plantnet": "sha256:60be9eab9ca8b25c28bf7b15da8913a3012c9a3baf37b3d3e2f5f979c90b1193",
}


@pytest.mark.parametrize("task", sorted(DIGESTS))
def test_the_manifest_is_what_it_was(task: str) -> None:
    """On any machine: level D."""
    spec = load_spec()
    manifest = build_manifest(spec.task(task), EMBEDDED / task)
    assert manifest.digest == DIGESTS[task]
    assert manifest.items is manifest
