"""The split of a folder that is already split, and what is doubtful about it.

In: images that their folders put on a side, and what belongs together. Out: the images of the test
split, with lines on groups and copies that are on both sides and on classes without a test image.
Nothing is moved: the split is the owner's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from biobench.data.class_folders.listing import FolderImage
from biobench.data.class_folders.split import Halves, listed
from biobench.data.duplicates import LEAKED, pairs_line
from biobench.errors import counted


def keep_split(
    images: Sequence[FolderImage], groups: Mapping[str, str], copies: Sequence[Sequence[str]]
) -> Halves:
    """The split that folders make.

    Args:
        images: Images, each with its split.
        groups: Group of a path; absent for an image that belongs to no other.
        copies: Paths with equal bytes.
    """
    test = frozenset(image.path for image in images if image.split == "test")
    notes = (*_groups(groups, test), *_copies(copies, test), *_classes(images))
    return Halves(test, notes)


def _groups(groups: Mapping[str, str], test: frozenset[str]) -> Iterator[str]:
    sides: Mapping[str, set[bool]] = {name: set() for name in sorted(set(groups.values()))}
    for path, name in groups.items():
        sides[name].add(path in test)
    both = [name for name, of in sides.items() if len(of) == 2]
    if both:
        count = f"{counted(len(both), 'group')} of {len(sides)}"
        yield f"{count} on both sides of the split: {listed(both)}"


def _copies(copies: Sequence[Sequence[str]], test: frozenset[str]) -> Iterator[str]:
    pairs = []
    for alike in copies:
        train = next((path for path in alike if path not in test), None)
        if train is not None:
            pairs += [(path, train) for path in alike if path in test]
    if pairs:
        yield pairs_line(LEAKED, pairs)


def _classes(images: Sequence[FolderImage]) -> Iterator[str]:
    scored = {image.label for image in images if image.split == "test"}
    whole = {image.label for image in images} - scored
    if whole:
        yield (
            f"{counted(len(whole), 'class has', 'classes have')} no image in the test split, so "
            f"no score of {'it' if len(whole) == 1 else 'them'} is in the mean: "
            f"{listed(sorted(whole))}"
        )
