"""Share of right predictions, and of right answers among the first k (SPEC.md, section "Metrics").

In: label ids, or ranks of the first right answer. Out: one division of two integers, float64.
"""

from __future__ import annotations

import numpy.typing as npt

from biobench._common.arguments import whole_number
from biobench.errors import UsageError
from biobench.metric.counts import label_ids, label_pair
from biobench.metric.division import known_division
from biobench.spec.documents import Division


def accuracy(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, division: Division = "official"
) -> float:
    """Share of items whose prediction equals the truth; the same in every division.

    Args:
        y_true: True label ids, integers (n,).
        y_pred: Predicted label ids, integers (n,).
        division: Name of a division.

    Returns:
        One division of two integers, float64.

    Raises:
        UsageError: The input is empty or of unequal lengths, or the division is unknown.
    """
    known_division(division)
    truth, prediction = label_pair(y_true, y_pred)
    return int((truth == prediction).sum()) / truth.size


def top_k(first_hit: npt.ArrayLike, k: int) -> float:
    """Share of queries whose first right answer is among the k nearest rows.

    Args:
        first_hit: Rank of the first right answer from 1, 0 where there is none; integers (n,).
        k: Number of nearest rows, at least 1.

    Raises:
        UsageError: The input is empty, a rank is negative, or k is not an integer of at least 1.
    """
    ranks = label_ids(first_hit, "first_hit")
    k = whole_number("k", k, 1)
    if int(ranks.min()) < 0:
        raise UsageError("first_hit holds a negative rank", remedy="ranks start at 1; 0 means none")
    return int(((ranks >= 1) & (ranks <= k)).sum()) / ranks.size
