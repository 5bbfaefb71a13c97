"""Items whose label the best models contradict.

In: predictions of several models on one task. Out: items that all of them take for one other class:
candidates for wrong labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from biobench.data.predictions import Predictions

MOST_MODELS = 5
"""The best so many models have to agree."""
FEWEST_MODELS = 2


def contradicted(predictions: Sequence[Predictions]) -> list[int]:
    """Numbers of the items that every model gives the same wrong label, in manifest order.

    None where there are fewer than :data:`FEWEST_MODELS`, where labels are traits, or where items
    differ.
    """
    if len(predictions) < FEWEST_MODELS or predictions[0].y_true.ndim > 1:
        return []
    first = predictions[0]
    if any(one.ids != first.ids for one in predictions):
        return []
    agree = np.logical_and.reduce([one.y_pred == first.y_pred for one in predictions])
    return [int(i) for i in np.flatnonzero(agree & (first.y_pred != first.y_true))]
