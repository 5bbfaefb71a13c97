"""The test items that a page shows as examples of a task."""

from __future__ import annotations

from typing import Any

import numpy as np

from biobench.data.predictions import Predictions
from biobench.report.page.examples import MOST_EXAMPLES, first_items
from biobench.report.page.names import Names


def predictions(truth: Any) -> Predictions:
    ids = tuple(f"item{i}" for i in range(len(truth)))
    labels = np.array(truth, np.int32)
    return Predictions(ids, labels, np.zeros_like(labels), {})


def test_the_largest_classes_come_first() -> None:
    """One item of each class whatever was predicted, of equal classes by name; an unknown label is
    a class like others."""
    names = Names(("c", "b", "a"), ("c", "b", "a"))
    assert first_items(predictions([1, 0, 2, 2, -1, 0, -1]), names) == ([2, 1, 4, 0], 4)


def test_many_classes_are_cut() -> None:
    """A page of a thousand individuals shows a dozen."""
    names = Names([f"class {i:03}" for i in range(100)], ())
    found, count = first_items(predictions([*range(100), 99]), names)
    assert found == [99, *range(MOST_EXAMPLES - 1)]
    assert count == 100


def test_an_item_stands_for_one_trait() -> None:
    """Protects: twelve traits that one fish has would show that fish twelve times. A trait that no
    item has is left out."""
    names = Names(("large", "marine", "blind"), ())
    traits = [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert first_items(predictions(traits), names) == ([0, 1], 2)
