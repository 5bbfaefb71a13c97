"""Scores that another program computed, as results that tables and analyses take.

In: a document of scores of several models (``biobench import`` writes it). Out: one result a model,
of division compat and suite ``biobench``, whose entries are declared scores. It has no digests of
stages, no environment and no predictions: nothing of it can be verified, it is never official.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from biobench.errors import DataError, shown
from biobench.report.document import external_entries
from biobench.report.outcome import ExternalScore
from biobench.report.results import Results
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import BENCHMARK
from biobench.spec.load import Spec
from biobench.spec.schema_errors import flaws

SCHEMA = "biobench.imported/1"
DIVISION = "compat"
_SCHEMA_FILE = Path(__file__).with_name("imported.schema.json")


def is_imported(results: Results) -> bool:
    """True where a result is of imported scores."""
    return "imported" in results.document


def imported_digest(document: Mapping[str, Any]) -> str:
    """Digest of a document of imported scores without the digest itself."""
    return sha256_json({name: value for name, value in document.items() if name != "digest"})


def imported_document(
    spec: Spec, source: Mapping[str, Any], models: list[dict[str, Any]], left_out: list[str]
) -> dict[str, Any]:
    """The document of imported scores.

    Args:
        spec: The specification, whose current versions of the tasks the scores are taken for.
        source: ``format``, ``file``, ``digest``, ``created`` and ``commit`` of what was imported.
        models: Each with ``name``, ``title``, ``family``, ``resolution``, ``parameters``,
            ``released`` and ``scores`` by task.
        left_out: Tasks of the source that the specification does not have.

    Returns:
        A JSON value that fits ``imported.schema.json``, with its digest.
    """
    scored = {task for model in models for task in model["scores"]}
    tasks = {
        task: {"version": spec.task(task, DIVISION).version} for task in _ordered(spec, scored)
    }
    document = {
        "schema": SCHEMA,
        "biobench": version("biobench"),
        "spec": {"version": spec.version, "digest": spec.digest},
        "division": DIVISION,
        "source": dict(source),
        "tasks": tasks,
        "models": models,
        "left_out": left_out,
    }
    return {**document, "digest": imported_digest(document)}


def _ordered(spec: Spec, tasks: set[str]) -> list[str]:
    members = [task for suite in spec.suites.values() for task in suite.members]
    return [task for task in members if task in tasks]


def imported_results(document: Any, where: str, spec: Spec) -> list[Results]:
    """One result a model of a document of imported scores.

    Raises:
        DataError: The document does not fit its schema, or was changed after it was written.
        SpecError: The specification does not have a task in the version that it states.
    """
    schema = json.loads(_SCHEMA_FILE.read_text(encoding="utf-8"))
    for flaw in flaws(document, schema, 1):
        raise DataError(
            f"{flaw.pointer}: {flaw.message[:200]}",
            where=where,
            remedy="give the file that `biobench import` wrote, unchanged",
        )
    if document["digest"] != imported_digest(document):
        raise DataError(
            "was changed after it was written: its content does not have its digest",
            where=where,
            remedy="import the scores again",
        )
    for model in document["models"]:
        for task in model["scores"]:
            if task not in document["tasks"]:
                raise DataError(
                    f"has no task {shown(task)!r}", where=where, remedy="import the scores again"
                )
    return [_result(document, model, spec) for model in document["models"]]


def source_line(document: Mapping[str, Any]) -> str:
    """The source of the scores of a document, in one line."""
    source = document["source"]
    parts = [f"{source['format']}, {source['file']}"]
    parts += [f"of {source['created'][:10]}"] if source["created"] else []
    parts += [f"commit {source['commit'][:12]}"] if source["commit"] else []
    return " ".join(parts)


def _result(document: dict[str, Any], model: dict[str, Any], spec: Spec) -> Results:
    line = source_line(document)
    tasks, mean = external_entries(
        spec.suites[BENCHMARK],
        [
            ExternalScore(
                spec.task(task, document["division"], facts["version"]),
                model["scores"][task],
                line,
            )
            for task, facts in document["tasks"].items()
            if task in model["scores"]
        ],
    )
    unknown = (
        "revision", "revision_sources", "licence", "training_data", "weights", "program", "feature",
        "dim", "precision", "micro_batch", "recipe",
    )  # fmt: skip
    facts = {name: value for name, value in model.items() if name != "scores"}
    result = {
        "schema": SCHEMA,
        "biobench": document["biobench"],
        "spec": document["spec"],
        "suite": BENCHMARK,
        "division": document["division"],
        "official": False,
        "unofficial_reasons": [f"imported from {line}: nothing of it can be verified"],
        "n_train": None,
        "bad_images": None,
        "model": {
            **dict.fromkeys(unknown),
            **facts,
            "resolved": model["name"],
            "source": "imported",
            "overlap": [],
        },
        "mean": mean,
        "tasks": tasks,
        "digests": {"spec": document["spec"]["digest"]},
        "levels": {},
        "environment": None,
        "run": None,
        "imported": document["source"],
    }
    result["digests"]["result"] = sha256_json(result)
    return Results(result)
