"""Features of rows to features of items (SPEC.md, section "Views").

In: float32 features in manifest order, where the rows of an item are neighbours. Out: one float32
row an item: the largest value or the mean of its rows, feature by feature.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.errors import SpecError


def pool_rows(
    features: npt.NDArray[np.float32], item_of_row: npt.NDArray[np.int64], rule: str
) -> npt.NDArray[np.float32]:
    """Pool finite features, float32 (rows, dim), to float32 (items, dim).

    Args:
        features: Features of the rows.
        item_of_row: Number of each row's item, ascending from 0 without a gap.
        rule: ``max``: the largest value. ``mean``: the float64 sum in row order, divided by the
            number of rows and rounded to float32 once. A zero is +0 whatever its sign was.

    Raises:
        SpecError: The rule is another one.
    """
    if rule not in {"max", "mean"}:
        raise SpecError(f"unknown rule of pooling {rule!r}", remedy="use max or mean")
    sizes = np.bincount(item_of_row) if item_of_row.size else np.zeros(0, np.int64)
    starts = np.cumsum(sizes) - sizes
    pooled = np.empty((sizes.size, features.shape[1]), dtype=np.float32)
    for item, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        rows = features[start : start + size]
        if rule == "max":
            pooled[item] = rows.max(axis=0)
            continue
        total = np.zeros(features.shape[1], dtype=np.float64)
        for row in rows:
            total += row
        pooled[item] = total / size
    # Which of two zeros is the larger depends on the machine's instructions.
    pooled += np.float32(0)
    return pooled


def pool(
    manifest: Manifest,
    features: npt.NDArray[np.float32],
    bad: Mapping[int, str],
    rule: str | None,
) -> tuple[npt.NDArray[np.float32], dict[int, str]]:
    """Features of ``manifest.items``, float32 (items, dim), and the items that have an image that
    could not be read, whose features are zero. Without pooling both are as given.

    Args:
        manifest: The manifest of the task.
        features: Features of its rows, float32 (rows, dim).
        bad: Rows whose image could not be read, with the reason.
        rule: ``mean`` or ``max`` over the rows of an item; None pools nothing.
    """
    if rule is None or not manifest.pooled:
        return features, dict(bad)
    pooled = pool_rows(features, manifest.item_of_row, rule)
    bad_items = {int(manifest.item_of_row[row]): bad[row] for row in sorted(bad, reverse=True)}
    for item in bad_items:
        pooled[item] = 0
    return pooled, bad_items
