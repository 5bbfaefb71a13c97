"""Compatibility of results, and their scores with clusters.

In: results. Out: tasks that can be compared, and clustered scores by task; UsageError for results
that must not share a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from biobench._common.output import print_note
from biobench.compare.groups import KEY
from biobench.data.predictions import Predictions
from biobench.errors import BiobenchError, DataError, SpecError, UsageError, shown
from biobench.metric.comparison import Clustered, clustered, require_same_items
from biobench.report.earlier import curve_sizes, is_page
from biobench.report.imported import imported_results
from biobench.report.result_document import result_digest
from biobench.report.results import FILE as RESULTS
from biobench.report.results import Results
from biobench.report.upstream import from_upstream, is_upstream
from biobench.spec.documents import Suite
from biobench.spec.load import Spec
from biobench.verify.document import check_form
from biobench.verify.load import CurveFile, ScoreTable, open_file, open_result
from biobench.verify.rules import TaskRules, task_rules

MEAN = "mean"
UNPUBLISHED = ("declared", "division", "metric")
"""Reasons of a score without an interval that leave nothing to compare models by."""


def open_sound(path: Path, spec: Spec) -> Results:
    """Open the result that a path names and check its form and its digest.

    Raises:
        DataError: It cannot be read, or has not the form of a result, or another content than its
            digest is of.
        SpecError: Its suite is not known.
    """
    return _sound(open_result(path), path, spec)


def open_scores(path: Path, spec: Spec) -> list[Results]:
    """Open the results that a path names: one, or one a model of a table of scores.

    Raises:
        DataError: As :func:`open_sound`, or the table is not sound.
        SpecError: As :func:`open_sound`.
    """
    found = open_file(path)
    if not isinstance(found, ScoreTable):
        return [
            open_sound(path, spec) if isinstance(found, CurveFile) else _sound(found, path, spec)
        ]
    document = found.document
    if is_upstream(document):
        document = from_upstream(document, found.data, path.name, found.where, spec)
    return imported_results(document, found.where, spec)


def open_each(paths: Sequence[Path], spec: Spec) -> tuple[list[Results], list[BiobenchError]]:
    """Open the results that paths name, every size of a learning curve among them; also the errors
    of those that cannot be opened, see :func:`open_scores`. A result that several paths name is
    opened once, with a note on standard error. Pages among other paths do not count: a shell names
    what lies beside the results of a run of several models."""
    found: dict[str, tuple[Results, Path]] = {}
    failed: list[BiobenchError] = []
    paths = [path for path in paths if not is_page(path)] or paths
    for place in (place for path in paths for place in _sizes_of(path) or [path]):
        try:
            opened = open_scores(place, spec)
        except (DataError, SpecError) as error:
            failed.append(error)
            continue
        again = []
        for results in opened:
            _, first = found.setdefault(results.digests["result"], (results, place))
            if found[results.digests["result"]][0] is not results:
                again.append(first)
        if again:
            same = "result" if len(again) == 1 else f"{len(again)} results"
            print_note(f"biobench: {place}: the same {same} as {again[0]}, taken once")
    return [results for results, _ in found.values()], failed


def _sizes_of(path: Path) -> list[Path]:
    """The folders of the sizes of a learning curve; empty for anything else."""
    if path.is_dir() and (path / RESULTS).is_file():
        return []
    return [path / size for size in curve_sizes(path)] if path.is_dir() else []


def _sound(results: Results, path: Path, spec: Spec) -> Results:
    flaw = check_form(results.document, spec)[0]
    if not flaw.holds:
        raise DataError(
            f"is not a sound result ({shown(flaw.text)})",
            where=shown(str(path)),
            remedy="`biobench verify` says more",
        )
    if result_digest(results.document) != results.digests["result"]:
        # Whoever changes a number with care makes the digests anew, and only `verify` finds that.
        raise DataError(
            "was changed after it was written: its content does not have its digest",
            where=shown(str(path)),
            remedy="`biobench verify` says more",
        )
    if str(results.document["suite"]) not in spec.suites:
        raise SpecError(
            f"there is no suite {results.document['suite']!r}",
            where=shown(str(path)),
            remedy=f"use biobench {results.document['biobench']}, which made the result",
        )
    return results


def require_one_table(results: Sequence[Results]) -> None:
    """Raise UsageError unless the results have one division, and one version, protocol and metric
    of each task."""
    divisions = list(dict.fromkeys(str(r.document["division"]) for r in results))
    if len(divisions) > 1:
        raise UsageError(
            f"results of the divisions {' and '.join(divisions)} cannot share a table",
            remedy="name results of one division",
        )
    versions: dict[str, int] = {}
    for result in results:
        for task, entry in result.tasks.items():
            if versions.setdefault(task, entry["version"]) != entry["version"]:
                both = sorted({versions[task], entry["version"]})
                raise UsageError(
                    f"results of versions {both[0]} and {both[1]} of task {task} cannot share a "
                    "table",
                    remedy="run the older ones again",
                )
    ran: dict[tuple[str, str], str] = {}
    for result in results:
        for task, entry in result.tasks.items():
            for what in () if entry["declared"] else KEY:
                if ran.setdefault((task, what), entry[what]) != entry[what]:
                    raise UsageError(
                        f"results of the {what}s {ran[task, what]} and {entry[what]} of task "
                        f"{task} cannot share a table",
                        remedy=f"run one of them again with the {what} of the other",
                    )


def model_name(results: Results) -> str:
    """The model of a result, with the size of its sample where it has one."""
    name, size = str(results.document["model"]["name"]), results.document["n_train"]
    if size is None:
        return name
    words = "in all" if results.document["division"] == "compat" else "a class"
    return f"{name} ({size} {words})"


def suite_and_division(results: Results) -> str:
    """The suite and division of a result; own tasks (division open) belong to no suite."""
    document = results.document
    division = f"division {document['division']}"
    return division if is_open(results) else f"suite {document['suite']}, {division}"


def is_open(results: Results) -> bool:
    """True for a result of own tasks, which is neither official nor not."""
    return bool(results.document["division"] == "open")


def task_order(results: Sequence[Results], spec: Spec) -> list[str]:
    """Tasks that any result has: in the order of their suites, then the users' own."""
    known = [task for suite in spec.suites.values() for task in suite.members]
    found = dict.fromkeys(task for result in results for task in result.tasks)
    return [*(task for task in known if task in found), *(t for t in found if t not in known)]


def comparable_tasks(results: Sequence[Results], order: Sequence[str]) -> list[str]:
    """The tasks of ``order`` that every result has run and that publish an interval; where none
    does, all that they have run, so that :func:`clustered_scores` says why."""
    ran = [
        task
        for task in order
        if all(task in r.tasks and not r.tasks[task]["declared"] for r in results)
    ]
    published = [
        task
        for task in ran
        if all(r.tasks[task]["no_interval"] not in UNPUBLISHED for r in results)
    ]
    return published or ran


def clustered_scores(
    results: Mapping[str, Results], tasks: Sequence[str], suite: Suite, spec: Spec
) -> dict[str, dict[str, Clustered]]:
    """Each model's score with its clusters, by task and model, both in the order given.

    Args:
        results: Results with their predictions.
        tasks: Tasks that every one of the results has run.
        suite: The suite of the results.
        spec: The specification that they were made with.

    Raises:
        DataError: A file is not the one that was scored, items, truth or clusters differ, or a task
            publishes no interval.
        SpecError: The specification does not have a task as the result says.
    """
    rules = {name: _rules(result, tasks, spec) for name, result in results.items()}
    found: dict[str, dict[str, Clustered]] = {}
    for task in tasks:
        first: Predictions | None = None
        found[task] = {}
        for name, result in results.items():
            predictions = result.predictions(task)
            first = predictions if first is None else first
            require_same_items(first, predictions, task)
            found[task][name] = clustered(predictions, rules[name][task], suite)
    return found


def with_mean(
    scores: Mapping[str, Mapping[str, Clustered]], suite: Suite
) -> dict[str, dict[str, list[Clustered]]]:
    """Each model's scores by column: one a task, and those of the whole suite for its mean, where
    every member of it is among them."""
    columns = {
        task: {name: [score] for name, score in models.items()} for task, models in scores.items()
    }
    if any(member not in scores for member in suite.members):
        return columns
    names = next(iter(scores.values()))
    columns[MEAN] = {name: [scores[member][name] for member in suite.members] for name in names}
    return columns


def _rules(result: Results, tasks: Sequence[str], spec: Spec) -> dict[str, TaskRules]:
    rules, faults = task_rules(result, spec)
    for fault in faults:
        if fault.task in tasks:
            raise SpecError(
                f"task {fault.task} of the result is not the specification's: {fault.text}",
                where=str(result.folder or result.document["model"]["name"]),
                remedy=f"compare with biobench {result.document['biobench']}, which made it",
            )
    return rules
