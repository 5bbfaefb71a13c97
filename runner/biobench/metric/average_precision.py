"""Average precision of one ranked list (SPEC.md, section "Metrics").

In: which places of the list are relevant. Out: the mean precision at the relevant items, float64.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import flags, whole_number
from biobench.errors import UsageError
from biobench.metric.counts import sequential_sum


def average_precision(relevant: npt.ArrayLike, *, n_relevant: int) -> float:
    """Sum over the relevant places of (relevant items so far / place), divided by ``n_relevant``.

    Every term is one division of two integers; the terms are added from left to right and the sum
    is divided once. With ``n_relevant`` 0 there is nothing to find and the result is 0, as
    scikit-learn has it: the mean over queries must count such a query, which no model can answer.
    An empty list gives 0 too.

    Args:
        relevant: Booleans in ranked order, shape (n,), place 1 first; 0 and 1 may be written.
        n_relevant: Number of relevant items that exist, in the list or not; those outside the list
            add 0.

    Raises:
        UsageError: The list holds more relevant items than exist, a value is neither true nor
            false, or ``n_relevant`` is not an integer of at least 0.
    """
    n_relevant = whole_number("n_relevant", n_relevant, 0)
    places = np.flatnonzero(flags("relevant", relevant)) + 1
    if n_relevant < places.size:
        raise UsageError(
            f"n_relevant is {n_relevant} but the list holds {places.size} relevant items",
            remedy="count every relevant item once",
        )
    if n_relevant == 0:
        return 0.0
    return sequential_sum(np.arange(1, places.size + 1) / places) / n_relevant
