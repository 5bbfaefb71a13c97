"""Few-shot samples: size, balance, and independence of the order of files."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_values import COCO, make_task

from biobench.data.manifest import Manifest, Row
from biobench.data.sample import sample_key, sample_train
from biobench.errors import UsageError


def make_manifest(sizes: list[int]) -> Manifest:
    names = [(f"{label}/{i}", label) for label, size in enumerate(sizes) for i in range(size)]
    rows = tuple(Row(n, n, label, "train", False) for n, label in sorted(names))
    rows += tuple(Row(f"t{label}", f"t{label}", label, "test", True) for label in range(len(sizes)))
    classes = tuple(str(label) for label in range(len(sizes)))
    return Manifest(Path("."), classes, rows, {}, classes)


SIZES = st.lists(st.integers(1, 12), min_size=2, max_size=6)


def test_the_key_is_the_hash_that_the_specification_writes_down() -> None:
    """Another language must choose the same images."""
    expected = hashlib.sha256(b"pebbles 3\x00train/caf\xc3\xa9/1.jpg").digest()
    assert sample_key(make_task(version=3), "train/café/1.jpg") == expected


@given(SIZES, st.integers(1, 15))
def test_official_takes_n_a_class_and_all_where_there_are_fewer(sizes: list[int], n: int) -> None:
    """Each class has the rows with the smallest keys; test rows and order stay."""
    task, manifest = make_task(), make_manifest(sizes)
    sample = sample_train(task, manifest, n)
    train = [r for r in sample.rows if r.split == "train"]
    assert Counter(r.label for r in train) == {k: min(n, s) for k, s in enumerate(sizes)}
    kept = {r.id for r in train}
    for label in range(len(sizes)):
        ids = sorted(
            (f"{label}/{i}" for i in range(sizes[label])), key=lambda i: sample_key(task, i)
        )
        assert kept.issuperset(ids[:n])
    assert [r for r in manifest.rows if r in sample.rows] == list(sample.rows)
    assert [r for r in sample.rows if r.split == "test"] == [
        r for r in manifest.rows if r.split == "test"
    ]


@given(SIZES, st.integers(1, 40))
def test_compat_takes_n_in_total_as_evenly_as_the_classes_allow(sizes: list[int], n: int) -> None:
    """No class gets a second row more than another class that still has one to give."""
    sample = sample_train(make_task(division="compat"), make_manifest(sizes), n)
    taken = Counter(r.label for r in sample.rows if r.split == "train")
    assert sum(taken.values()) == min(n, sum(sizes))
    most = max(taken.values())
    assert all(taken[k] >= min(most - 1, size) for k, size in enumerate(sizes))


@given(
    SIZES,
    st.integers(1, 8),
    st.randoms(use_true_random=False),
    st.sampled_from(["official", "compat"]),
)
def test_the_choice_survives_a_reordering_of_the_rows(
    sizes: list[int], n: int, random: object, division: str
) -> None:
    """A renamed folder elsewhere moves rows about and must not change what is learnt from."""
    task = make_task(division="compat" if division == "compat" else "official")
    manifest = make_manifest(sizes)
    rows = list(manifest.rows)
    random.shuffle(rows)  # type: ignore[attr-defined]
    moved = Manifest(manifest.root, manifest.classes, tuple(rows), {}, manifest.test_classes)
    first, second = sample_train(task, manifest, n), sample_train(task, moved, n)
    assert set(first.rows) == set(second.rows)


def test_a_new_task_version_draws_another_sample() -> None:
    """The version is part of the key, so that a changed task is a changed sample."""
    manifest = make_manifest([40, 40])
    first = sample_train(make_task(version=1), manifest, 5)
    second = sample_train(make_task(version=2), manifest, 5)
    assert first.digest != second.digest


def test_a_gallery_has_no_train_split_to_sample() -> None:
    """Leave-one-out tasks refuse --n-train as a wrong argument."""
    task = make_task("coco", COCO, split_rule="leave-one-out")
    with pytest.raises(UsageError, match="no train split") as caught:
        sample_train(task, make_manifest([3, 3]), 2)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("n", [0, -1])
def test_fewer_than_one_example_is_refused(n: int) -> None:
    """Nothing can be learnt from no example."""
    with pytest.raises(UsageError, match="at least 1"):
        sample_train(make_task(), make_manifest([3, 3]), n)
