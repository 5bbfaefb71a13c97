"""A careful forgery: a value is changed, and everything that follows from it is made to fit."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from small_runs import Made

from biobench import Results
from biobench.data.predictions import Predictions
from biobench.metric.score import SCORE_MEMBERS, score_task
from biobench.report.document import stage_root, suite_mean
from biobench.report.official import unofficial_reasons
from biobench.report.result_document import result_digest
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import Task
from biobench.spec.load import load_spec
from biobench.verify.check import check
from biobench.verify.document import claim_of
from biobench.verify.findings import Report
from biobench.verify.rules import suite_of, task_rules


def resealed(document: dict[str, Any], made: Made, *, reasons: bool = True) -> dict[str, Any]:
    """A document with every digest that follows from it, and with the reasons that it would have.

    Values that are no longer of their kind are left as they are: the schema finds them.
    """
    for entry in document["tasks"].values():
        if entry["declared"]:
            entry["metrics"] = {entry["metric"]: entry["score"]}
        said = {name: entry[name] for name in SCORE_MEMBERS if name in entry}
        entry["digests"]["score"] = sha256_json(said)
    if reasons:
        _reasons(document, made)
    digests, model = document["digests"], document["model"]
    digests |= {"weights": model["weights"], "recipe": model["recipe"]["digest"]}
    digests["spec"] = document["spec"]["digest"]
    for stage, of in (("data", "manifest"), *((name, name) for name in
                      ("pixels", "features", "predictions", "score"))):  # fmt: skip
        digests[stage] = stage_root(document["tasks"], of)
    digests["result"] = result_digest(document)
    return document


def _reasons(document: dict[str, Any], made: Made) -> None:
    spec = load_spec()
    results = Results(document, made.out)
    rules, _ = task_rules(results, spec, own_tasks(made))
    claim = replace(claim_of(results, rules, spec), counts=(), compared=False)
    lines = [line for line in document["unofficial_reasons"] if line.startswith("counts: ")]
    for id, entry in document["tasks"].items():
        for name, number in (entry["counts"] or {}).items():
            count = number + (entry["counts"]["excluded"] if name == "test" else 0)
            start = rf"^(counts: {id}: )\d+ ({name} )"
            lines = [re.sub(start, rf"\g<1>{count} \g<2>", line) for line in lines]
    if document["n_train"] is not None:
        lines = []
    wanted = unofficial_reasons(claim)
    before = ("division", "suite", "tasks", "declared", "a task", "few")
    first = [line for line in wanted if line.startswith(before)]
    document["unofficial_reasons"] = [*first, *lines, *(w for w in wanted if w not in first)]


@cache
def own_tasks(made: Made) -> Mapping[str, Task]:
    """The tasks of a person's own that were run, by id."""
    return made.places().images.own


def held(made: Made) -> dict[str, Predictions]:
    """Predictions of each task that was run."""
    run = [id for id, entry in made.results.tasks.items() if not entry["declared"]]
    return {id: made.results.predictions(id) for id in run}


def forge_predictions(
    made: Made,
    change: Callable[[str, Predictions], Predictions],
    **places: Any,
) -> Report:
    """Findings where predictions were changed, and digests, scores and mean made anew."""
    spec = load_spec()
    document = copy.deepcopy(made.results.document)
    results = Results(document, None, {})
    suite = suite_of(results, spec)
    assert suite is not None
    rules, _ = task_rules(results, spec, own_tasks(made))
    forged: dict[str, Predictions] = {}
    scores = {}
    for id, predictions in held(made).items():
        forged[id] = change(id, predictions)
        scores[id] = score_task(rules[id], suite, forged[id])
        document["tasks"][id] |= scores[id].document()
        document["tasks"][id]["digests"]["predictions"] = forged[id].digest
    said = {id: entry["score"] for id, entry in document["tasks"].items() if entry["declared"]}
    document["mean"] = suite_mean(suite, scores, said)
    found = Results(resealed(document, made), None, forged)
    return check(found, spec, made.places(**places))


def set_all(predictions: Predictions, name: str, value: Any) -> Predictions:
    """With one value in a column, where there is such a column."""
    if name not in predictions.extras:
        return predictions
    column = np.full_like(predictions.extras[name], value)
    return replace(predictions, extras={**predictions.extras, name: column})


def described(report: Report) -> Mapping[str, Any]:
    """For messages of tests."""
    return {stage: [str(found) for found in report.of(stage)] for stage in report.stages()}
