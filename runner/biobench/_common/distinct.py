"""The distinct values of an array and the place of each item among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def distinct(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Distinct values in ascending order, and the position of each item's among them, int64 (n,).

    As ``numpy.unique``, which asked for positions takes the default sort: its AVX2 form gave other
    orders in each run, and positions out of bounds, on a processor emulated by QEMU 7.2. The stable
    sort is plain code.

    Args:
        values: Any dtype with an order, (n,).
    """
    unique, _, positions = np.unique(values, return_index=True, return_inverse=True)
    return unique, np.asarray(positions, dtype=np.int64)
