"""The bootstrap: the blocked twin equals the plain definition to the bit; bounds; calibration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench import _native
from biobench.errors import UsageError
from biobench.metric import accuracy, bootstrap, macro_f1
from biobench.metric.bootstrap import (
    Strata,
    bounds,
    macro_f1_replicates,
    mean_replicates,
    resamples,
    share_replicates,
    tallies,
)
from biobench.spec.generator import Stream

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 7)), min_size=1, max_size=40)


def drawn_items(truth: list[int], stream: Stream, replicate: int) -> list[int]:
    """The items that a replicate draws, one by one, as the specification words it."""
    n = len(truth)
    positions = [i for c in sorted(set(truth)) for i in range(n) if truth[i] == c]
    items, begin = [], 0
    for c in sorted(set(truth)):
        size = truth.count(c)
        for p in range(begin, begin + size):
            word = stream.word(replicate * n + p)
            items.append(positions[begin + ((word * size) >> 64)])
        begin += size
    return items


def arrays(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    truth, prediction = zip(*pairs, strict=True)
    return np.array(truth, dtype=np.int64), np.array(prediction, dtype=np.int64)


@given(PAIRS, st.integers(0, 2**64 - 1))
@settings(max_examples=60)
def test_replicates_equal_the_definition_to_the_bit(
    pairs: list[tuple[int, int]], seed: int
) -> None:
    """Integer counts in blocks give what resampling item by item and scoring anew gives."""
    truth, prediction = arrays(pairs)
    stream, count = Stream(seed, "bootstrap/test"), 7
    values = np.random.default_rng(0).random(truth.size)
    f1 = macro_f1_replicates(truth, prediction, stream, count)
    share = share_replicates(truth, truth == prediction, stream, count)
    mean = mean_replicates(truth, values, stream, count)
    for r in range(count):
        items = drawn_items(truth.tolist(), stream, r)
        assert f1[r] == macro_f1(truth[items], prediction[items])
        assert share[r] == accuracy(truth[items], prediction[items])
        total = 0.0
        for item in items:
            total += float(values[item])
        assert mean[r] == total / len(items)


@pytest.mark.parametrize("block", [1, 100, 333, 1 << 20])
def test_blocks_do_not_change_a_replicate(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of a block is a matter of speed: whole, cut, or larger than everything."""
    rng = np.random.default_rng(3)
    truth, prediction = rng.integers(0, 9, 100), rng.integers(0, 9, 100)
    stream = Stream(17, "bootstrap/test")
    expected = macro_f1_replicates(truth, prediction, stream, 50)
    mean = mean_replicates(truth, prediction / 7, stream, 50)
    for name in ("_BLOCK_WORDS", "_BLOCK_DRAWS", "_BLOCK_TALLIES"):
        monkeypatch.setattr(bootstrap, name, block)
    assert np.array_equal(mean_replicates(truth, prediction / 7, stream, 50), mean)
    assert np.array_equal(macro_f1_replicates(truth, prediction, stream, 50), expected)


@given(PAIRS, st.integers(0, 2**64 - 1))
@settings(max_examples=60)
def test_tallies_count_the_resamples(pairs: list[tuple[int, int]], seed: int) -> None:
    """The native layer's counts as it draws are those of the drawn positions."""
    truth, prediction = arrays(pairs)
    strata, stream = Strata.of(truth), Stream(seed, "bootstrap/test")
    codes, bins = prediction + 1, 10
    counted = np.concatenate([*tallies(strata, codes, bins, stream, 30)])
    drawn = np.concatenate([block.copy() for block in resamples(strata, stream, 30)])
    ordered = codes[strata.order]
    expected = [np.bincount(ordered[row], minlength=bins) for row in drawn]
    assert np.array_equal(counted, expected)


@pytest.mark.parametrize(
    ("start", "size", "code", "replicates"),
    [(0, 0, 0, 1), (1, 1, 0, 1), (0, 2, 0, 1), (2**64 - 1, 1, 0, 1), (0, 1, 3, 1), (0, 1, 0, 0)],
)
def test_arrays_that_do_not_fit_are_refused(
    start: int, size: int, code: int, replicates: int
) -> None:
    """By the native layer, in one line, before anything is drawn."""
    bounds_of = np.array([start], np.uint64), np.array([size], np.uint64)
    codes = np.array([code], np.uint32)
    with pytest.raises(ValueError, match="do not fit together"):
        _native.resample_tallies(1, 0, replicates, *bounds_of, codes, 3)
    with pytest.raises(ValueError, match="do not fit together"):
        _native.resample_tallies(1, 0, 1, *bounds_of, np.zeros(2, np.uint32), 3)


@given(PAIRS)
@settings(max_examples=40)
def test_a_resample_keeps_every_class_size(pairs: list[tuple[int, int]]) -> None:
    """Stratified: a class has as many items in each replicate as in the truth."""
    truth, _ = arrays(pairs)
    strata = Strata.of(truth)
    for positions in resamples(strata, Stream(1, "bootstrap/test"), 20):
        assert np.array_equal(
            truth[strata.order[positions]], np.broadcast_to(truth[strata.order], positions.shape)
        )


def test_draws_do_not_depend_on_the_predictions() -> None:
    """Paired: two models are scored on the same resamples, so equal models differ by nothing."""
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 4, 60)
    good, bad = truth.copy(), truth.copy()
    bad[:20] = (bad[:20] + 1) % 4
    stream = Stream(17, "bootstrap/test")
    difference = macro_f1_replicates(truth, good, stream, 200) - macro_f1_replicates(
        truth, bad, stream, 200
    )
    assert np.array_equal(macro_f1_replicates(truth, good, stream, 200), np.ones(200))
    assert (difference > 0).all()


def test_bounds_are_the_25th_and_976th_of_a_thousand() -> None:
    """The ranks come from the decimal as written, not from a product of rounded floats."""
    values = np.random.default_rng(0).permutation(np.arange(1, 1001)).astype(np.float64)
    assert bounds(values, 0.95) == (25.0, 976.0)
    assert bounds(values, 0.9) == (50.0, 951.0)
    assert bounds(values, 0.99) == (5.0, 996.0)
    assert bounds(values[:3], 0.95) == (values[:3].min(), values[:3].max())


def test_bounds_of_nothing_are_refused() -> None:
    """No value, or a confidence that is none, has no interval."""
    for values, confidence in (([], 0.95), ([1.0], 0.0), ([1.0], 1.0)):
        with pytest.raises(UsageError):
            bounds(np.array(values), confidence)


def test_the_interval_covers_as_simulated() -> None:
    """30 classes of 50 items at accuracy .7: the interval holds the true score 19 times in 20.

    With 120 trials of a true coverage of .945 fewer than 104 hits have a chance of about 0.2 in a
    thousand; the seed is fixed, so the outcome is too.
    """
    rng = np.random.default_rng(11)
    truth = np.repeat(np.arange(30), 50)
    large = np.repeat(np.arange(30), 20_000)

    def predict(labels: np.ndarray) -> np.ndarray:
        wrong = rng.random(labels.size) > 0.7
        return np.where(wrong, rng.integers(0, 30, labels.size), labels)

    true_score = macro_f1(large, predict(large))
    covered = 0
    for trial in range(120):
        stream = Stream(trial, "bootstrap/test")
        low, high = bounds(macro_f1_replicates(truth, predict(truth), stream, 400), 0.95)
        covered += low <= true_score <= high
    assert 104 <= covered <= 120
