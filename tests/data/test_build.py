"""The manifest: order, label index, exclusions and faults, by property where arithmetic is."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_values import COCO, coco_document, make_task, plant, write_coco

from biobench.data.build import build_manifest, label_index
from biobench.data.counts import count_differences
from biobench.data.manifest import Item
from biobench.errors import DataError
from biobench.spec.documents import Counts

NAMES = st.sampled_from(["a", "B", "b", "Z", "z", "é", "10", "2", "\U0001f33f", "\ufffd"])
ITEMS = st.lists(st.tuples(NAMES, st.sampled_from(["train", "test"])), min_size=1, max_size=30)


def as_items(pairs: list[tuple[str, str]]) -> list[Item]:
    return [
        Item(str(i), str(i), label, "train" if split == "train" else "test")
        for i, (label, split) in enumerate(pairs)
    ]


@given(ITEMS)
def test_the_label_index_sorts_names_by_code_point(pairs: list[tuple[str, str]]) -> None:
    """Labels must not depend on locale, on UTF-16 order, or on the order of the files."""
    items = as_items(pairs)
    train = sorted({p for p, s in pairs if s == "train"}, key=lambda n: [ord(c) for c in n])
    test = sorted({p for p, s in pairs if s == "test"}, key=lambda n: [ord(c) for c in n])
    both = sorted(set(train) | set(test), key=lambda n: [ord(c) for c in n])
    for order in (items, items[::-1]):
        assert label_index(make_task(label_rule="train-names"), order) == (
            tuple(train),
            tuple(train),
        )
        assert label_index(make_task(label_rule="split-names"), order) == (
            tuple(train),
            tuple(test),
        )
        assert label_index(make_task(label_rule="union-names"), order) == (
            tuple(both),
            tuple(both),
        )


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "B", "c"]), st.sampled_from("0aAzZé~")),
        min_size=1,
        max_size=12,
        unique=True,
    )
)
def test_rows_are_train_then_test_each_by_path(pairs: list[tuple[str, str]]) -> None:
    """A row's place decides ties in kNN and the micro-batch, so it follows from the paths alone."""
    with tempfile.TemporaryDirectory() as name:
        paths = [
            f"{split}/{label}/{stem}.png" for label, stem in pairs for split in ("train", "val")
        ]
        root = plant(Path(name), *paths, "train/a/_.jpg", "train/c/_.jpg", "val/a/_.jpg")
        manifest = build_manifest(make_task(), root)
    found = [(row.split, row.path) for row in manifest.rows]
    order = {"train": 0, "test": 1}
    assert found == sorted(found, key=lambda r: (order[r[0]], [ord(c) for c in r[1]]))
    for row in manifest.rows:
        assert manifest.classes[row.label] == row.path.split("/")[1]
        assert row.scored == (row.split == "test")


def test_a_test_class_without_train_images_is_excluded_and_counted(tmp_path: Path) -> None:
    """An item that cannot be right is no test item, and no later label is shifted by it."""
    root = plant(
        tmp_path, "train/a/1.jpg", "train/z/2.jpg",
        "val/U/3.jpg", "val/a/4.jpg", "val/z/5.jpg", "val/z/6.jpg",
    )  # fmt: skip
    manifest = build_manifest(make_task(), root)
    assert manifest.classes == ("a", "z")
    assert manifest.excluded == 1
    assert [(r.path, r.label) for r in manifest.rows if r.scored] == [
        ("val/a/4.jpg", 0),
        ("val/z/5.jpg", 1),
        ("val/z/6.jpg", 1),
    ]


def test_compat_excludes_nothing_and_shifts_labels_as_upstream_does(tmp_path: Path) -> None:
    """With split-names the extra folder takes label 0, and later classes get other labels."""
    root = plant(tmp_path, "train/a/1.jpg", "train/z/2.jpg", "val/U/3.jpg", "val/a/4.jpg")
    task = make_task(label_rule="split-names", division="compat")
    manifest = build_manifest(task, root)
    assert manifest.excluded == 0
    assert (manifest.classes, manifest.test_classes) == (("a", "z"), ("U", "a"))
    assert [(r.path, r.label) for r in manifest.rows] == [
        ("train/a/1.jpg", 0),
        ("train/z/2.jpg", 1),
        ("val/U/3.jpg", 0),
        ("val/a/4.jpg", 1),
    ]


def test_half_excluded_is_allowed_and_more_is_an_error(tmp_path: Path) -> None:
    """Two splits of different data sets must not give a score of what they happen to share."""
    root = plant(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "val/x/4.jpg")
    assert build_manifest(make_task(), root).excluded == 1
    plant(root, "val/y/5.jpg")
    with pytest.raises(DataError, match="2 of 3 test items have no train example"):
        build_manifest(make_task(), root)
    build_manifest(make_task(division="compat", label_rule="union-names"), root)


def test_exclusions_that_the_document_expects_do_not_count_towards_half(tmp_path: Path) -> None:
    """Plankton's test tree is 62 per cent Unclassifiable by design; they still are counted."""
    root = plant(
        tmp_path, "train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg",
        *(f"val/Unclassifiable/{i}.jpg" for i in range(9)),
    )  # fmt: skip
    options = {
        "splits": {"train": "train", "test": "val"},
        "expected_exclusions": ["Unclassifiable"],
    }
    assert build_manifest(make_task(options=options), root).excluded == 9
    plant(root, "val/x/4.jpg", "val/y/5.jpg")
    with pytest.raises(DataError, match="2 of 3 test items"):
        build_manifest(make_task(options=options), root)


@given(
    st.lists(st.sampled_from("abcdef"), min_size=2, max_size=25).filter(lambda n: len(set(n)) > 1)
)
def test_an_individual_with_one_image_stays_in_the_gallery_unscored(names: list[str]) -> None:
    """It cannot be found, but it can be mistaken for another."""
    sizes = Counter(names)
    alone = sum(1 for n in names if sizes[n] == 1)
    with tempfile.TemporaryDirectory() as name:
        files = [f"{i}.jpg" for i in range(len(names))]
        root = write_coco(Path(name), coco_document(names), *files)
        compat = build_manifest(
            make_task("coco", COCO, split_rule="leave-one-out", division="compat"), root
        )
        task = make_task("coco", COCO, split_rule="leave-one-out")
        if 2 * alone > len(names):
            with pytest.raises(DataError, match="more than half"):
                build_manifest(task, root)
            return
        manifest = build_manifest(task, root)
    assert manifest.excluded == alone
    assert [r.split for r in manifest.rows] == ["gallery"] * len(names)
    assert all(r.scored == (sizes[manifest.classes[r.label]] > 1) for r in manifest.rows)
    assert compat.excluded == 0
    assert compat.scored().all()
    assert compat.digest == manifest.digest


def test_rows_of_a_gallery_are_in_order_of_their_path_not_of_the_document(tmp_path: Path) -> None:
    """'10.jpg' comes before '2.jpg': code points, not numbers, and not the order of the JSON."""
    names = ["a", "b"] * 6
    root = write_coco(tmp_path, coco_document(names), *(f"{i}.jpg" for i in range(12)))
    rows = build_manifest(make_task("coco", COCO, split_rule="leave-one-out"), root).rows
    assert [r.id for r in rows] == ["0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"]


def test_the_digest_does_not_depend_on_where_the_data_lie(tmp_path: Path) -> None:
    """Two laboratories compare manifests by digest."""
    paths = ("train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg")
    first = build_manifest(make_task(), plant(tmp_path / "one", *paths))
    second = build_manifest(make_task(), plant(tmp_path / "two", *reversed(paths)))
    third = build_manifest(make_task(), plant(tmp_path / "three", *paths, "val/b/4.jpg"))
    assert first.digest == second.digest
    assert first.digest != third.digest


def test_an_empty_split_is_named(tmp_path: Path) -> None:
    """A split folder that holds nothing is not a test set of size zero."""
    root = plant(tmp_path, "train/a/1.jpg", "train/b/2.jpg")
    (root / "val").mkdir()
    with pytest.raises(DataError, match="the split test is empty"):
        build_manifest(make_task(), root)


def test_one_class_only_is_an_error(tmp_path: Path) -> None:
    """A score over one class says nothing."""
    root = plant(tmp_path / "f", "train/a/1.jpg", "train/a/2.jpg", "val/a/3.jpg")
    with pytest.raises(DataError, match=r"only one class \(a\)"):
        build_manifest(make_task(), root)
    gallery = write_coco(tmp_path / "c", coco_document(["ann"] * 2), "0.jpg", "1.jpg")
    with pytest.raises(DataError, match=r"only one class \(ann\)"):
        build_manifest(make_task("coco", COCO, split_rule="leave-one-out"), gallery)


def test_counts_are_compared_before_exclusion(tmp_path: Path) -> None:
    """A document counts the files of a split; what the protocol leaves out is still there."""
    root = plant(
        tmp_path, "train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "val/b/4.jpg", "val/x/5.jpg"
    )
    right = make_task(counts=Counts(2, 3, 2))
    assert count_differences(right, build_manifest(right, root)) == []
    silent = make_task(counts=Counts(None, None, None))
    assert count_differences(silent, build_manifest(silent, root)) == []
    wrong = make_task(counts=Counts(3, 2, 3))
    assert count_differences(wrong, build_manifest(wrong, root)) == [
        "pebbles: 2 train images found, 3 expected",
        "pebbles: 3 test images found, 2 expected",
        "pebbles: 2 classes found, 3 expected",
    ]
