"""Slices of a manifest that are embedded by one worker.

In: a manifest and a size. Out: ranges of rows; a slice never ends within a shard of features, so
that each feature has the bits that it has in a run over the whole manifest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.embed.shards import MICRO_BATCHES_PER_SHARD
from biobench.spec.documents import Suite

SIZE = 2048
"""Images of a slice by default."""


@dataclass(frozen=True)
class Slice:
    """Rows from ``start`` to before ``stop`` of a manifest, of which ``images`` are wanted."""

    start: int
    stop: int
    images: int


def alignment(suite: Suite, *, by_item: bool, device: str) -> int:
    """Rows that a slice has to be a multiple of, up to the end of a split.

    Args:
        suite: The suite with its micro-batches.
        by_item: True where the exact engine computes every feature.
        device: The option of a run: ``auto`` may become either device.
    """
    if by_item:
        return 1
    sizes = {"cpu": (suite.micro_batch_cpu,), "cuda": (suite.micro_batch_cuda,)}
    both = (suite.micro_batch_cpu, suite.micro_batch_cuda)
    return MICRO_BATCHES_PER_SHARD * math.lcm(*sizes.get(device, both))


def slices(
    manifest: Manifest, size: int, aligned: int, wanted: npt.NDArray[np.bool_] | None = None
) -> list[Slice]:
    """Cut a manifest; slices without a wanted row are left out.

    Args:
        manifest: The rows, split by split.
        size: Rows of a slice; rounded up to a multiple of ``aligned``.
        aligned: See :func:`alignment`.
        wanted: bool (rows,); None for all.
    """
    size = math.ceil(size / aligned) * aligned
    made: list[Slice] = []
    start = 0
    for unit_start, stop in _units(manifest, size):
        if stop - start > size and unit_start > start:
            made.append(_slice(start, unit_start, wanted))
            start = unit_start
    made.append(_slice(start, len(manifest.rows), wanted))
    return [part for part in made if part.images]


def _units(manifest: Manifest, size: int) -> Iterator[tuple[int, int]]:
    """Ranges of at most ``size`` rows that lie in one split each, in order."""
    for first, stop in _runs([row.split for row in manifest.rows]):
        for start in range(first, stop, size):
            yield start, min(start + size, stop)


def _runs(splits: Sequence[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for i in range(1, len(splits) + 1):
        if i == len(splits) or splits[i] != splits[start]:
            yield start, i
            start = i


def _slice(start: int, stop: int, wanted: npt.NDArray[np.bool_] | None) -> Slice:
    images = stop - start if wanted is None else int(wanted[start:stop].sum())
    return Slice(start, stop, images)
