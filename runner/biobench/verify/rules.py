"""The rules of a result's tasks, from the specification, or from the result for own tasks.

In: a result and the specification. Out: for each task that was run its id, division and metrics;
findings where the result and the specification disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from biobench.data.layouts.clusters import cluster_unit
from biobench.errors import SpecError
from biobench.metric.registry import METRICS
from biobench.metric.score import METHOD
from biobench.report.results import Results
from biobench.spec.documents import Division, Metric, Suite, Task
from biobench.spec.load import Spec
from biobench.verify.findings import Finding


@dataclass(frozen=True)
class TaskRules:
    """The rules that a task's score depends on, see :class:`biobench.metric.score.ScoreRules`.

    Attributes:
        document: The task of the specification, or of the file of a person's own task; None where
            that is not here.
    """

    id: str
    division: Division
    metrics: tuple[Metric, ...]
    document: Task | None


def task_rules(
    results: Results, spec: Spec, own: Mapping[str, Task] = MappingProxyType({})
) -> tuple[dict[str, TaskRules], list[Finding]]:
    """Rules by task id, of tasks that were run, and findings where the result does not fit the
    specification.

    ``own``: tasks of a person's own whose files are here, by id.
    """
    rules: dict[str, TaskRules] = {}
    findings = []
    for id, entry in results.tasks.items():
        found = _of_task(id, entry, results.document["division"], spec, own.get(id))
        if isinstance(found, str):
            findings.append(Finding("spec", False, found, id))
        elif not entry["declared"]:
            rules[id] = found
    return rules, findings


def suite_of(results: Results, spec: Spec) -> Suite | None:
    """The suite that a result names; None where the specification has none of that name."""
    return spec.suites.get(str(results.document["suite"]))


def _of_task(
    id: str, entry: Mapping[str, Any], division: str, spec: Spec, own: Task | None
) -> TaskRules | str:
    if id not in spec.task_ids():
        if division != "open":
            return "the specification has no such task"
        if own is None:
            return _own(id, entry)
        if entry["version"] != own.version:
            return f"its file is of version {own.version}, not {entry['version']}"
        task = own
    else:
        asked = "official" if division == "open" else division
        try:
            task = spec.task(id, asked, entry["version"])
        except SpecError as error:
            return error.what
    primary, named = task.metrics[0], sorted(metric.id for metric in task.metrics)
    kept = list(task.errata) if division == "compat" else []
    declared, unit = entry["declared"], cluster_unit(task.dataset.layout)
    faults = {
        f"its primary metric is {primary.id}, not {entry['metric']}": (
            (entry["metric"], entry["higher_is_better"]) != (primary.id, primary.higher_is_better)
        ),
        "no score of it can be declared": declared and not task.declarable,
        "what is declared is not one score from 0 to 1": (
            declared and not (list(entry["metrics"]) == [primary.id] and 0 <= entry["score"] <= 1)
        ),
        f"its protocol is {task.protocol.id}, not {entry['protocol']}": (
            not declared and entry["protocol"] != task.protocol.id
        ),
        f"the unit of its clusters is {unit}, not {entry['cluster_unit']}": (
            not declared and entry["cluster_unit"] != unit
        ),
        f"its metrics are {', '.join(named)}": not declared and sorted(entry["metrics"]) != named,
        "its errata are not those of the specification": (not declared and entry["errata"] != kept),
    }
    wrong = next((fault for fault, holds in faults.items() if holds), None)
    return wrong or TaskRules(id, task.division, task.metrics, task)


def _own(id: str, entry: Mapping[str, Any]) -> TaskRules | str:
    """Rules as the result itself states them: its metrics, the primary one first."""
    unknown = [name for name in entry["metrics"] if name not in METRICS]
    if unknown:
        return f"there is no metric {unknown[0]!r}"[:200]
    if entry["metric"] not in entry["metrics"]:
        return "its primary metric is not among its metrics"
    method = None if entry["no_interval"] in {"metric", "division"} else METHOD
    ordered = [entry["metric"], *(name for name in entry["metrics"] if name != entry["metric"])]
    metrics = tuple(
        Metric(name, entry["higher_is_better"], method if i == 0 else None)
        for i, name in enumerate(ordered)
    )
    return TaskRules(id, "open", metrics, None)
