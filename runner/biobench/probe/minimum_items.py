"""Minimum requirements of the probes on their items, as far as labels tell (SPEC.md, "Protocols").

In: label ids or counts. Out: nothing, or the ItemsError with which a probe ends. Before an image is
embedded :mod:`biobench.probe.preconditions` asks the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.probe.errors import ItemsError

Ids = npt.NDArray[np.integer[Any]]


def scored_items(count: int) -> None:
    """Raise ItemsError where no item is scored."""
    if count == 0:
        raise ItemsError(
            "no item is scored",
            remedy="check that the test split is not empty and its labels occur in training",
        )


def training_items(count: int) -> None:
    """Raise ItemsError for a train split without items."""
    if count == 0:
        raise ItemsError("the training split is empty", remedy="check the data folder's layout")


def two_classes(ids: Ids, learner: str, group: str = "") -> None:
    """Raise ItemsError where fewer than two classes occur among ``ids``.

    Args:
        ids: Class ids of the training items.
        learner: Name of the probe, for messages.
        group: The sub-task that the items are of, if any.
    """
    if np.unique(ids).size < 2:
        whose = f" of group {group!r}" if group else ""
        each = " in each group" if group else ""
        raise ItemsError(
            f"the training items{whose} are {'all of one class' if ids.size else 'none'}",
            remedy=f"{learner} needs two classes or more{each}",
        )


def two_classes_without(fold: int, ids: Ids) -> None:
    """Raise ItemsError where the items outside a fold, of classes ``ids``, are of fewer than
    two."""
    if np.unique(ids).size < 2:
        raise ItemsError(
            f"without fold {fold} all training items are of one class",
            remedy="take at least two training items of each class",
        )


def enough_neighbours(items: int, k: int) -> None:
    """Raise ItemsError where an item has fewer than ``k`` others."""
    if items <= k:
        raise ItemsError(
            f"{items} items leave fewer than {k} neighbours for each",
            remedy="add images: every image is compared with the others",
        )
