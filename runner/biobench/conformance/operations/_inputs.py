"""Inputs of the operations of a protocol, as its probe takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.spec.load import Spec


def constants_of(
    given: Mapping[str, Any], spec: Spec, instead: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The constants of the protocol document that the input names.

    Args:
        given: The input, with the keys ``protocol`` and ``division``.
        spec: The specification.
        instead: Constants in place of the document's.
    """
    return {**spec.protocol(given["protocol"], given["division"]).constants, **(instead or {})}


def float32(values: Any) -> npt.NDArray[np.float32]:
    """Lists of numbers, as features are given, as an array."""
    return np.array(values, np.float32)


def float64(values: Any) -> npt.NDArray[np.float64]:
    """Lists of numbers, as scores and dual variables are given, as an array."""
    return np.array(values, np.float64)


def int64(values: Any) -> npt.NDArray[np.int64]:
    """Lists of class numbers as an array."""
    return np.array(values, np.int64)
