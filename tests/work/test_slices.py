"""Slices of a manifest: every row once, and no shard of features cut in two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from biobench.data.manifest import Manifest, Row
from biobench.embed.shards import whole_parts
from biobench.spec.load import load_spec
from biobench.work.slices import Slice, alignment, slices

MICRO_BATCH = 2
SHARD = 8 * MICRO_BATCH
"""Rows of a shard of that micro-batch."""


def manifest(train: int, test: int) -> Manifest:
    """A manifest with as many rows."""
    splits = ["train"] * train + ["test"] * test
    rows = tuple(
        Row(id=str(i), path=f"{i}.png", label=0, split=split, scored=True)  # type: ignore[arg-type]
        for i, split in enumerate(splits)
    )
    return Manifest(Path("/data"), ("a",), rows, {}, ("a",))


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 120), st.sampled_from([1, SHARD]))
def test_slices_hold_every_row_once(train: int, test: int, size: int, aligned: int) -> None:
    """In order, none of them empty, and none longer than asked for, rounded up."""
    cut = slices(manifest(train, test), size, aligned)
    rows = [row for part in cut for row in range(part.start, part.stop)]
    assert rows == list(range(train + test))
    assert all(part.images == part.stop - part.start > 0 for part in cut)
    assert all(part.images <= -(-size // aligned) * aligned for part in cut)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 120))
def test_the_shards_of_slices_are_those_of_the_whole(train: int, test: int, size: int) -> None:
    """By torch the bits of a feature depend on its micro-batch, so that the shards of a slice, cut
    by itself, must be shards of the whole."""
    whole = manifest(train, test)
    cut = [
        [part.start + row for row in shard]
        for part in slices(whole, size, SHARD)
        for shard in whole_parts(
            replace(whole, rows=whole.rows[part.start : part.stop]), MICRO_BATCH
        )
    ]
    assert cut == [shard.tolist() for shard in whole_parts(whole, MICRO_BATCH)]


def test_slices_without_a_wanted_row_are_left_out() -> None:
    """A few-shot run embeds its own images alone."""
    wanted = np.zeros(30, np.bool_)
    wanted[[3, 4, 25]] = True
    assert slices(manifest(20, 10), 10, 1, wanted) == [Slice(0, 10, 2), Slice(20, 30, 1)]


def test_slices_fit_the_micro_batches_of_both_devices() -> None:
    """A plan does not know where its workers run, unless its options say it."""
    suite = load_spec().suites["biobench"]
    cpu, cuda = 8 * suite.micro_batch_cpu, 8 * suite.micro_batch_cuda
    either = alignment(suite, by_item=False, device="auto")
    assert either % cpu == either % cuda == 0
    assert alignment(suite, by_item=False, device="cpu") == cpu
    assert alignment(suite, by_item=False, device="cuda") == cuda
    assert alignment(suite, by_item=True, device="auto") == 1
