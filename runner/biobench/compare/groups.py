"""Results that may share a table, apart from those that may not.

In: results in any mixture. Out: groups, each with the reason why it is apart from the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biobench.report.results import Results

KEY = ("protocol", "metric")
"""Fields that scores of one version of a task agree on, if they were run: an own task keeps its
version when its file names another protocol, and the difference would then be that of the
protocols."""


@dataclass(frozen=True)
class Group:
    """Results that agree on what they were grouped by, with one version, protocol, metric and list
    of images of each task.

    Attributes:
        reason: Why they are apart from an earlier group; None for the first.
    """

    results: tuple[Results, ...]
    reason: str | None

    @property
    def division(self) -> str:
        """The division of the results."""
        return str(self.results[0].document["division"])

    @property
    def suite(self) -> str:
        """The suite of the results."""
        return str(self.results[0].document["suite"])


def groups_of(
    results: Sequence[Results],
    by: Sequence[str] = ("division", "suite"),
    tasks: Sequence[str] | None = None,
) -> list[Group]:
    """Put each result into the first group that it fits, in the order given.

    Args:
        results: Results in any mixture.
        by: Members of a result document that all results of a group agree on.
        tasks: The tasks whose versions, protocols and images matter; None for all.
    """
    found: list[tuple[list[Results], str | None]] = []
    for result in results:
        reasons = [_apart(members, result, by, tasks) for members, _ in found]
        if None in reasons:
            found[reasons.index(None)][0].append(result)
        else:
            found.append(([result], reasons[0] if reasons else None))
    return [Group(tuple(members), reason) for members, reason in found]


def _apart(
    members: Sequence[Results], result: Results, by: Sequence[str], tasks: Sequence[str] | None
) -> str | None:
    """The reason why a result cannot share the table of ``members``, None where it can."""
    ours, theirs = result.document, members[0].document
    for what in by:
        if ours[what] != theirs[what]:
            values = ["all" if one[what] is None else one[what] for one in (ours, theirs)]
            return f"{what} {values[0]}, not {values[1]}"
    for other in members:
        reason = _other_task(result, other, tasks)
        if reason is not None:
            return reason
    return None


def _other_task(result: Results, other: Results, tasks: Sequence[str] | None) -> str | None:
    same_sample = result.document["n_train"] == other.document["n_train"]
    for task, entry in result.tasks.items():
        theirs = other.tasks.get(task)
        if theirs is None or (tasks is not None and task not in tasks):
            continue
        if entry["version"] != theirs["version"]:
            return f"version {entry['version']} of task {task}, not {theirs['version']}"
        if entry["declared"] or theirs["declared"]:
            continue
        for what in KEY:
            if entry[what] != theirs[what]:
                return f"{what} {entry[what]} of task {task}, not {theirs[what]}"
        if not same_sample:
            continue
        if entry["digests"]["manifest"] != theirs["digests"]["manifest"]:
            return f"other data of task {task}: another list of images was scored"
    return None
