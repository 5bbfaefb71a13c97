"""Percentile bounds of resampled values (SPEC.md, section "Association of benchmarks").

In: one value a replicate. Out: two of them.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import real_number, reals
from biobench.errors import UsageError

_REPLICATES = "pass one number for each replicate"


def bounds(values: npt.NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Percentile bounds: j-th smallest and j-th largest of R values, j = floor(R (1 - c) / 2).

    With 1,000 values and confidence 0.95 these are the 25th and the 976th smallest. The product is
    taken exactly on the decimal that ``confidence`` is written as, and j is at least 1.

    Args:
        values: Finite numbers (R,), R >= 1.
        confidence: c, in (0, 1).

    Raises:
        UsageError: The input is not as described.
    """
    values = reals("values", values, remedy=_REPLICATES)
    real_number("confidence", confidence, above=0, below=1)
    if values.size == 0:
        raise UsageError("there is no replicate to take an interval from", remedy=_REPLICATES)
    rank = max(1, math.floor(values.size * (1 - Fraction(str(confidence))) / 2))
    ordered = np.sort(values)
    return float(ordered[rank - 1]), float(ordered[values.size - rank])
