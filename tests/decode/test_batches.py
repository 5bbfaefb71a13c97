"""Labelled batches, epoch by epoch: their order, their pixels, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from test_native_batch import RECIPE

from biobench.decode.native import decode_batch
from biobench.errors import DataError, ModelError, UsageError
from biobench.native import Batches, ImageLoader, load_batch
from biobench.spec.generator import Stream

COUNT = 13


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, int]]:
    folder = tmp_path_factory.mktemp("batches")
    random = np.random.Generator(np.random.PCG64(4))
    paths = [folder / f"{index:02}.png" for index in range(COUNT)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(path)
    return [(path, 100 + place) for place, path in enumerate(paths)]


def seen(batches: Batches) -> list[int]:
    return [label for _, labels in batches for label in labels.tolist()]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(1, COUNT + 2),
    seed=st.integers(0, 2**64 - 1),
    drop_last=st.booleans(),
    workers=st.integers(1, 3),
)
def test_each_epoch_has_the_order_of_its_stream(
    samples: list[tuple[Path, int]], size: int, seed: int, drop_last: bool, workers: int
) -> None:
    """The generator's permutation, whatever the threads; pixels and labels stay together."""
    expected = decode_batch([path for path, _ in samples], RECIPE, workers=1).pixels
    batches = Batches(
        samples, RECIPE, size, shuffle=True, seed=seed, drop_last=drop_last, dtype="uint8",
        layout="NHWC", workers=workers,
    )  # fmt: skip
    for epoch in range(2):
        order = Stream(seed, f"batches/{epoch}").permutation(COUNT)
        kept = COUNT - COUNT % size if drop_last else COUNT
        given_back = [*batches]
        assert len(given_back) == len(batches)
        labels = [label for _, found in given_back for label in found.tolist()]
        assert labels == (100 + order[:kept]).tolist()
        for images, found in given_back:
            np.testing.assert_array_equal(images, expected[found - 100])


def test_without_shuffle_the_order_stays(samples: list[tuple[Path, int]]) -> None:
    """Every pass is the same, also after one that was left early."""
    batches = Batches(samples, RECIPE, 4)
    next(iter(batches))
    assert seen(batches) == seen(batches) == [label for _, label in samples]


def test_an_epoch_can_be_taken_up_again(samples: list[tuple[Path, int]]) -> None:
    """A program that stopped goes on with the order that would have come."""
    first = Batches(samples, RECIPE, 4, shuffle=True, seed=3)
    orders = [seen(first) for _ in range(3)]
    assert first.epoch == 3
    later = Batches(samples, RECIPE, 4, shuffle=True, seed=3)
    later.epoch = 2
    assert seen(later) == orders[2]
    assert orders[0] != orders[1]


def test_two_loops_at_once(samples: list[tuple[Path, int]]) -> None:
    """Each loop has a loader of its own; neither takes batches from the other."""
    batches = Batches(samples, RECIPE, 4)
    pairs = list(zip(batches, batches, strict=True))
    assert [one[1].tolist() for one, _ in pairs] == [other[1].tolist() for _, other in pairs]


def test_arrays_are_normalised_as_a_loader_does(samples: list[tuple[Path, int]]) -> None:
    """float32, channels first, unless said otherwise."""
    ((images, labels),) = Batches(samples, RECIPE, COUNT)
    paths = [path for path, _ in samples]
    (batch,) = ImageLoader(paths, RECIPE, batch_size=COUNT, layout="NCHW", dtype="float32")
    np.testing.assert_array_equal(images, batch.array)
    assert labels.dtype == np.int64


def test_labels_keep_their_shape(samples: list[tuple[Path, int]]) -> None:
    """Traits are rows of numbers; they come along as they are."""
    rows = [(path, [0.5, float(label)]) for path, label in samples]
    found = np.concatenate([labels for _, labels in Batches(rows, RECIPE, 5)])
    np.testing.assert_array_equal(found, [row for _, row in rows])


@pytest.mark.parametrize(
    "labels",
    [
        [2**63],
        [0, 2**64 - 1],
        [-1, 2**63],
        [0, 2**64],
        [-(2**63) - 1],
        [np.uint64(2**63), np.uint64(1)],
        [np.array([1, 2**63], np.uint64)],
    ],
)
def test_labels_beyond_int64_are_refused(labels: list[Any]) -> None:
    """They would come back as negative numbers, or rounded to float64."""
    with pytest.raises(UsageError, match=r"a label is an integer beyond 2\^63 - 1"):
        Batches([("a.png", label) for label in labels], RECIPE, 2)


def test_labels_up_to_the_ends_of_int64_stay() -> None:
    """Numbers that int64 has, of any type of integers, come back as they are."""
    for labels in ([2**63 - 1, -(2**63)], [*np.array([2**63 - 1, 0], np.uint64)]):
        found = Batches([("a.png", label) for label in labels], RECIPE, 2).labels
        assert found.dtype == np.int64
        assert found.tolist() == [int(label) for label in labels]
    assert Batches([("a.png", 1e30)], RECIPE, 2).labels.tolist() == [1e30]


def test_bytes_are_items(samples: list[tuple[Path, int]]) -> None:
    """Images of an archive or a database need no file; the pixels are those of the file."""
    paths = [path for path, _ in samples]
    contents = [path.read_bytes() for path in paths]
    mixed = [contents[0], paths[1], *contents[2:]]
    expected = decode_batch(paths, RECIPE, workers=1)
    found = decode_batch(mixed, RECIPE, workers=2)
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert found.digests == expected.digests
    np.testing.assert_array_equal(load_batch(contents), load_batch(paths))
    (batch,) = ImageLoader(mixed, RECIPE, batch_size=COUNT, hash_files=True)
    (files,) = ImageLoader(paths, RECIPE, batch_size=COUNT, hash_files=True)
    ours, theirs = [*batch.files], [*files.files]
    assert [one and one[0] for one in ours] == [one and one[0] for one in theirs]
    assert ours[1] == theirs[1]
    assert ours[0] is not None
    assert ours[0][1] is None


def test_bytes_that_are_no_image_are_named_by_their_place(
    samples: list[tuple[Path, int]],
) -> None:
    """There is no path to name."""
    items = [samples[0][0], b"no image", b""]
    (batch,) = ImageLoader(items, RECIPE, batch_size=3, on_error="report")
    assert [failure.path for failure in batch.failures] == [
        "item 1 (8 bytes)", "item 2 (0 bytes)",
    ]  # fmt: skip
    assert batch.failures[0].kind == "unknown-format"


def test_a_bad_file_is_named_by_its_place_among_the_samples(
    samples: list[tuple[Path, int]], tmp_path: Path
) -> None:
    """Shuffled or not, the name leads to the sample."""
    bad: list[Any] = [*samples[:6], (b"no image", 1), *samples[6:]]
    with pytest.raises(DataError, match=r"item 6 \(8 bytes\): "):
        seen(Batches(bad, RECIPE, 4, shuffle=True, seed=1))
    missing = [*samples, (tmp_path / "missing.png", 1)]
    with pytest.raises(DataError, match=r"missing\.png: the file does not exist"):
        seen(Batches(missing, RECIPE, 4))


def test_no_samples_give_no_batches() -> None:
    """An empty split is not a special case for the loop."""
    batches = Batches([], RECIPE, 4, shuffle=True)
    assert (len(batches), [*batches]) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0; use 1 to"),
        ({"arrays": "jax"}, "arrays is 'jax'; use numpy or torch"),
        ({"layout": "CHW"}, "layout is 'CHW'"),
        ({"seed": -1}, "the seed is -1"),
        ({"samples": [("a.png", "cat")]}, "labels must be numbers"),
        ({"samples": [("a.png", 1), ("b.png", [1, 2])]}, "labels must be numbers"),
        ({"samples": ["a.png"]}, "samples are pairs"),
        ({"samples": [(3, 1)]}, "an item is int"),
        ({"on_error": "report"}, "on_error has no use here"),
        ({"recipe": None}, "recipe is NoneType"),
    ],
)
def test_arguments_are_checked_before_a_loop(arguments: dict[str, Any], message: str) -> None:
    """One line where the object is made, and not in the first epoch."""
    call = {"samples": [("a.png", 1)], "recipe": RECIPE, "batch_size": 2, **arguments}
    with pytest.raises(UsageError, match=message):
        Batches(**call)


@pytest.mark.parametrize("arguments", [{"arrays": "torch"}, {"pin_memory": True}])
def test_torch_is_looked_for_before_a_loop(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without torch one line names the remedy where the object is made, and not in an epoch."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        ModelError, match=r"^torch is not installed; pip install 'biobench\[run\]'$"
    ):
        Batches([("a.png", 1)], RECIPE, 2, **arguments)


def test_an_epoch_is_a_number(samples: list[tuple[Path, int]]) -> None:
    """Set by hand, it can be wrong."""
    batches = Batches(samples, RECIPE, 4, shuffle=True)
    batches.epoch = -1
    with pytest.raises(UsageError, match="epoch is -1"):
        next(iter(batches))
