"""Properties of the engine that every probe trained by gradient descent relies on."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench._common.exact_engine import engine
from biobench._native import linear
from biobench.probe import exact_head
from biobench.probe.training_plan import cosine


@given(st.floats(0, math.pi))
def test_the_cosine_is_the_cosine(x: float) -> None:
    """Its own formula, as the C library's differs between machines, is as exact as that."""
    assert cosine(x) == pytest.approx(math.cos(x), abs=2.0**-52)


def test_the_cosine_falls() -> None:
    """Rates never rise, so that training may end where a rate underflows."""
    values = [cosine(math.pi * step / 30_000) for step in range(30_001)]
    assert values[0] == 1.0
    assert values[-1] == -1.0
    assert all(before > after for before, after in itertools.pairwise(values))


def test_a_layer_takes_rows_in_any_layout() -> None:
    """Slices and Fortran order, more rows than one call takes, and none."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(40_000, 6)).astype(np.float32)
    weight = np.asfortranarray(rng.normal(size=(3, 6)).astype(np.float32))
    bias = np.array([1.0, -1.0, 0.0], np.float32)
    found = exact_head.outputs(rows, weight, bias, threads=2)
    np.testing.assert_allclose(found, rows @ weight.T + bias, atol=1e-5)
    other = exact_head.outputs(np.asfortranarray(rows)[::2], weight, bias, threads=1, relu=True)
    assert np.array_equal(other, np.maximum(found[::2], 0))
    assert exact_head.outputs(rows[:0], weight, bias, threads=1).shape == (0, 3)
    with pytest.raises(ValueError, match="C-contiguous"):
        linear(engine(), rows, weight, bias)
