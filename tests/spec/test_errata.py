"""Errata: every departure of the published benchmark that all tasks share is named in each task."""

from __future__ import annotations

import pytest

from biobench.spec.load import load_spec

SPEC = load_spec()
UPSTREAM = [
    task for suite in ("biobench", "prior-work", "demo") for task in SPEC.suites[suite].tasks
]
"""Tasks of the published benchmark, and those that are drawn in their place: in compat these follow
upstream in the same way."""

SHARED = {
    "size, filter and output": "Upstream takes size, filter and crop",
    "DINOv2": "Upstream squashes images for DINOv2 to 256 x 256",
    "precision": "Upstream computes features under float16 autocast",
    "batch normalisation": "Upstream never puts the backbone in eval mode",
    "interval": "Upstream's interval",
}


@pytest.mark.parametrize("task", UPSTREAM)
@pytest.mark.parametrize("departure", SHARED)
def test_a_task_names_what_all_share(task: str, departure: str) -> None:
    """Protects readers of one task, who see no other's errata."""
    found = [
        line for line in SPEC.task(task, "compat").errata if line.startswith(SHARED[departure])
    ]
    assert len(found) == 1


@pytest.mark.parametrize("task", UPSTREAM)
def test_a_task_says_that_nothing_is_excluded(task: str) -> None:
    """Compat scores items that the official division leaves out (rule 7.4-1); a task of traits has
    no such item."""
    errata = SPEC.task(task, "compat").errata
    named = any(
        line.startswith(("Upstream excludes nothing", "Upstream scores the images of individuals"))
        for line in errata
    )
    assert named is (SPEC.task(task).protocol.kind != "traits_mlp")


@pytest.mark.parametrize("protocol", SPEC.protocol_ids())
def test_a_protocol_with_other_constants_says_why(protocol: str) -> None:
    """Protects from constants of compat that no erratum explains."""
    official, compat = (SPEC.protocol(protocol, division) for division in ("official", "compat"))
    document = SPEC.library.by_id["protocol"][protocol].value
    assert document["errata"] or official.constants == compat.constants
