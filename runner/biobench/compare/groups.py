"""Which results may share a table: those of one division, version and data of each task.

In: results. Out: groups in the order of their first results, each with the reason why it is apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from biobench.compare.results import model_name
from biobench.report.results import Results


@dataclass
class Group:
    """Results that may share a table.

    Attributes:
        reason: What sets them apart from the first group; None for the first.
    """

    results: list[Results] = field(default_factory=list)
    reason: str | None = None


def group_results(results: Sequence[Results], *, by_sample: bool = False) -> list[Group]:
    """Put each result into the first group whose results it may share a table with.

    Args:
        results: Results in any order.
        by_sample: Keep few-shot results of different sizes apart too.
    """
    groups: list[Group] = []
    for result in results:
        reasons = [_conflict(result, group.results, by_sample) for group in groups]
        if None in reasons:
            groups[reasons.index(None)].results.append(result)
        else:
            groups.append(Group([result], reasons[0] if reasons else None))
    return groups


def _conflict(result: Results, others: Sequence[Results], by_sample: bool) -> str | None:
    """The reason why a result cannot be in the table of others; None where it can."""
    for other in others:
        for name, words in (("division", "division {}"), ("n_train", "a sample of {}")):
            values = [one.document[name] for one in (result, other)]
            if values[0] != values[1] and (name == "division" or by_sample):
                of = [words.format("all items" if v is None else v) for v in values]
                return f"{model_name(result)} is of {of[0]}, {model_name(other)} of {of[1]}"
        same_sample = result.document["n_train"] == other.document["n_train"]
        for task, entry in result.tasks.items():
            known = other.tasks.get(task)
            if known is None:
                continue
            if entry["version"] != known["version"]:
                return (
                    f"{model_name(result)} is of version {entry['version']} of {task}, "
                    f"{model_name(other)} of {known['version']}"
                )
            data = [one["digests"].get("manifest") for one in (entry, known)]
            if same_sample and None not in data and data[0] != data[1]:
                return f"{model_name(result)} and {model_name(other)} have other data of {task}"
    return None
