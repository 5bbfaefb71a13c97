"""Diagnostics of a manifest: rows and classes that it leaves out, for the owner of the data.

In: a manifest. Out: lines that name rows of no split and classes that cannot be scored, and names
that differ in spelling alone, where that is the likely reason.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from biobench.data.duplicates import linked_places
from biobench.data.manifest import Manifest
from biobench.data.views import left_out
from biobench.errors import counted, shown
from biobench.spec.documents import Task

MAX_NAMED = 5
"""Names that fit in one line for people."""


def data_lines(task: Task, manifest: Manifest) -> list[str]:
    """List notes on a task's data: clips that the view leaves out, rows that are not used,
    and splits that are one and the same."""
    # Own data alone: the documents of the official data sets list what is left out.
    unused = unused_lines(manifest) if task.division == "open" else []
    linked = linked_places(task.dataset.layout, manifest.root)
    return [*dropped_lines(manifest), *unused, *linked]


def dropped_lines(manifest: Manifest) -> list[str]:
    """One line for the clips that the view leaves out."""
    if not manifest.dropped:
        return []
    verb = "is" if manifest.dropped == 1 else "are"
    return [f"{left_out(manifest.dropped)}, and {verb} left out"]


def unused_lines(manifest: Manifest) -> list[str]:
    """One line for rows of no split, one for excluded items, one for names that differ in
    spelling."""
    lines = []
    if manifest.of_no_split:
        count = sum(manifest.of_no_split.values())
        belong = "belongs" if count == 1 else "belong"
        lines.append(
            f"{counted(count, 'row')} {belong} to no split and "
            f"{'is' if count == 1 else 'are'} left out: {_most(manifest.of_no_split)}"
        )
    if manifest.excluded_names:
        count = sum(manifest.excluded_names.values())
        lines.append(
            f"{counted(count, 'test item')} left out, without another example of the class to "
            f"learn from: {_most(manifest.excluded_names)}"
        )
    names = {*manifest.classes, *manifest.test_classes, *manifest.excluded_names}
    lines += [
        f"classes that differ in spelling alone: {' and '.join(map(ascii, alike))}"
        for alike in spelt_alike(names)
    ]
    return lines


def spelt_alike(names: Iterable[str]) -> list[list[str]]:
    """Names, sorted, that are equal except for case, blanks around them and the form of accents."""
    groups: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        key = unicodedata.normalize("NFKC", name).strip().casefold()
        groups.setdefault(key, []).append(name)
    return [alike for alike in groups.values() if len(alike) > 1]


def _most(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    named = ", ".join(f"'{shown(name)}' {count}" for name, count in ordered[:MAX_NAMED])
    return named + (f", and {len(ordered) - MAX_NAMED} more" if len(ordered) > MAX_NAMED else "")
