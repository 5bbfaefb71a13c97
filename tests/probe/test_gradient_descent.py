"""What every probe that is trained by gradient descent takes from its engine."""

from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from biobench.probe.gradient_descent import square_root


@given(st.lists(st.floats(0, 2.0**100, width=32), min_size=1, max_size=40))
def test_a_root_is_the_correctly_rounded_one(values: list[float]) -> None:
    """torch's own root on the CPU is MKL's, which differs between makers of processors: a probe
    that took it would learn other bits on each."""
    given_values = np.array(values, np.float32)
    out = torch.empty(len(values))
    found = square_root(torch.from_numpy(given_values), out)
    assert found is out
    # Rounding twice is exact here: float64 has more than twice float32's digits and two more.
    expected = np.array([math.sqrt(value) for value in given_values.tolist()], np.float32)
    np.testing.assert_array_equal(found.numpy(), expected)
