"""Views: frames of clips and images of observations, as numbers first and in manifests then."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_values import TABLES, make_task

from biobench.data.build import manifest_of
from biobench.data.counts import count_differences
from biobench.data.layouts import LayoutItems
from biobench.data.manifest import Item, Manifest, Split
from biobench.data.sample import sample_key, sample_train
from biobench.data.views import frame_numbers, middle, most_frequent, random_start
from biobench.errors import DataError, SpecError
from biobench.spec.documents import Counts, Division
from biobench.spec.generator import Stream

CLIPS = {
    "kind": "frames",
    "frames": 3,
    "stride": 2,
    "start": "middle",
    "pool": "max",
    "clip_label": "most-frequent",
    "short": "drop",
    "missing": "error",
}
OBSERVED = {"kind": "observation", "pool": "mean", "splits": ["test"]}
HERE = Path("data")


def image(path: str, label: str, split: Split, subject: str = "", **more: Any) -> Item:
    return Item(path, path, label, split, subject=subject, **more)


def clip(name: str, labels: str, split: Split) -> list[Item]:
    """Frames in order; their paths are such that as text frame 10 comes before frame 2."""
    return [image(f"{name}/{i}.jpg", label, split, name) for i, label in enumerate(labels, 1)]


def clips(*more: Item, view: dict[str, Any] | None = None, **task: Any) -> Manifest:
    """Two sound train clips, one sound test clip, and more."""
    items = [*clip("k", "aaaaa", "train"), *clip("l", "bbbbb", "train"), *more]
    found = LayoutItems([*items, *clip("m", "aaaaa", "test")])
    return manifest_of(make_task("csv", TABLES, view=view or CLIPS, **task), found, HERE, 17)


@given(st.integers(1, 200), st.integers(1, 20), st.integers(1, 9), st.integers(0, 10**6))
def test_frames_are_those_of_the_published_loop(count: int, k: int, stride: int, at: int) -> None:
    """The stride shrinks by one until the clip fits; then a start and every so many frames."""
    if count < k:
        with pytest.raises(ValueError, match="fewer"):
            frame_numbers(count, frames=k, stride=stride, start=middle)
        return
    while count < (k - 1) * stride + 1:
        stride -= 1
    spare = count - ((k - 1) * stride + 1)
    for start in (spare // 2, at % (spare + 1)):
        expected = list(range(count))[start::stride][:k]
        assert len(expected) == k
        found = frame_numbers(count, frames=k, stride=stride, start=lambda _, first=start: first)
        assert found == expected
    assert frame_numbers(count, frames=k, stride=stride, start=middle)[0] == spare // 2


@given(st.integers(0, 90), st.integers(0, 2**64 - 1), st.text(max_size=5))
def test_a_random_start_is_a_clips_own(spare: int, seed: int, name: str) -> None:
    """It is the first integer of the clip's stream, whatever other clips there are."""
    start = random_start(seed, "kabr", name)(spare)
    word = Stream(seed, f"frames/kabr/{name}").word(0)
    assert start == word * (spare + 1) >> 64


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=9))
def test_the_clips_label_is_the_most_frequent(labels: list[str]) -> None:
    """A tie goes to the first name, so that it does not depend on the order of the frames."""
    best = most_frequent(labels, lambda name: name)
    counts = Counter(labels)
    assert counts[best] == max(counts.values())
    assert all(best <= name for name in counts if counts[name] == counts[best])
    assert best == most_frequent(labels[::-1], lambda name: name)


def test_a_clip_is_one_item_of_the_frames_that_are_taken() -> None:
    """Rows are frames by path; the item is the clip, with the label of the taken frames alone."""
    # Of 10 frames 3, 5, 7 are taken: two b and one c, however many a lie around them.
    manifest = clips(*clip("n", "aabacabaaa", "train"))
    rows = [row for row in manifest.rows if row.subject == "n"]
    assert [row.path for row in rows] == ["n/3.jpg", "n/5.jpg", "n/7.jpg"]
    assert [row.label for row in rows] == [1, 1, 1]
    assert manifest.classes == ("a", "b")
    assert [row.id for row in manifest.items.rows] == ["k", "l", "n", "m"]
    assert manifest.item_of_row.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert [row.scored for row in manifest.items.rows] == [False, False, False, True]
    assert manifest.items.items is manifest.items


def test_frames_are_chosen_by_position_and_rows_ordered_by_path() -> None:
    """Frame 9 to 11 of 19 with stride 1: '10' comes before '9' in the manifest only."""
    manifest = clips(*clip("n", "a" * 19, "train"), view={**CLIPS, "stride": 1})
    rows = [row.path for row in manifest.rows if row.subject == "n"]
    assert rows == ["n/10.jpg", "n/11.jpg", "n/9.jpg"]


def test_short_clips_are_dropped_and_counted_or_refused() -> None:
    """In either split; a view may call them an error instead, with the clip's name."""
    short = [*clip("s", "aa", "train"), *clip("t", "b", "test")]
    manifest = clips(*short)
    assert (manifest.dropped, len(manifest.items.rows)) == (2, 3)
    words = r"2 faults: s: the clip has 2 of the 3 frames .*; t: .*; lower frames"
    with pytest.raises(DataError, match=words):
        clips(*short, view={**CLIPS, "short": "error"})


def test_a_split_of_short_clips_is_empty() -> None:
    """The message says what became of them."""
    found = LayoutItems(
        [*clip("k", "aaa", "train"), *clip("l", "bbb", "train"), *clip("m", "a", "test")]
    )
    words = r"empty \(1 clip is too short or misses frames\); lower frames in the view"
    with pytest.raises(DataError, match=words):
        manifest_of(make_task("csv", TABLES, view=CLIPS, division="open"), found, HERE, 17)
    with pytest.raises(DataError, match=r"misses frames\); provide a complete copy"):
        manifest_of(make_task("csv", TABLES, view=CLIPS), found, HERE, 17)


def test_a_clip_with_a_missing_frame_is_dropped_where_the_view_says_so() -> None:
    """The same, were the missing frame to be taken or not."""
    items = [*clip("k", "aaaaa", "train"), *clip("l", "bbbbb", "train"), *clip("m", "aaa", "test")]
    found = LayoutItems([*items, *clip("n", "aaaaa", "train")], missing={"n/1.jpg": "t.csv line 9"})
    view = {**CLIPS, "missing": "drop"}
    manifest = manifest_of(make_task("csv", TABLES, view=view), found, HERE, 17)
    assert (manifest.dropped, [row.id for row in manifest.items.rows]) == (1, ["k", "l", "m"])


def test_a_random_start_needs_a_seed_and_moves_the_frames() -> None:
    """The middle does not; the start of one clip does not follow from the others."""
    view = {**CLIPS, "start": "random"}
    found = LayoutItems([*clip("k", "a" * 60, "train"), *clip("l", "b" * 60, "train"),
                   *clip("m", "a" * 60, "test")])  # fmt: skip
    task = make_task("csv", TABLES, view=view)
    with pytest.raises(ValueError, match="seed"):
        manifest_of(task, found, HERE)
    first, other = (manifest_of(task, found, HERE, seed) for seed in (17, 18))
    assert first.digest != other.digest
    fewer = manifest_of(task, LayoutItems([*found.items, *clip("n", "a" * 60, "train")]), HERE, 17)
    assert {row.id for row in first.rows} < {row.id for row in fewer.rows}


def test_written_ids_break_ties_as_numbers() -> None:
    """'9' is a smaller id than '10', though not as text."""
    items = [*clip("k", "99999", "train"), *clip("l", "11111", "train"), *clip("m", "1", "test")]
    tie = [image(f"n/{i}.jpg", label, "train", "n") for i, label in enumerate(["10", "9"])]
    view = {**CLIPS, "frames": 1, "stride": 1}
    pair = {**view, "frames": 2}
    for chosen, label in ((view, 10), (pair, 9)):
        task = make_task("csv", TABLES, view={**chosen, "short": "drop"}, label_rule="written-ids")
        test = clip("m", "11", "test")
        manifest = manifest_of(task, LayoutItems([*items[:-1], *tie, *test]), HERE, 17)
        assert [r.label for r in manifest.items.rows if r.id == "n"] == [label]


def observations(*items: Item, view: dict[str, Any] = OBSERVED, **task: Any) -> Manifest:
    train = [image("1.jpg", "a", "train", "o1"), image("2.jpg", "b", "train", "o1")]
    found = LayoutItems([*train, *items], traits=task.pop("traits", ()))
    return manifest_of(make_task("csv", TABLES, view=view, **task), found, HERE)


def test_an_observation_is_one_item_on_the_splits_that_the_view_names() -> None:
    """FungiCLEF learns from images and is tested on observations, in order of their names."""
    manifest = observations(
        image("9.jpg", "a", "test", "10"),
        image("8.jpg", "b", "test", "9"),
        image("7.jpg", "a", "test", "10"),
    )
    assert [(row.id, row.subject) for row in manifest.rows] == [
        ("1.jpg", ""),
        ("2.jpg", ""),
        ("7.jpg", "10"),
        ("9.jpg", "10"),
        ("8.jpg", "9"),
    ]
    assert [row.id for row in manifest.items.rows] == ["1.jpg", "2.jpg", "10", "9"]
    assert [row.label for row in manifest.items.rows] == [0, 1, 0, 1]
    assert manifest.item_of_row.tolist() == [0, 1, 2, 2, 3]


def test_the_digest_covers_the_subject() -> None:
    """The same images in other observations are other items."""
    one = observations(image("8.jpg", "a", "test", "x"), image("9.jpg", "a", "test", "x"))
    two = observations(image("8.jpg", "a", "test", "x"), image("9.jpg", "a", "test", "y"))
    assert one.digest != two.digest
    assert one.items.digest != two.items.digest


def test_an_observation_has_one_label_one_group_and_one_list_of_traits() -> None:
    """Taking the first of two would be a guess."""
    with pytest.raises(DataError, match="x: the observation has 2 labels: 'a', 'b'"):
        observations(image("8.jpg", "b", "test", "x"), image("9.jpg", "a", "test", "x"))
    train = [image(f"{i}.jpg", "ab"[i % 2], "train", str(i), group="gh"[i // 2]) for i in range(4)]
    both = [
        image("8.jpg", "a", "test", "x", group="g"),
        image("9.jpg", "a", "test", "x", group="h"),
    ]
    with pytest.raises(DataError, match="x: its images are in different groups"):
        manifest_of(make_task("csv", TABLES, view=OBSERVED), LayoutItems([*train, *both]), HERE)


def test_an_observation_must_not_have_the_id_of_an_image() -> None:
    """Predictions and features are told apart by id alone."""
    with pytest.raises(DataError, match=r"its id 1\.jpg is that of another item"):
        observations(image("8.jpg", "a", "test", "1.jpg"))


@pytest.mark.parametrize("view", [CLIPS, OBSERVED])
def test_a_view_that_pools_needs_subjects(view: dict[str, Any]) -> None:
    """An image folder has none."""
    found = LayoutItems([image("1.jpg", "a", "train"), image("2.jpg", "a", "test")])
    with pytest.raises(SpecError, match="needs images with a subject"):
        manifest_of(make_task(view=view), found, HERE)


def test_counts_and_exclusions_speak_of_items() -> None:
    """Three frames of one clip are one test item, and one exclusion."""
    counts = Counts(2, 3, 2)
    manifest = clips(*clip("n", "ccccc", "test"), *clip("o", "bbbbb", "test"), counts=counts)
    task = make_task("csv", TABLES, view=CLIPS, counts=counts)
    assert (manifest.excluded, len(manifest.rows)) == (1, 12)
    assert count_differences(task, manifest) == []
    wrong = make_task("csv", TABLES, view=CLIPS, counts=Counts(6, None, None))
    assert count_differences(wrong, manifest) == ["pebbles: 2 train items found, 6 expected"]


@pytest.mark.parametrize("division", ["official", "compat"])
def test_few_shot_takes_clips_with_all_their_frames(division: Division) -> None:
    """The key is the clip's name, and no clip loses a frame."""
    names = [f"{label}{i}" for label in "ab" for i in range(6)]
    items = [frame for name in names for frame in clip(name, name[0] * 5, "train")]
    task = make_task("csv", TABLES, view=CLIPS, division=division)
    manifest = manifest_of(task, LayoutItems([*items, *clip("m", "aaaaa", "test")]), HERE, 17)
    sample = sample_train(task, manifest, 2 if division == "official" else 4)
    kept = [row.id for row in sample.items.rows if row.split == "train"]
    expected = [
        sorted((n for n in names if n[0] == label), key=lambda n: sample_key(task, n))[:2]
        for label in "ab"
    ]
    assert sorted(kept) == sorted(name for chosen in expected for name in chosen)
    assert all(Counter(row.subject for row in sample.rows)[name] == 3 for name in kept)
