"""The split of class folders: stratified, stable, and with what belongs together on one side."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.data.class_folders.listing import FolderImage
from biobench.data.class_folders.split import Halves, split_images
from biobench.errors import DataError
from biobench.spec.generator import Stream

SHARE = Fraction(7, 10)


def images_of(sizes: Mapping[str, int]) -> list[FolderImage]:
    return [
        FolderImage(f"{label}/{i:03}.jpg", label, None)
        for label, size in sizes.items()
        for i in range(size)
    ]


def split(
    images: Sequence[FolderImage],
    groups: Mapping[str, str] | None = None,
    copies: Sequence[Sequence[str]] = (),
    share: Fraction = SHARE,
) -> Halves:
    return split_images(images, groups or {}, copies, share, 17)


def test_the_least_keys_of_each_class_are_tested() -> None:
    """Protects: the rule as documented: word 0 of stream split/<path>, by class."""
    images = images_of({"fox": 10, "hare": 5})
    wanted = set()
    for label, count in (("fox", 3), ("hare", 2)):
        paths = [image.path for image in images if image.label == label]
        wanted |= set(sorted(paths, key=lambda p: Stream(17, f"split/{p}").word(0))[:count])
    halves = split(images)
    assert halves.test == wanted
    assert halves.notes == ()


def test_the_recorded_split() -> None:
    """Protects: the same files are split alike in every version."""
    halves = split(images_of({"a": 6, "b": 4}), share=Fraction(1, 2))
    assert sorted(halves.test) == RECORDED


RECORDED = ["a/001.jpg", "a/002.jpg", "a/003.jpg", "b/002.jpg", "b/003.jpg"]


@given(st.dictionaries(st.sampled_from(string.ascii_lowercase), st.integers(2, 30), min_size=2))
def test_each_class_is_on_both_sides(sizes: dict[str, int]) -> None:
    """Protects: without groups each class has its share to the nearest image, 1 at least."""
    halves = split(images_of(sizes))
    tested = Counter(path[0] for path in halves.test)
    for label, size in sizes.items():
        assert 1 <= tested[label] < size
        assert tested[label] == max(1, int(size * Fraction(3, 10) + Fraction(1, 2)))


@given(st.permutations(images_of({"fox": 9, "hare": 8})))
def test_the_order_of_the_files_is_without_effect(images: list[FolderImage]) -> None:
    """Protects: a file system may list files in any order."""
    assert split(images).test == split(sorted(images)).test


@given(st.integers(0, 19), st.text(string.ascii_letters, min_size=1, max_size=8))
def test_a_renamed_or_new_file_moves_one_other_at_most(place: int, name: str) -> None:
    """Protects: the split survives changes of other files as far as the shares allow."""
    images = images_of({"fox": 20, "hare": 8})
    before = split(images).test
    renamed = FolderImage(f"fox/{name}.jpg", "fox", None)
    others = {image.path for image in images} - {images[place].path, renamed.path}
    for changed in ([*images[:place], renamed, *images[place + 1 :]], [*images, renamed]):
        after = split(changed).test
        assert len((before ^ after) & others) <= 1


groupings = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 6)), min_size=4, max_size=60)


@given(groupings, st.lists(st.lists(st.integers(0, 59), min_size=2, max_size=4), max_size=3))
def test_what_belongs_together_is_on_one_side(
    drawn: list[tuple[str, int]], alike: list[list[int]]
) -> None:
    """Protects: groups, and copies over the borders of groups, are never parted; every class keeps
    a train image; a class without a test image could have none."""
    images = [FolderImage(f"{label}/{i}.jpg", label, None) for i, (label, _) in enumerate(drawn)]
    groups = {image.path: f"g{number}" for image, (_, number) in zip(images, drawn, strict=True)}
    copies = [[images[i].path for i in some if i < len(images)] for some in alike]
    copies = [paths for paths in copies if len(paths) > 1]
    try:
        halves = split(images, groups, copies)
    except DataError:
        return
    sides: dict[str, set[bool]] = {}
    for path, group in groups.items():
        sides.setdefault(group, set()).add(path in halves.test)
    assert all(len(of) == 1 for of in sides.values())
    assert all(len({path in halves.test for path in paths}) == 1 for paths in copies)
    learnt = {image.label for image in images if image.path not in halves.test}
    assert learnt == {image.label for image in images}


def test_groups_come_near_the_share() -> None:
    """Protects: with groups of several sizes the shares are met where the groups allow."""
    images = images_of({"fox": 40, "hare": 40})
    groups = {image.path: f"site {int(image.path[-7:-4]) // 4}" for image in images}
    halves = split(images, groups)
    assert Counter(path.partition("/")[0] for path in halves.test) == {"fox": 12, "hare": 12}
    assert halves.notes == ()


def test_a_share_that_groups_move_is_said() -> None:
    """Protects: two bursts of ten images cannot be parted 70 to 30, and a note says what came of
    it."""
    images = images_of({"fox": 20, "hare": 20})
    groups = {image.path: f"{image.label} {int(image.path[-7:-4]) // 10}" for image in images}
    halves = split(images, groups)
    assert len(halves.test) == 20
    assert halves.notes == (
        "what belongs together is on one side: in 2 classes the share that is learnt from is "
        "0.50, not 0.70",
    )
    groups |= {image.path: "day" for image in images[20:24]}
    (note,) = split(images, groups).notes
    assert re.search(r"lies between 0\.\d\d and 0\.\d\d, not at 0\.70", note)


def test_classes_that_cannot_be_scored_are_named() -> None:
    """Protects: a class of one image, and one that is one group, are learnt from and named."""
    images = images_of({"fox": 10, "hare": 1, "owl": 4})
    groups = {image.path: "nest" for image in images if image.label == "owl"}
    halves = split(images, groups)
    assert {path.partition("/")[0] for path in halves.test} == {"fox"}
    one, whole = halves.notes
    assert "1 class has one image" in one
    assert "'hare'" in one
    assert "1 class is not scored" in whole
    assert "'owl'" in whole


def test_nothing_left_to_score() -> None:
    """Protects: groups that empty a side, and one image a class, are one line with what to do."""
    images = images_of({"fox": 4, "hare": 4})
    with pytest.raises(DataError, match="the groups leave no image to score") as error:
        split(images, {image.path: image.label for image in images})
    assert error.value.remedy
    with pytest.raises(DataError, match="each class has one image"):
        split(images_of({"fox": 1, "hare": 1}))
