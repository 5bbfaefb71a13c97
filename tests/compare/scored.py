"""Results of the suite of prior work, scored as a run scores them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from biobench import Results
from biobench.data.predictions import Predictions
from biobench.metric.score import score_task
from biobench.report.document import suite_mean
from biobench.report.result_document import result_digest
from biobench.spec.load import load_spec

SPEC = load_spec()
TASKS = ("imagenet1k", "inat21", "newt")
SUITE = SPEC.suites["prior-work"]


def predictions(task: str, skill: float, seed: int, n: int = 96) -> Predictions:
    """Labels of four classes, of which a model of that skill knows a share."""
    rng = np.random.default_rng([seed, TASKS.index(task)])
    truth = (np.arange(n) % 4).astype(np.int32)
    guess = rng.integers(0, 4, n)
    predicted = np.where(rng.random(n) < skill, truth, guess).astype(np.int32)
    groups = {"group": np.array([f"g{i % 3}" for i in range(n)])} if task == "newt" else {}
    return Predictions(tuple(f"{task}{i}" for i in range(n)), truth, predicted, groups)


def result(
    template: dict[str, Any],
    name: str,
    skill: float,
    seed: int = 0,
    tasks: Sequence[str] = TASKS,
    **changes: Any,
) -> Results:
    """A result of the suite of prior work with its predictions, scored as a run scores it."""
    document = copy.deepcopy(template)
    entry = document["tasks"].pop("demo-beluga")
    held = {task: predictions(task, skill, seed) for task in tasks}
    scores = {task: score_task(SPEC.task(task), SUITE, held[task]) for task in tasks}
    for task in tasks:
        known = SPEC.task(task)
        document["tasks"][task] = {
            **copy.deepcopy(entry),
            **scores[task].document(),
            "cluster_unit": "item",
            "metric": known.metrics[0].id,
            "version": known.version,
            "protocol": known.protocol.id,
            "digests": {**entry["digests"], "predictions": held[task].digest},
        }
    document["model"]["name"] = name
    document |= {"suite": "prior-work", "mean": suite_mean(SUITE, scores, {}), **changes}
    return Results(document, None, held)


def declared(results: Results, task: str, score: float) -> Results:
    entry = results.tasks[task]
    entry |= {"declared": True, "source": "a paper", "score": score, "interval": None}
    entry |= {"no_interval": "declared", "clusters": None, "cluster_unit": None}
    entry |= {"counts": None, "protocol": None, "predictions": None, "cost": None}
    entry["metrics"] = {entry["metric"]: score}
    results.document["mean"]["declared"] = [task]
    return results


def save(document: dict[str, Any], folder: Path) -> None:
    """Write a document with the digest of its content."""
    whole = copy.deepcopy(document)
    whole["digests"]["result"] = result_digest(whole)
    Results(whole).save(folder)
