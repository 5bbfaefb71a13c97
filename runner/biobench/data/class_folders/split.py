"""The split of class folders into train and test, by class and by groups.

In: images with their classes, and what belongs together. Out: the images of the test split, and
what the groups made impossible. docs/class-folders.md states the rule for people.

1. A unit is all images that share a group or, over any number of steps, equal bytes; an image that
   shares nothing is a unit by itself. The key of a name is word 0 of stream ``split/<name>``; that
   of a unit is the least key of its groups, and of the paths of its images without one.
2. A class of n images has the goal of floor(n (1 - share) + 1/2) test images, at least 1 and at
   most n - 1.
3. In ascending order of keys a unit goes to test if no class then has more than its goal.
4. In the same order a unit that is not in test goes there if that brings the counts of its classes
   nearer to their goals, in sum, and each of these classes keeps a train image.
5. A class without a test image, in code-point order of the names, gives its unit of the fewest
   images (of several the one with the least key) of which each class keeps a train image.

Without groups and copies the goals are met exactly: the images with the least keys are tested. A
key depends on one name alone, so another image more or less moves at most one other image a class.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from biobench.data.class_folders.listing import FolderImage
from biobench.errors import DataError, counted, shown
from biobench.spec.generator import Stream

MAX_NAMED = 5
"""Classes that fit in one line for people."""


@dataclass(frozen=True)
class Halves:
    """The outcome of a split.

    Attributes:
        test: Paths of the test images; the others are learnt from.
        notes: Lines for people on what could not be had.
    """

    test: frozenset[str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Unit:
    key: int
    paths: tuple[str, ...]
    classes: Counter[str]


def split_images(
    images: Sequence[FolderImage],
    groups: Mapping[str, str],
    copies: Sequence[Sequence[str]],
    share: Fraction,
    seed: int,
) -> Halves:
    """Split images so that ``share`` of each class is learnt from, as far as units allow.

    Args:
        images: Images of two classes or more.
        groups: Group of a path; absent for an image that belongs to no other.
        copies: Paths with equal bytes.
        share: Share of each class that is learnt from, between 0 and 1.
        seed: The specification's seed.

    Raises:
        DataError: No image can be scored: each class has one image, or lies in one unit.
    """
    units = _units(images, groups, copies, seed)
    sizes = Counter(image.label for image in images)
    goals = {label: _goal(size, share) for label, size in sizes.items()}
    tested: Counter[str] = Counter()
    chosen: set[int] = set()
    for number, unit in enumerate(units):
        if all(tested[label] + n <= goals[label] for label, n in unit.classes.items()):
            chosen.add(number)
            tested.update(unit.classes)
    for number, unit in enumerate(units):
        if number not in chosen and _nearer(unit, tested, goals, sizes):
            chosen.add(number)
            tested.update(unit.classes)
    for label in sorted(label for label in sizes if not tested[label]):
        if tested[label]:
            # By a unit of another class.
            continue
        free = [
            (sum(unit.classes.values()), number)
            for number, unit in enumerate(units)
            if label in unit.classes and _leaves_some(unit, tested, sizes)
        ]
        if free:
            number = min(free)[1]
            chosen.add(number)
            tested.update(units[number].classes)
    if not chosen:
        raise _nothing_to_score(sizes)
    test = frozenset(path for number in chosen for path in units[number].paths)
    return Halves(test, tuple(_notes(sizes, goals, tested, share)))


def _goal(size: int, share: Fraction) -> int:
    """Test images that a class of ``size`` should have."""
    return max(0, min(size - 1, max(1, int(size * (1 - share) + Fraction(1, 2)))))


def _nearer(
    unit: _Unit, tested: Counter[str], goals: Mapping[str, int], sizes: Mapping[str, int]
) -> bool:
    before = sum(abs(tested[label] - goals[label]) for label in unit.classes)
    after = sum(abs(tested[label] + n - goals[label]) for label, n in unit.classes.items())
    return after < before and _leaves_some(unit, tested, sizes)


def _leaves_some(unit: _Unit, tested: Mapping[str, int], sizes: Mapping[str, int]) -> bool:
    """True where each class of a unit keeps a train image if the unit is tested."""
    return all(tested[label] + n < sizes[label] for label, n in unit.classes.items())


def _units(
    images: Sequence[FolderImage],
    groups: Mapping[str, str],
    copies: Sequence[Sequence[str]],
    seed: int,
) -> list[_Unit]:
    """The units in ascending order of their keys."""
    parent = {image.path: image.path for image in images}

    def root(path: str) -> str:
        while parent[path] != path:
            parent[path] = parent[parent[path]]
            path = parent[path]
        return path

    first: dict[str, str] = {}
    for image in images:
        if image.path in groups:
            parent[root(image.path)] = root(first.setdefault(groups[image.path], image.path))
    for alike in copies:
        for path in alike[1:]:
            parent[root(path)] = root(alike[0])
    members: dict[str, list[FolderImage]] = defaultdict(list)
    for image in images:
        members[root(image.path)].append(image)
    units = [
        _Unit(
            min(
                Stream(seed, f"split/{name}").word(0)
                for name in {groups.get(image.path, image.path) for image in unit}
            ),
            tuple(image.path for image in unit),
            Counter(image.label for image in unit),
        )
        for unit in members.values()
    ]
    return sorted(units, key=lambda unit: (unit.key, unit.paths))


def _nothing_to_score(sizes: Mapping[str, int]) -> DataError:
    if max(sizes.values()) == 1:
        return DataError(
            "each class has one image, so none is left to score",
            remedy="provide two images of a class or more; ten or more give a score that tells "
            "something",
        )
    return DataError(
        "the groups leave no image to score: what belongs together has all images of a class",
        remedy="give --group smaller groups, or add images of more of them",
    )


def _notes(
    sizes: Mapping[str, int], goals: Mapping[str, int], tested: Counter[str], share: Fraction
) -> Iterator[str]:
    single = [label for label, size in sizes.items() if size == 1]
    if single:
        yield (
            f"{counted(len(single), 'class has', 'classes have')} one image, which is learnt from "
            f"and not scored: {listed(single)}"
        )
    whole = [label for label, size in sizes.items() if size > 1 and not tested[label]]
    if whole:
        yield (
            f"{counted(len(whole), 'class is', 'classes are')} not scored, since what belongs "
            f"together has all images of a class: {listed(whole)}"
        )
    moved = [label for label in sizes if tested[label] and tested[label] != goals[label]]
    if moved:
        shares = [1 - Fraction(tested[label], sizes[label]) for label in moved]
        low, high = (f"{float(end):.2f}" for end in (min(shares), max(shares)))
        found = f"is {low}, not" if low == high else f"lies between {low} and {high}, not at"
        yield (
            f"what belongs together is on one side: in {counted(len(moved), 'class', 'classes')} "
            f"the share that is learnt from {found} {float(share):.2f}"
        )


def listed(labels: Sequence[str]) -> str:
    """Names in quotes, sorted, of many the first few."""
    ordered = sorted(labels)
    more = f", and {len(ordered) - MAX_NAMED} more" if len(ordered) > MAX_NAMED else ""
    return ", ".join(f"'{shown(label)}'" for label in ordered[:MAX_NAMED]) + more
