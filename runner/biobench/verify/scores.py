"""The checks of level S: every metric, interval and the mean, computed again from the predictions.

In: a result and the rules of its tasks. Out: findings of the stages predictions and score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from biobench.data.predictions import Predictions
from biobench.errors import BiobenchError, DataError, counted
from biobench.metric.score import SCORE_MEMBERS, Score, score_task
from biobench.probe.inputs import NO_PREDICTION
from biobench.report.document import suite_mean
from biobench.report.results import Results
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import Suite
from biobench.verify.findings import Finding
from biobench.verify.rules import TaskRules

_INDEXES = frozenset({"train-names", "train-names-or-unknown", "union-names"})
"""Label rules by which a label is the place of a name among the task's classes."""


def check_scores(results: Results, rules: Mapping[str, TaskRules], suite: Suite) -> list[Finding]:
    """Findings about predictions, scores and the mean.

    Raises:
        DataError: A file cannot be read.
    """
    findings: list[Finding] = []
    scores: dict[str, Score] = {}
    items = metrics = intervals = 0
    for id, task in rules.items():
        entry = results.tasks[id]
        predictions = _load(results, id)
        faults = list(_predictions(task, entry, predictions, results.document["bad_images"]))
        findings += faults
        items += len(predictions.ids)
        if faults:
            findings.append(
                Finding("score", None, "its predictions are not those that were scored", id)
            )
            continue
        try:
            score = score_task(task, suite, predictions)
        except BiobenchError as error:
            findings.append(Finding("score", False, f"cannot be computed: {error}", id))
            continue
        scores[id] = score
        metrics += len(score.metrics)
        intervals += score.interval is not None
        findings += _score(id, entry, score)
    if items and not any(finding.stage == "predictions" for finding in findings):
        findings.append(Finding("predictions", True, f"{items} have the digests of the result"))
    findings += _declared(results)
    mean = None
    if len(scores) == len(rules):
        mean = _mean(results, suite, scores)
        findings += mean
    if not any(finding.stage == "score" for finding in findings):
        again = f"{counted(metrics, 'metric')} and {counted(intervals, 'interval')}"
        again += " and the mean" if results.mean is not None else ""
        findings.append(Finding("score", True, f"{again} computed again, equal to the last bit"))
    return findings


def _load(results: Results, id: str) -> Predictions:
    """Load the predictions of a task; an error names the stage, as findings do."""
    try:
        return results.unchecked_predictions(id)
    except DataError as error:
        raise DataError(
            f"stage predictions: {error.what}", where=error.where, remedy=error.remedy
        ) from error


def _predictions(
    task: TaskRules, entry: Mapping[str, Any], predictions: Predictions, bad_images: int
) -> Iterator[Finding]:
    id, count = task.id, len(predictions.ids)
    if count != entry["counts"]["test"]:
        text = f"{count} of them, and the result counts {entry['counts']['test']} scored items"
        yield Finding("predictions", False, text, id)
        # A file may have any number of added rows: no more is computed of rows that nobody scored.
        return
    if predictions.digest != entry["digests"]["predictions"]:
        yield Finding("predictions", False, "they have another digest than the result says", id)
    lost = len(set(np.argwhere(predictions.y_pred == NO_PREDICTION)[:, 0].tolist()))
    if lost > bad_images:
        text = f"{lost} stand for unreadable images, and the result counts {bad_images or 'none'}"
        yield Finding("predictions", False, text, id)
    odd = _odd_label(task, entry["counts"]["classes"], predictions)
    if odd is not None:
        yield Finding("predictions", False, odd, id)


def _odd_label(task: TaskRules, classes: int, predictions: Predictions) -> str | None:
    """Describe a label that cannot be a label id of the task, None where all can."""
    named = task.document is not None and task.document.label_rule in _INDEXES
    for name, labels in (("y_true", predictions.y_true), ("y_pred", predictions.y_pred)):
        if not labels.size:
            continue
        most = 1 if labels.ndim == 2 else classes - 1 if named else None
        low, high = int(labels.min()), int(labels.max())
        if most is not None and high > most:
            return f"{name} holds {high}, and the labels of the task end at {most}"
        if low < NO_PREDICTION:
            return f"{name} holds {low}, which is not a label"
    return None


def _score(id: str, entry: Mapping[str, Any], score: Score) -> Iterator[Finding]:
    found = score.document()
    for name, value in found["metrics"].items():
        if entry["metrics"].get(name) != value:
            text = f"{name} is {value!r} by its predictions, not {entry['metrics'].get(name)!r}"
            yield Finding("score", False, text, id)
    if entry["score"] != found["score"]:
        text = f"the score is {found['score']!r} by its predictions, not {entry['score']!r}"
        yield Finding("score", False, text, id)
    if entry["interval"] != found["interval"]:
        text = f"the interval is {_shown(found['interval'])}, not {_shown(entry['interval'])}"
        yield Finding("score", False, text, id)
    if entry["no_interval"] != found["no_interval"]:
        text = f"no_interval is {found['no_interval']!r}, not {entry['no_interval']!r}"
        yield Finding("score", False, text, id)
    if entry["clusters"] != found["clusters"]:
        text = f"the clusters are {_counted(found['clusters'])}, not {_counted(entry['clusters'])}"
        yield Finding("score", False, text, id)


def _shown(interval: Mapping[str, Any] | None) -> str:
    if interval is None:
        return "none"
    marks = [name for name in ("few_clusters", "lone_classes") if interval[name]]
    return (
        f"{interval['low']!r} to {interval['high']!r} (standard error "
        f"{interval['standard_error']!r}, {interval['level']}{''.join(f', {m}' for m in marks)})"
    )


def _counted(clusters: Mapping[str, Any] | None) -> str:
    if clusters is None:
        return "not counted"
    return f"{clusters['count']}, effectively {clusters['effective']!r}"


def _declared(results: Results) -> Iterator[Finding]:
    """Check every entry's own digest of its score, declared ones too."""
    for id, entry in results.tasks.items():
        said = {name: entry[name] for name in SCORE_MEMBERS}
        if sha256_json(said) != entry["digests"]["score"]:
            text = "its digest is not that of its score"
            yield Finding("score", False, text, id)
        if entry["declared"] and list(entry["metrics"].values()) != [entry["score"]]:
            yield Finding("score", False, "what is declared is not its one metric", id)


def _mean(results: Results, suite: Suite, scores: Mapping[str, Score]) -> list[Finding]:
    declared = {
        id: float(entry["score"]) for id, entry in results.tasks.items() if entry["declared"]
    }
    try:
        found = suite_mean(suite, scores, declared)
    except BiobenchError as error:
        return [Finding("score", False, f"the mean cannot be computed: {error}")]
    if found == results.mean:
        return []
    return [Finding("score", False, f"the mean is {_number(found)}, not {_number(results.mean)}")]


def _number(mean: Mapping[str, Any] | None) -> str:
    if mean is None:
        return "null"
    return f"{mean['score']!r} ({mean['low']!r} to {mean['high']!r}) of {mean['tasks']}"
